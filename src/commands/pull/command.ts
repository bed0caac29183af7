/** `druidsync pull`: bring the datasources into the file. */
import { define } from "../../kit/command.ts"
import { askedBy, pullArgs } from "../../kit/pull-flags.ts"

export const command = define({
  args: pullArgs,
  examples: [
    ["Copy everything, then only what is new", "druidsync pull --config c.json --out analytics.duckdb"],
    ["Show what would be fetched and why", "druidsync pull --config c.json --out analytics.duckdb --dry-run"],
    [
      "One datasource, from the start again",
      "druidsync pull --config c.json --out analytics.duckdb --only wikipedia --full",
    ],
    [
      "The second of four machines that share the days",
      "druidsync pull --config c.json --out shard-2.duckdb --shard 2/4",
    ],
    [
      "From cron: quiet unless something is wrong",
      "druidsync pull --config /etc/druidsync.json --out /srv/analytics.duckdb --quiet",
    ],
    [
      "For dashboards that keep their file open, with metrics, and an end after 50 minutes",
      "druidsync pull --config c.json --out analytics.duckdb --publish shown.duckdb --metrics druidsync.prom --max-duration 50m",
    ],
  ],
  notes: [
    "Every stretch is proven complete and then stored in one transaction with its checkpoint. If a run is stopped or fails, what was stored stays, and the next run goes on from there. On a terminal, stderr shows the progress; elsewhere it gets one line per datasource at the end.",
    "--publish, --metrics, --ping and --max-duration are also keys of the configuration; the flag wins. A run that ends with 3 publishes as well, since what is stored is whole. Keep the address for --ping in the configuration, where the process list does not show it.",
  ],
  needs: "both",
  writes: () => true,
  isJob: true,
  async check({ args }, { job }) {
    const { checkPublishPath } = await import("../../store/file/publish.ts")
    if (job.publish !== undefined) await checkPublishPath(args.out, job.publish)
  },
  async run({ args, settings, datasources, ports, limit, context }) {
    const { publish, historyRuns } = settings.job
    const { refuseForeignCopy } = await import("../../store/file/publish.ts")
    if (publish !== undefined) await refuseForeignCopy(ports.engine, publish)
    const { pull } = await import("../../pull/run.ts")
    const document = await pull(ports, {
      ...askedBy(args, settings, datasources),
      runId: context.newId(),
      settleWaitMs: args["settle-wait"],
      limit,
      publish,
      historyRuns,
    })
    // The log has said it in words.
    return { document }
  },
})
