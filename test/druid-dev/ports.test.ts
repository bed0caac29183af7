import { describe, expect, it } from "bun:test"
import { existsSync, mkdtempSync } from "node:fs"
import { type AddressInfo, createServer, type Server } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { startDruid } from "../../scripts/druid/cluster.ts"
import { PORT_SPAN, PortsInUseError, portOf, portsOf, type ServiceName } from "../../scripts/druid/ports.ts"

const ALL: ServiceName[] = [
  ...(["zookeeper", "kafka", "coordinator", "broker", "router", "indexer"] as const),
  ...(["historical", "historical-2", "historical-3", "historical-4"] as const),
]

function listen(): Promise<Server> {
  return new Promise((resolve) => {
    const server = createServer()
    server.listen(0, "127.0.0.1", () => resolve(server))
  })
}

describe("ports", () => {
  it("gives every process ports of its own, within the span two clusters keep apart", () => {
    const ports = portsOf(20_000, ALL).map((use) => use.port)
    expect(new Set(ports).size).toBe(ports.length)
    for (const port of ports) expect(port - 20_000).toBeLessThan(PORT_SPAN)
  })

  it("answers a Druid process's HTTP port unless asked for another", () => {
    expect(portOf(18_000, "router")).toBe(18_088)
    expect(portOf(18_000, "coordinator")).toBe(18_081)
    expect(() => portOf(18_000, "historical-9")).toThrow("historical-9")
  })

  it("names the port in use and the service that needs it, and starts nothing", async () => {
    const server = await listen()
    const taken = (server.address() as AddressInfo).port
    const dataDir = join(mkdtempSync(join(tmpdir(), "druid-dev-")), "data")
    try {
      const error = await startDruid({ dataDir, portBase: taken - 82 }).catch((e: unknown) => e)
      expect(error).toBeInstanceOf(PortsInUseError)
      expect((error as Error).message).toContain(`${taken} (wanted by broker, HTTP)`)
      expect((error as Error).message).toContain("Nothing was started")
      expect(existsSync(dataDir)).toBe(false)
    } finally {
      server.close()
    }
  })

  it("refuses a port base that leaves the range of ports", async () => {
    const dataDir = join(tmpdir(), "druid-dev-never")
    expect(startDruid({ dataDir, portBase: 65_500 })).rejects.toThrow("between 1024 and 65535")
  })
})
