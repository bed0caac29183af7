/** `druidsync datasources`: what the cluster has, and what of it the configuration copies. */
import { defineCommand } from "citty"
import type { CliContext } from "../../kit/context.ts"
import { configArg, jsonArg, loadForCommand } from "../../kit/flags.ts"

export const examples = [
  ["What is there to copy", "druidsync datasources --config c.json"],
  [
    "Datasources that the configuration does not have, by size",
    `druidsync datasources --config c.json --json | jq -r '.datasources | map(select(.table == null)) | sort_by(-.bytes)[] | .datasource'`,
  ],
] as const

export const notes = [
  "Lists every datasource that the user may see, from Druid's own metadata; those of the configuration are marked with a star. Rows are as Druid last counted them. Segment granularity is told from the segments' intervals; rollup from the oldest and the newest of them.",
] as const

export function datasourcesCommand(context: CliContext) {
  return defineCommand({
    meta: { name: "datasources", description: "List what the cluster has" },
    args: { ...configArg, ...jsonArg },
    async run({ args }) {
      const settings = await loadForCommand(context, args.config)
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
      const { openClient } = await import("../../kit/session.ts")
      const client = openClient(
        settings,
        context.version,
        context.clock,
        context.newId,
        ({ message }, waitMs, attempt) => reporter.emit({ type: "retry", message, waitMs, attempt }),
      )
      try {
        const { listDatasources } = await import("../../kit/cluster/datasources.ts")
        reporter.emit({
          type: "looking",
          url: settings.druid.url,
          datasources: settings.datasources.map(({ name }) => name),
        })
        const report = await listDatasources(
          { client, signal: context.signal },
          settings.druid.url,
          settings.datasources,
          true,
        )
        const { datasourcesText } = await import("../../kit/cluster/text.ts")
        reporter.result(report, (style) => datasourcesText(report, style))
        return report.exitCode
      } finally {
        reporter.close()
        await client.close()
      }
    },
  })
}
