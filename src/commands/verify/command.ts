/** `druidsync verify`: the file against Druid. */
import { usage } from "../../base/errors.ts"
import { define } from "../../kit/command.ts"
import { VERIFY_EXIT_CODES } from "./exit-codes.ts"
import { verifyArgs } from "./flags.ts"
import { verificationText } from "./text.ts"

const exitCodes = VERIFY_EXIT_CODES.map(([code, meaning]) => `${code} ${meaning}`).join("; ")

export const command = define({
  args: verifyArgs,
  examples: [
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
  ],
  notes: [
    `Marks: = equal, * differs, + only in Druid, - only in DuckDB. Exit codes: ${exitCodes}.`,
    "Left out without an exit code: what Druid dropped and we keep, rows of realtime segments, and what the load rules keep on no server.",
    "Without --repair it changes nothing in the file, but notes the outcome in _sync_verifies if the file is free and writable.",
    "With --lake it compares the files that druidsync export wrote with the DuckDB file, asks nothing of Druid and needs no --config: files missing, damaged or foreign, partitions that changed since, and the rows. Exits with 0 when all of it is equal, else with 1. Only --out, --only, --part, --deep, --json, --quiet, --verbose and --lock-wait go with it.",
  ],
  needs: "both",
  // Fingerprints only read, and take no lock; rows need a spool, a repair the right to write.
  writes: ({ deep, repair }) => deep || repair,
  check({ args }) {
    if (args.part !== undefined) throw usage("--part requires --lake")
    if (args.seed !== undefined && args.sample === undefined)
      throw usage("--seed has no effect without --sample")
    if (args.direct && !args.deep && !args.repair)
      throw usage("--direct has no effect without --deep or --repair")
  },
  async run({ args, settings, datasources, ports, context, log }) {
    const { verify } = await import("./verify.ts")
    const { recordVerification } = await import("./record.ts")
    const { verifiedRecords } = await import("./log.ts")
    const request = {
      runId: context.newId(),
      datasources,
      lookups: args.only === undefined ? settings.lookups : undefined,
      pull: settings.pull,
      sinceMs: args.since,
      untilMs: args.until,
      deep: args.deep,
      sample: args.sample,
      seed: args.seed ?? context.newId().slice(0, 8),
      repair: args.repair,
      settleWaitMs: args["settle-wait"],
    }
    const report = await verify(ports, request)
    await recordVerification(ports, request, report)
    for (const record of verifiedRecords(report)) log(record)
    return { document: report, text: (style) => verificationText(report, args.verbose, style) }
  },
})
