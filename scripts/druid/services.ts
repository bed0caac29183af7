/** How each process is started: its class path, JVM flags, main class and configuration files. Pure: no effects. */
import { join } from "node:path"
import { DERBY, portOf, type ServiceName } from "./ports.ts"

/** Everything that decides the configuration of a cluster. Paths are absolute. */
export interface ClusterSettings {
  dataDir: string
  portBase: number
  version: string
  kafka: boolean
  /** Folder with Druid's jars. */
  druidLib: string
  /** Folder with Kafka's jars; only used with `kafka`. */
  kafkaLib: string
  /** As `StartOptions`. */
  isBrief?: boolean
  /** More or other Druid properties, for one service or for all (`common`). */
  properties: PropertyOverrides
}

/** Druid properties by service; `common` applies to every Druid process, `historical` to every historical. */
export type PropertyOverrides = Partial<
  Record<"common" | "coordinator" | "broker" | "historical" | "indexer" | "router", Record<string, string>>
>

/** What it takes to start one process. */
export interface Launch {
  /** Arguments after `java`. */
  args: string[]
  /** Configuration files to write first: absolute path → text. */
  files: Record<string, string>
}

/** The five kinds of Druid process. */
type DruidKind = "coordinator" | "broker" | "historical" | "indexer" | "router"

const HEAP: Record<DruidKind, readonly string[]> = {
  coordinator: ["-Xms128m", "-Xmx512m", "-XX:TieredStopAtLevel=1"],
  broker: ["-Xms256m", "-Xmx1g", "-XX:MaxDirectMemorySize=800m"],
  historical: ["-Xms256m", "-Xmx1g", "-XX:MaxDirectMemorySize=1g"],
  indexer: ["-Xms256m", "-Xmx1500m", "-XX:MaxDirectMemorySize=1g"],
  router: ["-Xms64m", "-Xmx256m"],
}

/** Only the first of Java's two compilers: a tenth less time where a Druid lives for minutes, and slower queries. */
const BRIEF = ["-XX:TieredStopAtLevel=1"]

const JVM = [
  "--add-exports=java.base/jdk.internal.misc=ALL-UNNAMED",
  "--add-exports=java.base/jdk.internal.ref=ALL-UNNAMED",
  "--add-opens=java.base/java.nio=ALL-UNNAMED",
  "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED",
  "--add-opens=java.base/jdk.internal.ref=ALL-UNNAMED",
  "--add-opens=java.base/java.io=ALL-UNNAMED",
  "--add-opens=java.base/java.lang=ALL-UNNAMED",
  "--add-opens=jdk.management/com.sun.management.internal=ALL-UNNAMED",
  "-Duser.timezone=UTC",
  "-Dfile.encoding=UTF-8",
  "-XX:+UseSerialGC",
  "-Djava.util.logging.manager=org.apache.logging.log4j.jul.LogManager",
]

/** Short periods, so that tests see a change within a second or two. Druid's defaults are a minute or more. */
const COORDINATOR = {
  "druid.coordinator.asOverlord.enabled": "true",
  "druid.coordinator.asOverlord.overlordService": "druid/overlord",
  "druid.coordinator.startDelay": "PT1S",
  "druid.coordinator.period": "PT2S",
  "druid.coordinator.period.indexingPeriod": "PT1800S",
  "druid.coordinator.kill.on": "false",
  "druid.coordinator.loadqueuepeon.type": "http",
  "druid.manager.segments.pollDuration": "PT1S",
  "druid.manager.rules.pollDuration": "PT1S",
  "druid.manager.lookups.period": "2000",
  "druid.indexer.runner.type": "httpRemote",
  "druid.indexer.storage.type": "metadata",
  "druid.indexer.queue.startDelay": "PT0S",
  "druid.indexer.queue.storageSyncRate": "PT2S",
}

const BROKER = {
  "druid.sql.enable": "true",
  "druid.sql.planner.metadataRefreshPeriod": "PT1S",
  "druid.serverview.type": "http",
  "druid.server.http.numThreads": "30",
  "druid.broker.http.numConnections": "20",
  "druid.broker.cache.useCache": "false",
  "druid.broker.cache.populateCache": "false",
  "druid.processing.buffer.sizeBytes": "64MiB",
  "druid.processing.numMergeBuffers": "2",
  "druid.processing.numThreads": "1",
}

const HISTORICAL = {
  "druid.server.http.numThreads": "30",
  "druid.server.maxSize": "20000000000",
  "druid.historical.cache.useCache": "false",
  "druid.historical.cache.populateCache": "false",
  "druid.processing.buffer.sizeBytes": "64MiB",
  "druid.processing.numMergeBuffers": "2",
  "druid.processing.numThreads": "2",
}

