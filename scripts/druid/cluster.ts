/**
 * A real Apache Druid on loopback for development and tests: up, down, and everything in between that breaks it.
 * Promise: when `startDruid` fails, nothing it started is left running; when it succeeds, every process answers, the
 * coordinator sees all historicals and the overlord its worker. What the data looks like is `settle.ts`'s concern.
 */
import { existsSync } from "node:fs"
import { mkdir, readFile, rm, writeFile } from "node:fs/promises"
import { connect } from "node:net"
import { join, resolve } from "node:path"
import { request } from "./http.ts"
import { druidJars, javaCommand, kafkaJars, requireJava, resolveJars, run } from "./jars.ts"
import { assertPortsFree, portOf, portsOf, type ServiceName } from "./ports.ts"
import { endProcess, findProcesses, isOurs, signalProcess, startProcess } from "./processes.ts"
import {
  type ClusterSettings,
  kafkaBootstrap,
  kafkaConfigPath,
  launch,
  logPath,
  type PropertyOverrides,
  segmentCachePath,
} from "./services.ts"
import { dropState, readState, type State, writeMade, writeState } from "./state.ts"
import { Fatal, poll, sleep } from "./wait.ts"

/** How to start a cluster. */
export interface StartOptions {
  /** Everything the cluster writes goes here; created if need be. Data of an earlier run is served again. */
  dataDir: string
  /** Ports are this plus 1 to 91 (`ports.ts`); two clusters need bases at least 100 apart. */
  portBase: number
  /** "33.0.0" (default), "28.0.0" or "25.0.0". */
  version?: string
  /** Also a Kafka broker and Druid's Kafka indexing service. Default false. */
  kafka?: boolean
  /** 1 (default) to 4. */
  historicals?: number
  /** On how many historicals a segment is loaded, by the cluster's default rule. Default 1 (Druid's own: 2). */
  replicas?: number
  /** More or other Druid properties. */
  properties?: PropertyOverrides
  /** It lives for some minutes of tests, and nothing is measured on it: Java optimizes less. Default false. */
  isBrief?: boolean
  /** Told what is going on. */
  say?: (line: string) => void
}

/** One process of a cluster. */
export interface ServiceStatus {
  service: ServiceName
  /** Undefined if it was never started. */
  pid: number | undefined
  running: boolean
  healthy: boolean
  port: number
}

const START_DEADLINE_MS = 180_000
const STOP_GRACE_MS = 6_000

/** A running (or partly killed) cluster. */
export class Druid {
  readonly settings: ClusterSettings
  readonly routerUrl: string
  readonly brokerUrl: string
  readonly coordinatorUrl: string
  readonly indexerUrl: string
  /** `host:port` for Kafka's clients; nothing listens there unless the cluster was started with Kafka. */
  readonly kafkaBootstrap: string

  constructor(settings: ClusterSettings) {
    this.settings = settings
    this.routerUrl = this.url("router")
    this.brokerUrl = this.url("broker")
    this.coordinatorUrl = this.url("coordinator")
    this.indexerUrl = this.url("indexer")
    this.kafkaBootstrap = kafkaBootstrap(settings.portBase)
  }

  get dataDir(): string {
    return this.settings.dataDir
  }

  /** The HTTP root of a Druid process, without a slash at the end. */
  url(service: ServiceName): string {
    return `http://127.0.0.1:${portOf(this.settings.portBase, service)}`
  }

