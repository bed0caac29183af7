/** `druidsync pull`: parse, call `pull`, print. */
import { resolve } from "node:path"
import { defineCommand } from "citty"
import type { CliContext } from "./context.ts"
import { loadForCommand, overridesOf, pullArgs, readDurationFlag, readInstantFlag } from "./options.ts"

export const examples = [
  ["Copy everything, then only what is new", "druidsync pull --config c.json --out analytics.duckdb"],
  ["Show what would be fetched and why", "druidsync pull --config c.json --out analytics.duckdb --dry-run"],
  [
    "One datasource, from the start again",
    "druidsync pull --config c.json --out analytics.duckdb --only wikipedia --full",
  ],
  [
    "From cron: quiet unless something is wrong",
    "druidsync pull --config /etc/druidsync.json --out /srv/analytics.duckdb --quiet",
  ],
] as const

export const notes = [
  "Every stretch is proven complete before it is stored, in one transaction with its checkpoint. What was stored stays when a run is stopped or fails, and the next run goes on from there. On a terminal the progress is shown on stderr; elsewhere one line per datasource at the end.",
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
      if (args["dry-run"]) {
        const { runPlan } = await import("./plan.ts")
        return runPlan(context, args, overridesOf(args))
      }
      const settings = await loadForCommand(context, args.config, overridesOf(args))
      const { selectDatasources } = await import("./select.ts")
      const datasources = selectDatasources(settings, args.only)
      const sinceMs = readInstantFlag("since", args.since)
      const untilMs = readInstantFlag("until", args.until)
      const lockWaitMs = readDurationFlag("lock-wait", args["lock-wait"])
      const settleWaitMs = readDurationFlag("settle-wait", args["settle-wait"])
      const out = resolve(args.out)
      const { createReporter } = await import("../report/reporter.ts")
      const reporter = createReporter({
        stdout: context.stdout,
        stderr: context.stderr,
        env: context.env,
        nowMs: context.clock.nowMs,
        quiet: args.quiet,
        verbose: args.verbose,
        json: args.json,
      })
      for (const message of settings.warnings) reporter.emit({ type: "warning", message })
      try {
        const { withSession } = await import("../sync/session.ts")
        const { pull } = await import("../sync/pull.ts")
        return await withSession(
          {
            settings,
            out,
            datasources: datasources.map((datasource) => datasource.name),
            lockWaitMs,
            version: context.version,
            clock: context.clock,
            newId: context.newId,
            emit: reporter.emit,
            signal: context.signal,
          },
          async (ports) => {
            const request = {
              runId: context.newId(),
              datasources,
              pull: settings.pull,
              full: args.full,
              sinceMs,
              untilMs,
              settleWaitMs,
            }
            reporter.emit({
              type: "looking",
              url: settings.druid.url,
              datasources: datasources.map((d) => d.name),
            })
            return (await pull(ports, request)).exitCode
          },
        )
      } finally {
        reporter.close()
      }
    },
  })
}
