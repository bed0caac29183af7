/** `druidsync datasources`: what the cluster has, and what of it the configuration copies. */
import { define } from "../../kit/command.ts"
import { configArg, jsonArg } from "../../kit/flags.ts"

export const command = define({
  args: { ...configArg, ...jsonArg },
  examples: [
    ["What is there to copy", "druidsync datasources --config c.json"],
    [
      "Datasources that the configuration does not have, by size",
      `druidsync datasources --config c.json --json | jq -r '.datasources | map(select(.table == null)) | sort_by(-.bytes)[] | .datasource'`,
    ],
  ],
  notes: [
    "Lists every datasource and lookup that the user may see, from Druid's own metadata. A star marks those of the configuration. Rows are as Druid last counted them. Segment granularity is derived from the segments' intervals, rollup from the oldest and the newest segment.",
  ],
  needs: "druid",
  async run({ settings, datasources, client, context }) {
    const { listDatasources } = await import("../../kit/cluster/datasources.ts")
    const { datasourcesText } = await import("../../kit/cluster/text.ts")
    const { signal } = context
    const report = await listDatasources(
      { client, signal },
      settings.druid.url,
      { datasources, lookups: settings.lookups },
      true,
    )
    return { document: report, text: (style) => datasourcesText(report, style) }
  },
})