  /** Every process of the cluster, running or not. */
  async status(): Promise<ServiceStatus[]> {
    const { pids } = await this.#state()
    return Promise.all(
      (Object.keys(pids) as ServiceName[]).map(async (service) => {
        const pid = pids[service]
        const running = pid !== undefined && (await isOurs(this.dataDir, service, pid))
        const healthy = running && (await this.#isHealthy(service))
        return { service, pid, running, healthy, port: portOf(this.settings.portBase, service) }
      }),
    )
  }

  /** The process id noted for a service, whether it still runs or not. */
  async pid(service: ServiceName): Promise<number | undefined> {
    return (await this.#state()).pids[service]
  }

  /**
   * Sends a signal, SIGKILL unless told otherwise (SIGSTOP and SIGCONT freeze and thaw). With one that ends a process,
   * it is gone when this resolves. Nothing happens if it is not running.
   */
  async kill(service: ServiceName, signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    const pid = await this.pid(service)
    if (pid !== undefined) await signalProcess(this.dataDir, service, pid, signal)
  }

  /**
   * Starts a service that is not running and waits for its health (not with `wait: false`). With `emptyCache`, a
   * historical forgets the segments it had loaded.
   * @throws Error if it is running, if it dies while starting (with the end of its log), or after three minutes.
   */
  async start(service: ServiceName, options: { wait?: boolean; emptyCache?: boolean } = {}): Promise<void> {
    const before = await this.pid(service)
    if (before !== undefined && (await isOurs(this.dataDir, service, before)))
      throw new Error(`${service} is already running (PID ${before})`)
    if (options.emptyCache) await this.emptySegmentCache(service)
    const pid = await startProcess(this.dataDir, service, launch(this.settings, service))
    const state = await this.#state()
    state.pids[service] = pid
    await writeState(state)
    if (options.wait !== false) await this.#waitHealthy(service, pid)
  }

  /** SIGKILL, then start again. */
  async restart(service: ServiceName, options: { emptyCache?: boolean } = {}): Promise<void> {
    await this.kill(service)
    await this.start(service, options)
  }

  /** Removes what a stopped historical had loaded. @throws Error if the service is running. */
  async emptySegmentCache(service: ServiceName): Promise<void> {
    const pid = await this.pid(service)
    if (pid !== undefined && (await isOurs(this.dataDir, service, pid)))
      throw new Error(`${service} is running: kill it before emptying its segment cache`)
    await rm(segmentCachePath(this.dataDir, service), { recursive: true, force: true })
  }

  /** Starts one more historical and answers its name; ready when the coordinator sees it (it holds nothing yet). */
  async addHistorical(): Promise<ServiceName> {
    const { pids } = await this.#state()
    let n = 2
    while (pids[`historical-${n}`] !== undefined) n++
    const service: ServiceName = `historical-${n}`
    await assertPortsFree(portsOf(this.settings.portBase, [service]))
    await this.start(service)
    await this.#waitAssembled()
    return service
  }

  /** Ends a further historical and forgets it, its segment cache too. */
  async removeHistorical(service: ServiceName): Promise<void> {
    await this.kill(service)
    await this.emptySegmentCache(service)
    const state = await this.#state()
    delete state.pids[service]
    await writeState(state)
  }

  /** Waits until every process answers, the coordinator sees all historicals and the overlord its worker. */
  async ready(): Promise<void> {
    const { pids } = await this.#state()
    for (const service of Object.keys(pids) as ServiceName[])
      await this.#waitHealthy(service, pids[service] as number)
    await this.#waitAssembled()
  }

  /** Ends all processes of the data folder; with `purge` its files as well. */
  async stop(options: { purge?: boolean } = {}): Promise<void> {
    await stopDruid(this.dataDir, options)
  }

  /** The last lines of a service's log. */
  async log(service: ServiceName, lines = 30): Promise<string> {
    return logTail(this.dataDir, service, lines)
  }

  async #state(): Promise<State> {
    const state = await readState(this.dataDir)
    if (!state) throw new Error(`No Druid is up in ${this.dataDir} (no state file)`)
    return state
  }

  async #isHealthy(service: ServiceName): Promise<boolean> {
    if (service === "zookeeper" || service === "kafka") {
      const port = portOf(this.settings.portBase, service, service === "kafka" ? "broker port" : undefined)
      return canConnect(port)
    }
    const answer = await request(`${this.url(service)}/status/health`, { timeoutMs: 5_000 }).catch(
      () => false,
    )
    return answer === true
  }

