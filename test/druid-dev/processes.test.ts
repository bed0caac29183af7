import { afterAll, describe, expect, it } from "bun:test"
import { type ChildProcess, spawn } from "node:child_process"
import { mkdtempSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { attachDruid, remainsOf, stopDruid } from "../../scripts/druid/cluster.ts"
import { endProcess, findProcesses, isOurs, signalProcess } from "../../scripts/druid/processes.ts"
import { type ClusterSettings, launch, marker } from "../../scripts/druid/services.ts"
import { readMade, writeMade, writeState } from "../../scripts/druid/state.ts"
import { poll } from "../../scripts/druid/wait.ts"

const dataDir = mkdtempSync(join(tmpdir(), "druid-dev-"))
const children: ChildProcess[] = []
afterAll(() => {
  for (const child of children) child.kill("SIGKILL")
})

/** A stand-in for a Java process: any program that carries the mark among its arguments. */
async function marked(folder: string, script = "setInterval(() => {}, 1000)"): Promise<number> {
  const child = spawn(process.execPath, ["-e", script, "--", marker(folder, "broker")], { stdio: "ignore" })
  children.push(child)
  await poll("the process to show", { deadlineMs: 5_000 }, async () =>
    (await isOurs(folder, "broker", child.pid as number)) ? true : undefined,
  )
  return child.pid as number
}

describe("processes", () => {
  it("finds the processes of a data folder by their mark, without a state file", async () => {
    const pid = await marked(dataDir)
    expect(await findProcesses(dataDir)).toEqual([{ service: "broker", pid }])
    expect(await findProcesses(`${dataDir}-other`)).toEqual([])
    expect(await stopDruid(dataDir)).toBe(1)
    expect(await findProcesses(dataDir)).toEqual([])
  })

  it("never signals a process that is not the one that was started", async () => {
    const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" })
    children.push(child)
    expect(await signalProcess(dataDir, "broker", child.pid as number, "SIGKILL")).toBe(false)
    expect(child.exitCode ?? child.signalCode).toBeNull()
  })

  it("ends by force what does not end politely", async () => {
    const pid = await marked(dataDir, "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000)")
    await endProcess(dataDir, "broker", pid, 300)
    expect(await isOurs(dataDir, "broker", pid)).toBe(false)
  })

  it("sees that something of a cluster was killed, or was never noted, and leaves a whole one alone", async () => {
    const folder = mkdtempSync(join(tmpdir(), "druid-dev-"))
    expect(await remainsOf(folder)).toBeUndefined()
    const broker = await marked(folder)
    expect(await remainsOf(folder)).toBe("broker runs unnoted")
    const settings = { dataDir: folder, portBase: 21_000 } as ClusterSettings
    await writeState({ settings, pids: { broker } })
    expect(await remainsOf(folder)).toBeUndefined()
    await writeState({ settings, pids: { broker, router: 999_999_999 } })
    expect(await remainsOf(folder)).toBe("router is gone")
    await stopDruid(folder)
    expect(await remainsOf(folder)).toBeUndefined()
  })

  it("remembers in the data folder what it was started with, also when it is down", async () => {
    const folder = mkdtempSync(join(tmpdir(), "druid-dev-"))
    expect(await readMade(folder)).toBeUndefined()
    const made = { portBase: 21_000, version: "28.0.0", kafka: true, historicals: 2 }
    await writeMade(folder, made)
    await stopDruid(folder)
    expect(await readMade(folder)).toEqual(made)
  })

  it("does not attach to a folder where nothing is up", () => {
    expect(attachDruid(dataDir)).rejects.toThrow("No Druid is up")
  })

  it("does not purge a folder it did not make", () => {
    expect(stopDruid(dataDir, { purge: true })).rejects.toThrow("does not look like a data folder")
  })
})

describe("launch", () => {
  const settings: ClusterSettings = {
    ...{
      dataDir: "/d",
      portBase: 18_000,
      version: "33.0.0",
      kafka: true,
      druidLib: "/lib",
      kafkaLib: "/klib",
    },
    properties: { broker: { "druid.processing.numThreads": "7" }, common: { "druid.emitter": "logging" } },
  }
  const properties = (version: string, service: "broker" | "historical-2") =>
    launch({ ...settings, version }, service).files[`/d/conf/${service}/runtime.properties`] as string

  it("listens on loopback only", () => {
    expect(properties("33.0.0", "broker")).toContain("druid.host=127.0.0.1\ndruid.bindOnHost=true\n")
    expect(launch(settings, "zookeeper").files["/d/conf/zookeeper/zoo.cfg"]).toContain(
      "clientPortAddress=127.0.0.1",
    )
    expect(launch(settings, "kafka").files["/d/conf/kafka/server.properties"]).toContain(
      "listeners=PLAINTEXT://127.0.0.1:18003,CONTROLLER://127.0.0.1:18004",
    )
  })

  it("takes property overrides, for one service and for all", () => {
    expect(properties("33.0.0", "broker")).toContain("druid.processing.numThreads=7")
    expect(properties("33.0.0", "historical-2")).toContain("druid.processing.numThreads=2")
    expect(properties("33.0.0", "historical-2")).toContain("druid.emitter=logging")
  })

  it("tells '' from NULL where the release has a choice, and is silent where it has none", () => {
    expect(properties("25.0.0", "broker")).toContain("druid.generic.useDefaultValueForNull=false")
    expect(properties("28.0.0", "broker")).toContain("druid.generic.useDefaultValueForNull=false")
    expect(properties("33.0.0", "broker")).not.toContain("useDefaultValueForNull")
  })

  it("gives each historical a segment cache of its own", () => {
    expect(properties("33.0.0", "historical-2")).toContain('"path":"/d/segment-cache/historical-2"')
  })
})
