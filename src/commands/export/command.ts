/** `druidsync export`: the file's tables as a lake. */
import { define } from "../../kit/command.ts"
import { choice, text, toggle } from "../../kit/flag.ts"
import { jsonArg, lockWaitArg, onlyHeldArg, outArg, partArg, talkArgs } from "../../kit/flags.ts"
import { path } from "../../kit/values.ts"
import { sayWait } from "../../kit/wait.ts"
import { LAKE_FORMATS, LAKE_PARTITIONINGS } from "../../lake/layout.ts"
import { exportText } from "./text.ts"

export const command = define({
  args: {
    ...outArg,
    to: text("DIR", "the lake's folder; created if needed", { required: true, parse: path }),
    ...onlyHeldArg,
    partition: choice(
      LAKE_PARTITIONINGS,
      "what goes into one folder, in UTC (default: as the lake has it, else month)",
    ),
    format: choice(LAKE_FORMATS, "of the files (default: as the lake has it, else parquet)"),
    ...partArg,
    rewrite: toggle(
      "write all of this share again, also with another --partition or --format, or from another DuckDB file",
    ),
    ...jsonArg,
    ...talkArgs,
    ...lockWaitArg,
  },
  examples: [
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
  ],
  notes: [
    "Asks nothing of Druid. Writes TABLE/year=2016/month=06/part-data.parquet and the like below the folder, each file beside its place first and then by rename, and a manifest in TABLE/_druidsync. The next time it writes only partitions whose checkpoints changed, and removes partitions without rows. It never touches files of others.",
    'Parquet is compressed with zstd; __time is an instant (UTC), JSON a string, sketches are bytes. In csv NULL is nothing and an empty text is ""; json is a row to a line. Reading it from Spark, polars and DuckDB: docs/how-to/lake.md.',
    "Exits with 0 if everything exported is complete or provisional (realtime rows), with 3 if some of it is incomplete. druidsync verify --lake compares the lake with the file.",
  ],
  needs: "nothing",
  async run({ args, context, emit }) {
    const { exportLake } = await import("../../lake/export.ts")
    const { version, clock, newId, signal } = context
    const report = await exportLake({
      out: args.out,
      to: args.to,
      only: args.only,
      share: args.part,
      partitionBy: args.partition,
      fileFormat: args.format,
      rewrite: args.rewrite,
      lockWaitMs: args["lock-wait"],
      version,
      clock,
      newId,
      onWait: sayWait(emit),
      signal,
    })
    return { document: report, text: (style) => exportText(report, args.verbose, style) }
  },
})