  async #waitHealthy(service: ServiceName, pid: number): Promise<void> {
    // On a busy machine a process has no arguments to be known by until it is wholly there: one look is not enough.
    let missing = 0
    await poll(`${service} to be healthy`, { deadlineMs: START_DEADLINE_MS }, async () => {
      if (await this.#isHealthy(service)) return true
      missing = (await isOurs(this.dataDir, service, pid)) ? 0 : missing + 1
      if (missing >= 5)
        throw new Fatal(`${service} ended while starting. The end of its log:\n${await this.log(service)}`)
      return undefined
    })
  }

  async #waitAssembled(): Promise<void> {
    const { pids } = await this.#state()
    const wanted = Object.keys(pids).filter((name) => name.startsWith("historical")).length
    const options = { deadlineMs: START_DEADLINE_MS, everyMs: 250 }
    await poll("the coordinator to see all historicals", options, async () => {
      const servers = (await request(`${this.routerUrl}/druid/coordinator/v1/servers?simple`)) as {
        type: string
      }[]
      return servers.filter((server) => server.type === "historical").length >= wanted ? true : undefined
    })
    await poll("the overlord to see its worker", options, async () => {
      const workers = (await request(`${this.routerUrl}/druid/indexer/v1/workers`)) as unknown[]
      return workers.length > 0 ? true : undefined
    })
    await poll("SQL through the router", options, async () => {
      const query = "SELECT COUNT(*) FROM sys.segments"
      await request(`${this.routerUrl}/druid/v2/sql`, { body: { query } })
      return true
    })
  }
}

/**
 * Starts a cluster and waits until it is ready.
 * @throws PortsInUseError before anything is started; Error saying what is missing (Java, Maven), that the data folder
 * is in use, or which process failed, with the end of its log. On any failure, what was started has been ended.
 */
export async function startDruid(options: StartOptions): Promise<Druid> {
  const say = options.say ?? (() => {})
  const { version = "33.0.0", kafka = false, historicals = 1, portBase } = options
  const dataDir = resolve(options.dataDir)
  if (!Number.isInteger(historicals) || historicals < 1 || historicals > 4)
    throw new RangeError(`historicals must be 1 to 4, not ${historicals}`)
  const running = await findProcesses(dataDir)
  if (running.length > 0) {
    const list = running.map(({ service, pid }) => `${service} (PID ${pid})`).join(", ")
    throw new Error(`${dataDir} is in use by ${list}: attach to that Druid, or take it down first`)
  }
  const services = serviceNames(kafka, historicals)
  await assertPortsFree(portsOf(portBase, services))
  await requireJava()
  const druidLib = await resolveJars(druidJars(version, kafka), say)
  const kafkaLib = kafka ? await resolveJars(kafkaJars(), say) : ""
  const settings: ClusterSettings = {
    dataDir,
    portBase,
    version,
    kafka,
    druidLib,
    kafkaLib,
    properties: options.properties ?? {},
    isBrief: options.isBrief ?? false,
  }
  for (const folder of ["tmp", "log", "no-extensions", "deep-storage", "derby"])
    await mkdir(join(dataDir, folder), { recursive: true })
  await writeMade(dataDir, { portBase, version, kafka, historicals })
  await writeState({ settings, pids: {} })
  const druid = new Druid(settings)
  try {
    if (kafka) await formatKafka(settings)
    say(`Starting Druid ${version} on ports ${portBase}+: ${services.join(", ")}`)
    for (const service of services) await druid.start(service, { wait: service === "zookeeper" })
    await druid.ready()
    await defaultReplicas(druid, options.replicas ?? 1)
  } catch (error) {
    await stopDruid(dataDir)
    throw error
  }
  return druid
}

/**
 * What is left of a cluster of which something was killed, in words: such a one does not get whole by waiting.
 * @returns undefined where nothing runs, or everything that was started
 */
