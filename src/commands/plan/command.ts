/** `druidsync plan`: the same as `pull --dry-run`. Takes no lock and makes no file. */
import { define } from "../../kit/command.ts"
import { askedBy, planArgs } from "../../kit/pull-flags.ts"
import { planText } from "./text.ts"

export const command = define({
  args: planArgs,
  examples: [
    ["What would a pull fetch, and why", "druidsync plan --config c.json --out analytics.duckdb"],
    ["Every stretch on a line of its own", "druidsync plan --config c.json --out analytics.duckdb --verbose"],
    [
      "What would a full refresh cost",
      "druidsync plan --config c.json --out analytics.duckdb --only wikipedia --full",
    ],
  ],
  notes: [
    "Fetches no row, writes nothing and takes no lock; the file need not exist. Exits as the pull would, as far as it can tell: with 3 if Druid does not serve all of it now, with 4 if it refuses a datasource.",
  ],
  needs: "both",
  async run({ args, settings, datasources, ports, context }) {
    const { dryRun } = await import("./plan.ts")
    const plan = await dryRun(ports, {
      ...askedBy(args, settings, datasources),
      runId: context.newId(),
      settleWaitMs: 0,
    })
    return { document: plan, text: (style) => planText(plan, args.verbose, style) }
  },
})