const INDEXER = {
  "druid.server.http.numThreads": "30",
  "druid.worker.capacity": "6",
  "druid.segment.handoff.pollDuration": "PT1S",
  "druid.processing.buffer.sizeBytes": "64MiB",
  "druid.processing.numMergeBuffers": "2",
  "druid.processing.numThreads": "1",
}

const ROUTER = {
  "druid.router.defaultBrokerServiceName": "druid/broker",
  "druid.router.coordinatorServiceName": "druid/coordinator",
  "druid.router.managementProxy.enabled": "true",
  "druid.router.http.numConnections": "50",
  "druid.router.http.readTimeout": "PT5M",
  "druid.router.http.numMaxThreads": "50",
  "druid.server.http.numThreads": "50",
}

/** The argument every process of this data folder carries, by which it is known again. */
export function marker(dataDir: string, service: ServiceName): string {
  return `-Ddruidsync.dev=${dataDir}#${service}`
}

/** Where the log of a service is written (appended over restarts). */
export function logPath(dataDir: string, service: ServiceName): string {
  return join(dataDir, "log", `${service}.log`)
}

/** Where a historical keeps the segments it has loaded. */
export function segmentCachePath(dataDir: string, service: ServiceName): string {
  return join(dataDir, "segment-cache", service)
}

/** The launch of any service of the cluster. */
export function launch(settings: ClusterSettings, service: ServiceName): Launch {
  if (service === "zookeeper") return zookeeper(settings)
  if (service === "kafka") return kafka(settings)
  return druid(settings, service, service.startsWith("historical") ? "historical" : (service as DruidKind))
}

function druid(settings: ClusterSettings, service: ServiceName, kind: DruidKind): Launch {
  const { dataDir, portBase } = settings
  const conf = join(dataDir, "conf", service)
  const derby = portOf(portBase, "coordinator", DERBY)
  const common: Record<string, string> = {
    "druid.host": "127.0.0.1",
    "druid.bindOnHost": "true",
    "druid.service": `druid/${kind}`,
    "druid.plaintextPort": String(portOf(portBase, service)),
    "druid.extensions.loadList": "[]",
    "druid.extensions.directory": join(dataDir, "no-extensions"),
    "druid.extensions.hadoopDependenciesDir": join(dataDir, "no-extensions"),
    "druid.zk.service.host": `127.0.0.1:${portOf(portBase, "zookeeper")}`,
    "druid.zk.service.sessionTimeoutMs": "10000",
    "druid.metadata.storage.type": "derby",
    "druid.metadata.storage.connector.connectURI": `jdbc:derby://127.0.0.1:${derby}/${join(dataDir, "derby", "metadata")};create=true`,
    "druid.metadata.storage.connector.host": "127.0.0.1",
    "druid.metadata.storage.connector.port": String(derby),
    "druid.storage.type": "local",
    "druid.storage.storageDirectory": join(dataDir, "deep-storage"),
    "druid.indexer.logs.type": "file",
    "druid.indexer.logs.directory": join(dataDir, "task-logs"),
    "druid.selectors.indexing.serviceName": "druid/overlord",
    "druid.selectors.coordinator.serviceName": "druid/coordinator",
    "druid.emitter": "noop",
    "druid.startup.logging.logProperties": "false",
    "druid.lookup.enableLookupSyncOnStartup": "false",
    ...(major(settings.version) < 32 ? { "druid.generic.useDefaultValueForNull": "false" } : {}),
    ...(major(settings.version) < 33 ? { "druid.serverview.type": "http" } : {}),
  }
  const own: Record<DruidKind, Record<string, string>> = {
    coordinator: COORDINATOR,
    broker: BROKER,
    historical: {
      ...HISTORICAL,
      "druid.segmentCache.locations": JSON.stringify([
        { path: segmentCachePath(dataDir, service), maxSize: 20_000_000_000 },
      ]),
    },
    indexer: { ...INDEXER, "druid.indexer.task.baseDir": join(dataDir, "tasks") },
    router: ROUTER,
  }
  const all = {
    ...common,
    ...own[kind],
    ...settings.properties.common,
    ...settings.properties[kind],
  }
  return {
    args: [
      marker(dataDir, service),
      ...JVM,
      ...HEAP[kind],
      ...(settings.isBrief === true ? BRIEF : []),
      `-Djava.io.tmpdir=${join(dataDir, "tmp")}`,
      `-Dderby.stream.error.file=${join(dataDir, "log", "derby.log")}`,
      "-cp",
      `${conf}:${join(settings.druidLib, "*")}`,
      "org.apache.druid.cli.Main",
      "server",
      kind,
    ],
    files: {
      [join(conf, "runtime.properties")]: propertiesText(all),
      [join(conf, "log4j2.xml")]: log4j2(),
    },
  }
}