export async function remainsOf(dataDir: string): Promise<string | undefined> {
  const path = resolve(dataDir)
  const running = await findProcesses(path)
  if (running.length === 0) return undefined
  const pids = (await readState(path))?.pids ?? {}
  const noted = Object.entries(pids) as [ServiceName, number][]
  const names = new Set(running.map(({ pid }) => pid))
  const gone = noted.filter(([, pid]) => !names.has(pid)).map(([service]) => service)
  const unknown = running.filter(({ pid }) => !noted.some(([, other]) => other === pid))
  const words = [
    ...(gone.length === 0 ? [] : [`${gone.join(", ")} is gone`]),
    ...(unknown.length === 0 ? [] : [`${unknown.map(({ service }) => service).join(", ")} runs unnoted`]),
  ]
  return words.length === 0 ? undefined : words.join("; ")
}

/** The cluster that is up in a data folder. @throws Error if none is. */
export async function attachDruid(dataDir: string): Promise<Druid> {
  const path = resolve(dataDir)
  const state = await readState(path)
  if (!state || (await findProcesses(path)).length === 0) throw new Error(`No Druid is up in ${path}`)
  return new Druid(state.settings)
}

/**
 * Ends every process of a data folder, noted down or not, and answers how many there were. ZooKeeper goes last, so
 * that the others can say goodbye. With `purge` the folder is removed too, if it is one of ours.
 * @throws Error if `purge` is asked for a folder that this program did not make.
 */
export async function stopDruid(dataDir: string, options: { purge?: boolean } = {}): Promise<number> {
  const path = resolve(dataDir)
  let ended = 0
  // A second look: a process started between the first look and its end (by a script being killed) is found as well.
  for (let found = await findProcesses(path); found.length > 0; found = await findProcesses(path)) {
    const last = found.filter(({ service }) => service === "zookeeper")
    const first = found.filter(({ service }) => service !== "zookeeper")
    for (const group of [first, last])
      await Promise.all(group.map(({ service, pid }) => endProcess(path, service, pid, STOP_GRACE_MS)))
    ended += found.length
    await sleep(50)
  }
  if (options.purge && existsSync(path)) {
    const known = (await readState(path)) !== undefined || existsSync(join(path, "derby"))
    if (!known) throw new Error(`${path} does not look like a data folder of this program: not removed`)
    await rm(path, { recursive: true, force: true })
  } else await dropState(path)
  return ended
}

/** The processes of a cluster in the order they are started. */
export function serviceNames(kafka: boolean, historicals: number): ServiceName[] {
  const more: ServiceName[] = []
  for (let n = 2; n <= historicals; n++) more.push(`historical-${n}`)
  return [
    "zookeeper",
    ...(kafka ? (["kafka"] as const) : []),
    "coordinator",
    "broker",
    "historical",
    ...more,
    "indexer",
    "router",
  ]
}

async function defaultReplicas(druid: Druid, replicas: number): Promise<void> {
  const rules = [{ type: "loadForever", tieredReplicants: { _default_tier: replicas } }]
  await request(`${druid.coordinatorUrl}/druid/coordinator/v1/rules/_default`, { body: rules })
}

async function logTail(dataDir: string, service: ServiceName, lines: number): Promise<string> {
  const text = await readFile(logPath(dataDir, service), "utf8").catch(() => "(no log)") // only ever shown to a person
  return text.trimEnd().split("\n").slice(-lines).join("\n")
}

/** Kafka refuses to start on a folder without a cluster id. */
async function formatKafka(settings: ClusterSettings): Promise<void> {
  const { dataDir, kafkaLib } = settings
  if (existsSync(join(dataDir, "kafka", "meta.properties"))) return
  for (const [path, text] of Object.entries(launch(settings, "kafka").files)) {
    await mkdir(join(path, ".."), { recursive: true })
    await writeFile(path, text)
  }
  const tool = [
    "-cp",
    join(kafkaLib, "*"),
    "kafka.tools.StorageTool",
    "format",
    "-t",
    "ZHJ1aWRzeW5jLWRldi0wMA",
  ]
  await run(javaCommand(), [...tool, "-c", kafkaConfigPath(dataDir)], "Java is missing")
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect({ port, host: "127.0.0.1" })
    const end = (answer: boolean) => () => {
      socket.destroy()
      done(answer)
    }
    socket.once("connect", end(true)).once("error", end(false)).setTimeout(2_000, end(false))
  })
}
