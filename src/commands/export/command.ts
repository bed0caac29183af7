/** `druidsync export`: parse, call `exportLake`, print. */
import { resolve } from "node:path"
import { type ArgsDef, defineCommand } from "citty"
import { ExitCode } from "../../base/errors.ts"
import { jsonLine } from "../../base/printable.ts"
import type { CliContext } from "../../kit/context.ts"
import {
  jsonArg,
  lockWaitArg,
  namesIn,
  onlyHeldArg,
  outArg,
  partArg,
  readDurationFlag,
  talkArgs,
} from "../../kit/flags.ts"

export const examples = [
  ["A folder of Parquet files, by month", "druidsync export --out analytics.duckdb --to lake"],
  [
    "After each pull: only what changed is written again",
    "druidsync pull --config c.json --out analytics.duckdb && druidsync export --out analytics.duckdb --to lake",
  ],
  [
    "One datasource, by day, as lines of JSON",
    "druidsync export --out analytics.duckdb --to lake --only wikipedia --partition day --format json",
  ],
  [
    "Several machines into one lake, each with its share",
    "druidsync export --out shard2.duckdb --to /mnt/lake --part shard-2-of-4",
  ],
] as const

export const notes = [
  "Asks nothing of Druid. Writes TABLE/year=2016/month=06/part-data.parquet and the like below the folder, each file beside its place first and then by rename, and a manifest in TABLE/_druidsync. The next time only partitions whose checkpoints changed are written; partitions without rows are removed. Files of others are never touched.",
  'Parquet is compressed with zstd; __time is an instant (UTC), JSON a string, sketches are bytes. In csv NULL is nothing and an empty text is ""; json is a row to a line. Reading it from Spark, polars and DuckDB: docs/how-to/lake.md.',
  "Exits with 0 when all that was exported is complete or provisional (realtime rows), with 3 when something in it is incomplete. druidsync verify --lake compares the lake with the file.",
] as const

const exportArgs = {
  ...outArg,
  to: { type: "string", required: true, valueHint: "DIR", description: "the lake's folder; made if need be" },
  ...onlyHeldArg,
  partition: {
    type: "enum",
    options: ["month", "day"],
    description: "what goes into one folder, in UTC (default: as the lake has it, else month)",
  },
  format: {
    type: "enum",
    options: ["parquet", "csv", "json"],
    description: "of the files (default: as the lake has it, else parquet)",
  },
  ...partArg,
  rewrite: {
    type: "boolean",
    default: false,
    description:
      "write all of this share again, also with another --partition or --format, or from another DuckDB file",
  },
  ...jsonArg,
  ...talkArgs,
  ...lockWaitArg,
} as const satisfies ArgsDef

export function exportCommand(context: CliContext) {
  return defineCommand({
    meta: { name: "export", description: "Write the DuckDB file's tables as a partitioned lake" },
    args: exportArgs,
    async run({ args }) {
      const out = resolve(args.out)
      const lockWaitMs = readDurationFlag("lock-wait", args["lock-wait"])
      const only = namesIn(args.only)
      const { exportLake } = await import("../../lake/export.ts")
      const report = await exportLake({
        out,
        to: resolve(args.to),
        only,
        share: args.part,
        partitionBy: args.partition,
        fileFormat: args.format,
        rewrite: args.rewrite,
        lockWaitMs,
        version: context.version,
        clock: context.clock,
        newId: context.newId,
        onWait: (holder) => {
          if (!args.quiet) context.stderr.write(`waiting for ${holder}\n`)
        },
        signal: context.signal,
      })
      if (args.json) context.stdout.write(jsonLine(report))
      else if (!args.quiet || report.exitCode !== ExitCode.ok) {
        const { exportText } = await import("../../kit/lake-text.ts")
        const { styleFor } = await import("../../kit/text/style.ts")
        context.stdout.write(exportText(report, args.verbose, styleFor(context.stdout, context.env)))
      }
      return report.exitCode
    },
  })
}
