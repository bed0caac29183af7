/** `druidsync plan`: the same as `pull --dry-run`. Takes no lock and makes no file. */
import { resolve } from "node:path"
import { defineCommand } from "citty"
import { overridesOf } from "../../config/flags.ts"
import type { Overrides } from "../../config/load.ts"
import type { CliContext } from "../../kit/context.ts"
import { loadForCommand, planArgs, readDurationFlag, readInstantFlag, withShard } from "../../kit/flags.ts"

export const examples = [
  ["What would a pull fetch, and why", "druidsync plan --config c.json --out analytics.duckdb"],
  ["Every stretch on a line of its own", "druidsync plan --config c.json --out analytics.duckdb --verbose"],
  [
    "What would a full refresh cost",
    "druidsync plan --config c.json --out analytics.duckdb --only wikipedia --full",
  ],
] as const

export const notes = [
  "Fetches no row, writes nothing and takes no lock; the file need not exist. Exits with what the pull would exit with, as far as can be told: 3 where Druid does not serve all of it now, 4 where it refuses a datasource.",
] as const

/** Flags that a plan has in common with a pull, as citty reads them. */
export interface PlanFlags {
  readonly config: string
  readonly out: string
  readonly only?: string | undefined
  readonly full: boolean
  readonly since?: string | undefined
  readonly until?: string | undefined
  readonly shard?: string | undefined
  readonly json: boolean
  readonly quiet: boolean
  readonly verbose: boolean
  readonly "lock-wait": string
}

export function planCommand(context: CliContext) {
  return defineCommand({
    meta: { name: "plan", description: "Show what a pull would fetch and why; fetch nothing" },
    args: planArgs,
    // Run in place of a pull, it gets the flags of the pull.
    run: ({ args }) => runPlan(context, args, overridesOf(args as Parameters<typeof overridesOf>[0])),
  })
}

/** Shows the plan. @returns the exit code */
export async function runPlan(
  context: CliContext,
  args: PlanFlags,
  overrides: Overrides = {},
): Promise<number> {
  const settings = await loadForCommand(context, args.config, overrides)
  const { selectDatasources } = await import("../../kit/select.ts")
  const datasources = withShard(selectDatasources(settings, args.only), args.shard)
  const sinceMs = readInstantFlag("since", args.since)
  const untilMs = readInstantFlag("until", args.until)
  const lockWaitMs = readDurationFlag("lock-wait", args["lock-wait"])
  const { createReporter } = await import("../../kit/reporter.ts")
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
    const { withReadSession } = await import("../../kit/session.ts")
    const { dryRun } = await import("./plan.ts")
    return await withReadSession(
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
        const request = {
          runId: context.newId(),
          datasources,
          pull: settings.pull,
          full: args.full,
          sinceMs,
          untilMs,
          settleWaitMs: 0,
        }
        reporter.emit({
          type: "looking",
          url: settings.druid.url,
          datasources: datasources.map((datasource) => datasource.name),
        })
        const plan = await dryRun(ports, request)
        const { planText } = await import("./text.ts")
        reporter.result(plan, (style) => planText(plan, args.verbose, style))
        return plan.exitCode
      },
    )
  } finally {
    reporter.close()
  }
}
