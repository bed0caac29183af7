/** `druidsync verify`: parse, call `verify`, print. */
import { resolve } from "node:path"
import { defineCommand } from "citty"
import { ExitCode } from "../../base/errors.ts"
import { jsonLine } from "../../base/printable.ts"
import { overridesOf } from "../../config/flags.ts"
import type { CliContext } from "../../kit/context.ts"
import {
  configArg,
  jsonArg,
  loadForCommand,
  lockWaitArg,
  logFormatArg,
  namesIn,
  outArg,
  partArg,
  pullArgs,
  readDurationFlag,
  readInstantFlag,
  talkArgs,
} from "../../kit/flags.ts"
import { usage } from "../../kit/strict.ts"

export const examples = [
  [
    "Compare everything, cheaply: counts and fingerprints",
    "druidsync verify --config c.json --out analytics.duckdb",
  ],
  [
    "Every night a twentieth of the chunks, row by row",
    'druidsync verify --config c.json --out analytics.duckdb --deep --sample 5% --seed "$(date +%F)"',
  ],
  [
    "Fetch again what differs, and compare it again",
    "druidsync verify --config c.json --out analytics.duckdb --repair",
  ],
  ["Is the lake of an export what the file holds?", "druidsync verify --lake lake --out analytics.duckdb"],
] as const

export const notes = [
  "Marks: = equal, * differs, + only in Druid, - only in DuckDB. Exits with 0 when all that was compared is equal, 1 when something differs, 3 when something could not be compared (a pull is due, or Druid does not serve all of it), 4 where Druid refuses a datasource.",
  "Left out without an exit code: what Druid dropped and we keep, rows of realtime segments, and what the load rules keep on no server.",
  "Changes nothing in the file without --repair; notes the outcome in _sync_verifies, where the file is free and writable.",
  "With --lake it compares the files that druidsync export wrote with the DuckDB file, asks nothing of Druid and needs no --config: files missing, damaged or foreign, partitions that changed since, and the rows. Exits with 0 when all of it is equal, else with 1. Only --out, --only, --part, --deep, --json, --quiet, --verbose and --lock-wait go with it.",
] as const

const { only, since, until, "settle-wait": settleWait } = pullArgs

export const verifyArgs = {
  // Not read with --lake.
  ...configArg,
  ...outArg,
  lake: {
    type: "string",
    valueHint: "DIR",
    description: "compare this lake of druidsync export with the DuckDB file, without Druid",
  },
  ...partArg,
  only,
  since,
  until,
  deep: {
    type: "boolean",
    default: false,
    description: "fetch the rows again and compare them one by one, not their fingerprints",
  },
  sample: {
    type: "string",
    valueHint: "N|P%",
    description: "compare so many chunks of each datasource, or so many of a hundred",
  },
  seed: {
    type: "string",
    valueHint: "TEXT",
    description: "chooses the sample: the same text, the same chunks (default: another one each time)",
  },
  repair: {
    type: "boolean",
    default: false,
    description: "fetch again what differs, and compare it again",
  },
  ...jsonArg,
  ...talkArgs,
  ...lockWaitArg,
  "settle-wait": settleWait,
  "spool-dir": pullArgs["spool-dir"],
  "memory-limit": pullArgs["memory-limit"],
  ...logFormatArg,
} as const

