/** Streaming ingestion: Kafka's console producer, and Druid's supervisors. Needs a cluster started with `kafka: true`. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process"
import { once } from "node:events"
import { join } from "node:path"
import type { Druid } from "./cluster.ts"
import { DruidHttpError, request } from "./http.ts"
import { dataSchema, type IngestOptions } from "./ingest.ts"
import { javaCommand } from "./jars.ts"
import { kafkaJvm } from "./services.ts"
import { type Settled, type SettleOptions, segments, waitSettled } from "./settle.ts"
import { countRows } from "./sql.ts"
import { poll } from "./wait.ts"

/** An open producer: starting one takes a second or two, sending takes milliseconds. */
export interface Producer {
  /** Hands rows (objects or JSON lines) to Kafka; sent at once, not proven to have arrived. */
  send(rows: Iterable<object | string>): Promise<void>
  /** Sends the rest and ends the process. @throws Error with what the producer complained about. */
  close(): Promise<void>
}

/** Opens a producer for a topic, which is made (one partition) when the first row arrives. */
export function openProducer(druid: Druid, topic: string): Producer {
  needKafka(druid)
  const { kafkaLib, dataDir } = druid.settings
  const child: ChildProcessWithoutNullStreams = spawn(javaCommand(), [
    ...kafkaJvm(dataDir),
    "-Xmx128m",
    "-cp",
    join(kafkaLib, "*"),
    "kafka.tools.ConsoleProducer",
    ...["--bootstrap-server", druid.kafkaBootstrap, "--topic", topic, "--timeout", "0"],
    ...["--request-required-acks", "-1", "--max-block-ms", "60000"],
  ])
  let complaints = ""
  child.stderr.on("data", (chunk: Buffer) => {
    complaints += chunk.toString()
  })
  child.stdout.resume()
  const closed = once(child, "close") as Promise<[number | null]>
  closed.catch(() => {}) // a failed start is told by close()
  child.stdin.on("error", (error) => {
    complaints += `${error.message}\n`
  })
  return {
    async send(rows) {
      for (const row of rows) {
        const line = typeof row === "string" ? row : JSON.stringify(row)
        if (!child.stdin.write(`${line}\n`)) await Promise.race([once(child.stdin, "drain"), closed])
      }
    },
    async close() {
      child.stdin.end()
      const [code] = await closed
      if (code !== 0 || /\bERROR\b/.test(complaints))
        throw new Error(
          `Producing to ${topic} failed (exit code ${code}): ${complaints.trim().slice(-1_000)}`,
        )
    },
  }
}

/** Sends rows to a topic and waits until Kafka has them. @throws Error if a row did not arrive. */
export async function produce(druid: Druid, topic: string, rows: Iterable<object | string>): Promise<void> {
  const producer = openProducer(druid, topic)
  await producer.send(rows)
  await producer.close()
}

/** What a supervisor reads and makes of it; fields shared with `ingest` mean the same. */
export interface SupervisorOptions
  extends Pick<
    IngestOptions,
    | "datasource"
    | "segmentGranularity"
    | "queryGranularity"
    | "rollup"
    | "dimensions"
    | "metrics"
    | "timestampSpec"
    | "tuning"
  > {
  topic: string
  /**
   * How long a task reads before it publishes, ISO. Default PT1H: rows stay realtime until `handOffNow` or
   * `suspendSupervisor`. Below a minute Druid 33's tasks fail with `IllegalArgumentException: null` (it is rounded
   * down to minutes and scheduled with a delay of zero).
   */
  taskDuration?: string
  /** Default 1. */
  taskCount?: number
}

/**
 * Starts (or replaces) the supervisor of a datasource; reads the topic, which must exist, from its beginning.
 * @throws RangeError for a task duration given in seconds below 60; DruidHttpError if Druid refuses the spec.
 */
