/** Which process listens where: a port base plus fixed offsets, all on loopback. */
import { createServer } from "node:net"

/** The processes of one development cluster; further historicals are `historical-2` … `historical-4`. */
export type ServiceName =
  | "zookeeper"
  | "kafka"
  | "coordinator"
  | "broker"
  | "historical"
  | `historical-${number}`
  | "router"
  | "indexer"

/** A port and the process that wants it. */
export interface PortUse {
  port: number
  service: ServiceName
  what: string
}

const OFFSETS: readonly { offset: number; service: ServiceName; what: string }[] = [
  { offset: 1, service: "zookeeper", what: "client port" },
  { offset: 2, service: "coordinator", what: "Derby metadata store" },
  { offset: 3, service: "kafka", what: "broker port" },
  { offset: 4, service: "kafka", what: "controller port" },
  { offset: 81, service: "coordinator", what: "HTTP" },
  { offset: 82, service: "broker", what: "HTTP" },
  { offset: 83, service: "historical", what: "HTTP" },
  { offset: 84, service: "historical-2", what: "HTTP" },
  { offset: 85, service: "historical-3", what: "HTTP" },
  { offset: 86, service: "historical-4", what: "HTTP" },
  { offset: 88, service: "router", what: "HTTP" },
  { offset: 91, service: "indexer", what: "HTTP" },
]

/** The distance two port bases must keep so that two clusters do not meet. */
export const PORT_SPAN = 100

/**
 * The port on which `service` offers `what` (default its HTTP port, or its only one).
 * @throws Error if there is no such service (a fifth historical, say).
 */
export function portOf(portBase: number, service: ServiceName, what?: string): number {
  const found = OFFSETS.find((o) => o.service === service && (what ? o.what === what : o.what !== DERBY))
  if (!found) throw new Error(`No port is set aside for ${service}${what ? ` (${what})` : ""}`)
  return portBase + found.offset
}

/** The `what` of the metadata store's port, which the coordinator's process opens. */
export const DERBY = "Derby metadata store"

/** Every port the given services will open. */
export function portsOf(portBase: number, services: readonly ServiceName[]): PortUse[] {
  return OFFSETS.filter((o) => services.includes(o.service)).map(({ offset, service, what }) => ({
    port: portBase + offset,
    service,
    what,
  }))
}

/** Some ports are taken; the message names each and the process that wants it. */
export class PortsInUseError extends Error {
  readonly uses: readonly PortUse[]
  constructor(uses: readonly PortUse[]) {
    const list = uses.map((u) => `${u.port} (wanted by ${u.service}, ${u.what})`).join(", ")
    const plural = uses.length > 1
    super(
      `Port${plural ? "s" : ""} already in use: ${list}. ` +
        `Nothing was started. Choose another --port-base, or free ${plural ? "them" : "it"}.`,
    )
    this.uses = uses
  }
}

/**
 * Proves that all ports can be bound on loopback.
 * @throws PortsInUseError naming every port that is taken; RangeError for a port base out of range.
 */
export async function assertPortsFree(uses: readonly PortUse[]): Promise<void> {
  for (const { port } of uses) {
    if (!Number.isInteger(port) || port < 1024 || port > 65_535)
      throw new RangeError(`Port ${port} is not between 1024 and 65535: choose another port base`)
  }
  const free = await Promise.all(uses.map((use) => canBind(use.port)))
  const taken = uses.filter((_, i) => !free[i])
  if (taken.length > 0) throw new PortsInUseError(taken)
}

function canBind(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE") resolve(false)
      else reject(error)
    })
    server.listen({ port, host: "127.0.0.1", exclusive: true }, () => server.close(() => resolve(true)))
  })
}
