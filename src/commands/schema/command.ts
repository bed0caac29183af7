/** `druidsync schema`: from Druid's types to DuckDB's, per column. */
import { resolve } from "node:path"
import { defineCommand } from "citty"
import type { CliContext } from "../../kit/context.ts"
import {
  configArg,
  jsonArg,
  loadForCommand,
  lockWaitArg,
  onlyArg,
  outArg,
  readDurationFlag,
} from "../../kit/flags.ts"

export const examples = [
  ["What the columns of each datasource become", "druidsync schema --config c.json"],
  [
    "Beside what the file has now",
    "druidsync schema --config c.json --out analytics.duckdb --only wikipedia",
  ],
] as const

export const notes = [
  "Asks Druid for its columns and their types and shows the DuckDB type of each, with notes: columns with several values in a row, renamed ones, types that are not known. With --out also what the file has: columns that are new, that change their type, or that are gone from Druid. Writes nothing.",
] as const

export function schemaCommand(context: CliContext) {
  return defineCommand({
    meta: { name: "schema", description: "Show the DuckDB type of every Druid column, with notes" },
    args: {
      ...configArg,
      out: { ...outArg.out, required: false, description: "the DuckDB file to compare with" },
      ...onlyArg,
      ...jsonArg,
      ...lockWaitArg,
    },
    async run({ args }) {
      const settings = await loadForCommand(context, args.config)
      const { selectDatasources } = await import("../../kit/select.ts")
      const datasources = selectDatasources(settings, args.only)
      const lockWaitMs = readDurationFlag("lock-wait", args["lock-wait"])
      const { createReporter } = await import("../../kit/reporter.ts")
      const reporter = createReporter({
        stdout: context.stdout,
        stderr: context.stderr,
        env: context.env,
        nowMs: context.clock.nowMs,
        quiet: false,
        verbose: false,
        json: args.json,
      })
      for (const message of settings.warnings) reporter.emit({ type: "warning", message })
      try {
        const { withReadSession } = await import("../../kit/session.ts")
        const { schemaReport } = await import("./schema.ts")
        const names = datasources.map((datasource) => datasource.name)
        const report = await withReadSession(
          {
            settings,
            out: args.out === undefined ? undefined : resolve(args.out),
            datasources: names,
            lockWaitMs,
            version: context.version,
            clock: context.clock,
            newId: context.newId,
            emit: reporter.emit,
            signal: context.signal,
          },
          (ports) => {
            reporter.emit({ type: "looking", url: settings.druid.url, datasources: names })
            return schemaReport(ports, { datasources })
          },
        )
        const { schemaText } = await import("./text.ts")
        reporter.result(report, (style) => schemaText(report, style))
        return report.exitCode
      } finally {
        reporter.close()
      }
    },
  })
}
