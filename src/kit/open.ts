/** What commands need, opened before they run and closed after them, whatever happens: one place for all of them. */
import type { Shard } from "../base/shard.ts"
import type { DatasourceSettings, Settings } from "../config/settings.ts"
import type { DruidClient } from "../druid/client.ts"
import type { Emit } from "../pull/events.ts"
import type { Ports } from "../pull/ports.ts"
import type { TimeLimit } from "../pull/time-limit.ts"
import type { Engine } from "../store/engine.ts"
import type { DatabaseFile } from "../store/file/file.ts"
import type { RawValues } from "./args.ts"
import { loadForCommand } from "./config.ts"
import type { CliContext } from "./context.ts"
import type { Watch } from "./job/watch.ts"
import { namesOf, selectDatasources } from "./select.ts"
import type { SessionOptions } from "./session.ts"
import { sayWait } from "./wait.ts"

/** By need: what a command is given. */
export interface Opened {
  readonly nothing: object
  /** the configuration, and a connection to Druid */
  readonly druid: {
    readonly settings: Settings
    readonly datasources: readonly DatasourceSettings[]
    readonly client: DruidClient
  }
  /** the DuckDB file, for reading */
  readonly file: { readonly engine: Engine; readonly file: DatabaseFile }
  /** all of it, and the datasources that `--only` and `--shard` leave */
  readonly both: {
    readonly settings: Settings
    readonly datasources: readonly DatasourceSettings[]
    readonly ports: Ports
    /** only for a job that has one */
    readonly limit: TimeLimit | undefined
  }
}
export type Need = keyof Opened

/** Flags that say what is opened, and how; a command has those that it needs. */
export interface SharedValues {
  readonly out?: string | undefined
  readonly only?: readonly string[] | undefined
  readonly shard?: Shard | undefined
  readonly "lock-wait"?: number | undefined
}

export interface Opening {
  readonly context: CliContext
  readonly args: SharedValues
  /** flags as they were typed: those that stand for keys of the configuration */
  readonly words: RawValues
  readonly emit: Emit
  /** takes the run lock, and the file may be written */
  readonly writes: boolean
  /** gets the configuration of the job, before anything else is opened */
  readonly watch: Watch | undefined
  /** called with the configuration, before anything else is opened; may throw */
  readonly check: (settings: Settings) => Promise<void> | void
}

type Open<N extends Need> = <T>(opening: Opening, work: (opened: Opened[N]) => Promise<T>) => Promise<T>

export const OPENERS: { readonly [N in Need]: Open<N> } = {
  nothing: (_opening, work) => work({}),
  druid: openDruid,
  file: openFile,
  both: openBoth,
}

async function openDruid<T>(opening: Opening, work: (opened: Opened["druid"]) => Promise<T>): Promise<T> {
  const { context, emit } = opening
  const settings = await settingsOf(opening)
  const { openClient, tellingBy } = await import("./client.ts")
  const client = openClient(settings, context, tellingBy(emit))
  try {
    const { lookUpTables } = await import("./tables.ts")
    const datasources = await lookUpTables(settings, client, context.signal)
    sayLooking(emit, settings, datasources)
    return await work({ settings, datasources, client })
  } finally {
    await client.close()
  }
}

async function openFile<T>(opening: Opening, work: (opened: Opened["file"]) => Promise<T>): Promise<T> {
  const { context, args, emit } = opening
  const { withFile } = await import("../store/file/reading.ts")
  const path = args.out!
  const lockWaitMs = args["lock-wait"]!
  return withFile({ path, lockWaitMs, clock: context.clock, onWait: sayWait(emit, path) }, (engine, file) =>
    work({ engine, file }),
  )
}

async function openBoth<T>(opening: Opening, work: (opened: Opened["both"]) => Promise<T>): Promise<T> {
  const { context, args, emit, writes, watch } = opening
  const startedMs = context.clock.nowMs()
  const settings = await settingsOf(opening)
  const limit = watch === undefined ? undefined : await timeLimit(context, settings, startedMs)
  try {
    const select = (tables: readonly DatasourceSettings[]) => selectDatasources(tables, args.only, args.shard)
    const known = settings.patterns.length > 0 ? undefined : select(settings.datasources)
    const { withReadSession, withSession } = await import("./session.ts")
    const { lookUpTables } = await import("./tables.ts")
    const options: Omit<SessionOptions, "out"> = {
      settings,
      known: known && namesOf(known),
      choose: async (client, held) => {
        const tables = await lookUpTables(settings, client, context.signal, held)
        watch?.chose(tables)
        return select(tables)
      },
      lockWaitMs: args["lock-wait"]!,
      version: context.version,
      clock: context.clock,
      newId: context.newId,
      emit,
      signal: context.signal,
      limit,
    }
    const run = (ports: Ports, datasources: readonly DatasourceSettings[]) => {
      sayLooking(emit, settings, datasources)
      return work({ settings, datasources, ports, limit })
    }
    return await (writes
      ? withSession({ ...options, out: args.out! }, run)
      : withReadSession({ ...options, out: args.out }, run))
  } finally {
    limit?.stop()
  }
}

/** Loads the configuration and passes on its warnings. */
async function settingsOf({ context, words, emit, watch, check }: Opening): Promise<Settings> {
  const settings = await loadForCommand(context, words)
  await watch?.start(settings)
  for (const message of settings.warnings) emit({ type: "warning", message })
  await check(settings)
  return settings
}

/** @param startedMs reading the configuration takes time, too, where a program gives a secret */
async function timeLimit(
  { clock }: CliContext,
  { job }: Settings,
  startedMs: number,
): Promise<TimeLimit | undefined> {
  if (job.maxDurationMs === undefined) return undefined
  const { startTimeLimit } = await import("../pull/time-limit.ts")
  return startTimeLimit(clock, Math.max(0, job.maxDurationMs - (clock.nowMs() - startedMs)))
}

function sayLooking(
  emit: Emit,
  { druid }: Settings,
  datasources: readonly { readonly name: string }[],
): void {
  emit({ type: "looking", url: druid.url, datasources: namesOf(datasources) })
}