/** The command, for this context. */
export function verifyCommand(context: CliContext) {
  return defineCommand({
    meta: { name: "verify", description: "Compare the DuckDB file with Druid, chunk by chunk" },
    args: verifyArgs,
    async run({ args, rawArgs }) {
      if (args.lake !== undefined) return runLake(context, args.lake, args, rawArgs)
      if (args.part !== undefined) throw usage("--part names nothing without --lake")
      const settings = await loadForCommand(context, args.config, overridesOf(args))
      const { selectDatasources } = await import("../../kit/select.ts")
      const datasources = selectDatasources(settings, args.only)
      const sinceMs = readInstantFlag("since", args.since)
      const untilMs = readInstantFlag("until", args.until)
      const lockWaitMs = readDurationFlag("lock-wait", args["lock-wait"])
      const settleWaitMs = readDurationFlag("settle-wait", args["settle-wait"])
      const { parseSample } = await import("../../compare/sample.ts")
      const sample = args.sample === undefined ? undefined : parseSample(args.sample)
      if (args.sample !== undefined && sample === undefined) {
        throw usage(`--sample ${JSON.stringify(args.sample)} is no share`, "write it like 20 or 5%")
      }
      if (args.seed !== undefined && sample === undefined)
        throw usage("--seed chooses nothing without --sample")
      const { createReporter } = await import("../../kit/reporter.ts")
      const reporter = createReporter({
        stdout: context.stdout,
        stderr: context.stderr,
        env: context.env,
        nowMs: context.clock.nowMs,
        quiet: args.quiet,
        verbose: args.verbose,
        json: args.json,
        logFormat: args["log-format"],
      })
      for (const message of settings.warnings) reporter.emit({ type: "warning", message })
      try {
        const { withReadSession, withSession } = await import("../../kit/session.ts")
        const { verify } = await import("../verify/verify.ts")
        const { recordVerification } = await import("../verify/record.ts")
        // Fingerprints only read, and take no lock; rows need a spool, a repair the right to write.
        const session = args.deep || args.repair ? withSession : withReadSession
        const report = await session(
          {
            settings,
            out: resolve(args.out),
            datasources: datasources.map((datasource) => datasource.name),
            lockWaitMs,
            version: context.version,
            clock: context.clock,
            newId: context.newId,
            emit: reporter.emit,
            signal: context.signal,
          },
          async (ports) => {
            reporter.emit({
              type: "looking",
              url: settings.druid.url,
              datasources: datasources.map((datasource) => datasource.name),
            })
            const request = {
              runId: context.newId(),
              datasources,
              pull: settings.pull,
              sinceMs,
              untilMs,
              deep: args.deep,
              sample,
              seed: args.seed ?? context.newId().slice(0, 8),
              repair: args.repair,
              settleWaitMs,
            }
            const report = await verify(ports, request)
            await recordVerification(ports, request, report)
            return report
          },
        )
        const { verifiedRecords } = await import("../../kit/json-log.ts")
        for (const record of verifiedRecords(report)) reporter.log(record)
        reporter.close()
        if (args.json) context.stdout.write(jsonLine(report))
        else if (!args.quiet || report.exitCode !== ExitCode.ok) {
          const { verificationText } = await import("./text.ts")
          const { styleFor } = await import("../../kit/text/style.ts")
          context.stdout.write(verificationText(report, args.verbose, styleFor(context.stdout, context.env)))
        }
        return report.exitCode
      } finally {
        reporter.close()
      }
    },
  })
}

/** Flags that mean nothing to a lake. */
const NOT_WITH_LAKE = [
  "config",
  "since",
  "until",
  "sample",
  "seed",
  "repair",
  "settle-wait",
  "spool-dir",
  "memory-limit",
] as const

interface LakeArgs {
  readonly out: string
  readonly only?: string | undefined
  readonly part?: string | undefined
  readonly deep: boolean
  readonly json: boolean
  readonly quiet: boolean
  readonly verbose: boolean
  readonly "lock-wait": string
}

/** `verify --lake`: the lake against the DuckDB file. */
async function runLake(
  context: CliContext,
  lake: string,
  args: LakeArgs,
  rawArgs: readonly string[],
): Promise<ExitCode> {
  const given = new Set(rawArgs.map((word) => word.split("=")[0]))
  const wrong = NOT_WITH_LAKE.find((name) => given.has(`--${name}`) || (name === "config" && given.has("-c")))
  if (wrong !== undefined) {
    throw usage(
      `--${wrong} does not go with --lake`,
      "the lake is compared with the DuckDB file, not with Druid",
    )
  }
  const { verifyLake } = await import("../../lake/verify.ts")
  const report = await verifyLake({
    out: resolve(args.out),
    to: resolve(lake),
    only: namesIn(args.only),
    share: args.part,
    deep: args.deep,
    lockWaitMs: readDurationFlag("lock-wait", args["lock-wait"]),
    clock: context.clock,
    newId: context.newId,
    onWait: (holder) => {
      if (!args.quiet) context.stderr.write(`waiting for ${holder}\n`)
    },
    signal: context.signal,
  })
  if (args.json) context.stdout.write(jsonLine(report))
  else if (!args.quiet || report.exitCode !== ExitCode.ok) {
    const { lakeText } = await import("../../kit/lake-text.ts")
    const { styleFor } = await import("../../kit/text/style.ts")
    context.stdout.write(lakeText(report, args.verbose, styleFor(context.stdout, context.env)))
  }
  return report.exitCode
}
