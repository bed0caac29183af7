/** `druidsync schema`: from Druid's types to DuckDB's, per column. */
import { define } from "../../kit/command.ts"
import { configArg, jsonArg, lockWaitArg, onlyArg, outArg } from "../../kit/flags.ts"
import { schemaText } from "./text.ts"

export const command = define({
  args: {
    ...configArg,
    out: { ...outArg.out, required: false, description: "the DuckDB file to compare with" },
    ...onlyArg,
    ...jsonArg,
    ...lockWaitArg,
  },
  examples: [
    ["What the columns of each datasource become", "druidsync schema --config c.json"],
    [
      "Beside what the file has now",
      "druidsync schema --config c.json --out analytics.duckdb --only wikipedia",
    ],
  ],
  notes: [
    "Asks Druid for its columns and their types and shows the DuckDB type of each, with notes on columns with several values in a row, renamed columns and unknown types. With --out it also compares with the file: columns that are new, that change their type, or that are gone from Druid. Writes nothing.",
  ],
  needs: "both",
  async run({ args, ports, settings, datasources }) {
    const { schemaReport } = await import("./schema.ts")
    const report = await schemaReport(ports, {
      datasources,
      lookups: args.only === undefined ? settings.lookups : undefined,
    })
    return { document: report, text: (style) => schemaText(report, style) }
  },
})