export async function startSupervisor(druid: Druid, options: SupervisorOptions): Promise<string> {
  needKafka(druid)
  const { topic, taskDuration = "PT1H", taskCount = 1, tuning, ...schema } = options
  if (Number(/^PT(\d+)S$/.exec(taskDuration)?.[1] ?? 60) < 60)
    throw new RangeError(`taskDuration ${taskDuration} is below a minute, with which Druid's tasks fail`)
  const spec = {
    type: "kafka",
    spec: {
      dataSchema: dataSchema(schema),
      ioConfig: {
        topic,
        inputFormat: { type: "json" },
        consumerProperties: { "bootstrap.servers": druid.kafkaBootstrap },
        taskCount,
        replicas: 1,
        taskDuration,
        startDelay: "PT1S",
        period: "PT2S",
        completionTimeout: "PT5M",
        useEarliestOffset: true,
      },
      tuningConfig: { type: "kafka", offsetFetchPeriod: "PT5S", ...(tuning ?? {}) },
    },
  }
  const answer = (await request(`${druid.routerUrl}/druid/indexer/v1/supervisor`, { body: spec })) as {
    id: string
  }
  return answer.id
}

/**
 * Stops reading: running tasks publish what they have and end after hand-off. Offsets are kept for `resume`. Nothing
 * happens where it was suspended before.
 */
export async function suspendSupervisor(druid: Druid, id: string): Promise<void> {
  try {
    await supervisorAction(druid, id, "suspend")
  } catch (error) {
    if (!(error instanceof DruidHttpError && /already suspended/.test(error.message))) throw error
  }
}

/** Has the tasks publish what they have read; a new task reads on from there. See with `waitPublished`. */
export async function handOffNow(
  druid: Druid,
  id: string,
  taskGroupIds: readonly number[] = [0],
): Promise<void> {
  const url = `${druid.routerUrl}/druid/indexer/v1/supervisor/${encodeURIComponent(id)}/taskGroups/handoff`
  await request(url, { body: { taskGroupIds } })
}

/** Reads on after `suspendSupervisor`. */
export async function resumeSupervisor(druid: Druid, id: string): Promise<void> {
  await supervisorAction(druid, id, "resume")
}

/**
 * Ends the supervisor for good, after its tasks have published, handed off and ended. (Druid's own `terminate` forgets
 * a task that is only just starting: it then reads on for its whole duration. Suspending first does not.)
 */
export async function terminateSupervisor(druid: Druid, id: string, deadlineMs = 120_000): Promise<void> {
  await suspendSupervisor(druid, id)
  await waitTasksEnded(druid, id, deadlineMs)
  await supervisorAction(druid, id, "terminate")
}

/** Waits until `COUNT(*)` is at least `rows`: with a supervisor reading, rows are queryable within a second. */
export async function waitRows(
  druid: Druid,
  datasource: string,
  rows: number,
  deadlineMs = 60_000,
): Promise<void> {
  await poll(`${datasource} to have ${rows} rows`, { deadlineMs }, async () => {
    const count = await countRows(druid, datasource)
    if (count < rows) throw new Error(`it has ${count}`)
    return true
  })
}

/** Waits until no segment of the datasource is realtime any more, whether its tasks still run or not. */
export async function waitPublished(druid: Druid, datasource: string, deadlineMs = 120_000): Promise<void> {
  await poll(`${datasource} to have no realtime segment`, { deadlineMs }, async () => {
    const listed = await segments(druid, datasource)
    return listed.length > 0 && listed.every((s) => s.is_realtime === 0) ? true : undefined
  })
}

/**
 * Waits, after `suspendSupervisor` or `terminateSupervisor`, until no task of the datasource runs and every segment is
 * served by historicals.
 */
export async function waitHandedOff(
  druid: Druid,
  datasource: string,
  options: SettleOptions = {},
): Promise<Settled> {
  await waitTasksEnded(druid, datasource, options.deadlineMs ?? 120_000)
  return waitSettled(druid, datasource, options)
}

async function waitTasksEnded(druid: Druid, datasource: string, deadlineMs: number): Promise<void> {
  const url = `${druid.routerUrl}/druid/indexer/v1/tasks?datasource=${encodeURIComponent(datasource)}`
  await poll(`the tasks of ${datasource} to end`, { deadlineMs }, async () => {
    const tasks = (await request(url)) as { statusCode: string }[]
    const open = tasks.filter(({ statusCode }) => statusCode === "RUNNING")
    if (open.length > 0) throw new Error(`${open.length} tasks are open`)
    return true
  })
}

async function supervisorAction(druid: Druid, id: string, action: string): Promise<void> {
  const url = `${druid.routerUrl}/druid/indexer/v1/supervisor/${encodeURIComponent(id)}/${action}`
  await request(url, { method: "POST" })
}

function needKafka(druid: Druid): void {
  if (!druid.settings.kafka)
    throw new Error("This Druid was started without Kafka: start it with `kafka: true`")
}