function zookeeper({ dataDir, portBase, druidLib }: ClusterSettings): Launch {
  const conf = join(dataDir, "conf", "zookeeper")
  const config = {
    dataDir: join(dataDir, "zookeeper"),
    clientPort: String(portOf(portBase, "zookeeper")),
    clientPortAddress: "127.0.0.1",
    tickTime: "1000",
    maxClientCnxns: "0",
    "admin.enableServer": "false",
    "autopurge.purgeInterval": "1",
    snapCount: "10000",
  }
  return {
    args: [
      marker(dataDir, "zookeeper"),
      "-Xmx128m",
      "-XX:+UseSerialGC",
      "-XX:TieredStopAtLevel=1",
      "-Dzookeeper.jmx.log4j.disable=true",
      "-cp",
      `${conf}:${join(druidLib, "*")}`,
      "org.apache.zookeeper.server.quorum.QuorumPeerMain",
      join(conf, "zoo.cfg"),
    ],
    files: { [join(conf, "zoo.cfg")]: propertiesText(config), [join(conf, "log4j2.xml")]: log4j2() },
  }
}

/** The address Kafka's clients use. */
export function kafkaBootstrap(portBase: number): string {
  return `127.0.0.1:${portOf(portBase, "kafka", "broker port")}`
}

function kafka({ dataDir, portBase, kafkaLib }: ClusterSettings): Launch {
  const conf = join(dataDir, "conf", "kafka")
  const controller = `127.0.0.1:${portOf(portBase, "kafka", "controller port")}`
  const broker = kafkaBootstrap(portBase)
  const config = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.quorum.voters": `1@${controller}`,
    listeners: `PLAINTEXT://${broker},CONTROLLER://${controller}`,
    "advertised.listeners": `PLAINTEXT://${broker}`,
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "log.dirs": join(dataDir, "kafka"),
    "num.partitions": "1",
    "auto.create.topics.enable": "true",
    "offsets.topic.num.partitions": "1",
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.num.partitions": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "group.initial.rebalance.delay.ms": "0",
  }
  return {
    args: [
      marker(dataDir, "kafka"),
      ...kafkaJvm(dataDir),
      "-Xmx384m",
      "-cp",
      join(kafkaLib, "*"),
      "kafka.Kafka",
      kafkaConfigPath(dataDir),
    ],
    files: {
      [kafkaConfigPath(dataDir)]: propertiesText(config),
      [join(conf, "log4j.properties")]:
        "log4j.rootLogger=WARN, out\nlog4j.appender.out=org.apache.log4j.ConsoleAppender\n" +
        "log4j.appender.out.target=System.err\nlog4j.appender.out.layout=org.apache.log4j.PatternLayout\n" +
        "log4j.appender.out.layout.ConversionPattern=%d %p %c %m%n\n",
    },
  }
}

/** JVM flags shared by Kafka's broker and its console tools. */
export function kafkaJvm(dataDir: string): string[] {
  const log4j = join(dataDir, "conf", "kafka", "log4j.properties")
  return ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", `-Dlog4j.configuration=file:${log4j}`]
}

/** Kafka's `server.properties`. */
export function kafkaConfigPath(dataDir: string): string {
  return join(dataDir, "conf", "kafka", "server.properties")
}

/** The first number of a Druid version: 33 for "33.0.0". */
export function major(version: string): number {
  return Number(version.split(".")[0])
}

function propertiesText(properties: Record<string, string>): string {
  return Object.entries(properties)
    .map(([key, value]) => `${key}=${value.replaceAll("\\", "\\\\")}\n`)
    .join("")
}

/** Warnings only (Druid is talkative at one-second periods); DRUIDSYNC_DRUID_LOG=info for more. */
function log4j2(): string {
  const level = process.env.DRUIDSYNC_DRUID_LOG ?? "warn"
  return `<?xml version="1.0" encoding="UTF-8" ?>
<Configuration status="WARN">
  <Appenders><Console name="Console" target="SYSTEM_OUT"><PatternLayout pattern="%d{ISO8601} %p [%t] %c - %m%n"/></Console></Appenders>
  <Loggers><Root level="${level}"><AppenderRef ref="Console"/></Root></Loggers>
</Configuration>
`
}
