/** `druidsync pull`: parse, call `pull`, print. */
import { resolve } from "node:path"
import { defineCommand, type ParsedArgs } from "citty"
import { overridesOf } from "../../config/flags.ts"
import type { Settings } from "../../config/settings.ts"
import type { CliContext } from "../../kit/context.ts"
import { loadForCommand, pullArgs, readDurationFlag, readInstantFlag, withShard } from "../../kit/flags.ts"
import type { PullReport } from "../../pull/document.ts"
import type { Emit } from "../../pull/events.ts"

export const examples = [
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
] as const

export const notes = [
  "Every stretch is proven complete before it is stored, in one transaction with its checkpoint. What was stored stays when a run is stopped or fails, and the next run goes on from there. On a terminal the progress is shown on stderr; elsewhere one line per datasource at the end.",
  "--publish, --metrics, --ping and --max-duration are keys of the configuration, too; the flag wins. A run that ends with 3 publishes as well: what is stored is whole. An address for --ping is better kept in the configuration, where the list of processes does not show it.",
] as const

/** The command, for this context. */
export function pullCommand(context: CliContext) {
  return defineCommand({
    meta: {
      name: "pull",
      description: "Bring each configured datasource into the DuckDB file, exactly",
    },
    args: pullArgs,
    async run({ args }) {
      const out = resolve(args.out)
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
      const { Watch } = await import("../../kit/job/watch.ts")
      const watch = new Watch(context, {
        out,
        metrics: args.metrics && resolve(args.metrics),
        ping: args.ping,
        warn: (message) => reporter.emit({ type: "warning", message }),
      })
      try {
        const report = await pullWatched(
          context,
          args,
          out,
          (event) => {
            watch.take(event)
            reporter.emit(event)
          },
          (settings) => watch.start(settings),
        )
        await watch.end({ report })
        return report.exitCode
      } catch (error) {
        await watch.end({ error })
        throw error
      } finally {
        reporter.close()
      }
    },
  })
}

type PullArgs = ParsedArgs<typeof pullArgs>

/** Loads the configuration, tells that the run begins, and pulls. */
async function pullWatched(
  context: CliContext,
  args: PullArgs,
  out: string,
  emit: Emit,
  begin: (settings: Settings) => Promise<void>,
): Promise<PullReport> {
  const settings = await loadForCommand(context, args.config, overridesOf(args))
  const { job } = settings
  const { clock } = context
  const { startTimeLimit } = await import("../../pull/time-limit.ts")
  const limit = job.maxDurationMs === undefined ? undefined : startTimeLimit(clock, job.maxDurationMs)
  try {
    await begin(settings)
    for (const message of settings.warnings) emit({ type: "warning", message })
    const { selectDatasources } = await import("../../kit/select.ts")
    const datasources = withShard(selectDatasources(settings, args.only), args.shard)
    const sinceMs = readInstantFlag("since", args.since)
    const untilMs = readInstantFlag("until", args.until)
    const lockWaitMs = readDurationFlag("lock-wait", args["lock-wait"])
    const settleWaitMs = readDurationFlag("settle-wait", args["settle-wait"])
    const { withSession } = await import("../../kit/session.ts")
    const { pull } = await import("../../pull/run.ts")
    const { checkPublishPath, refuseForeignCopy } = await import("../../store/file/publish.ts")
    if (job.publish !== undefined) await checkPublishPath(out, job.publish)
    const names = datasources.map((datasource) => datasource.name)
    return await withSession(
      {
        settings,
        out,
        datasources: names,
        lockWaitMs,
        version: context.version,
        clock,
        newId: context.newId,
        emit,
        signal: context.signal,
        limit,
      },
      async (ports) => {
        if (job.publish !== undefined) await refuseForeignCopy(ports.engine, job.publish)
        emit({ type: "looking", url: settings.druid.url, datasources: names })
        return pull(ports, {
          runId: context.newId(),
          datasources,
          pull: settings.pull,
          full: args.full,
          sinceMs,
          untilMs,
          settleWaitMs,
          limit,
          publish: job.publish,
          historyRuns: job.historyRuns,
        })
      },
    )
  } finally {
    limit?.stop()
  }
}
