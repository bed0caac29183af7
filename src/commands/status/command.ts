/** `druidsync status`: read the file, print what it holds. */
import { ExitCode } from "../../base/errors.ts"
import { define } from "../../kit/command.ts"
import { toggle } from "../../kit/flag.ts"
import { jsonArg, lockWaitArg, outArg } from "../../kit/flags.ts"
import { statusText } from "./text.ts"

export const command = define({
  args: {
    ...outArg,
    "exit-code": toggle("exit with 3 if something is incomplete"),
    ...jsonArg,
    ...lockWaitArg,
  },
  examples: [
    ["What is there and how fresh", "druidsync status --out analytics.duckdb"],
    [
      "In a script: fail where something is incomplete",
      "druidsync status --out analytics.duckdb --exit-code > /dev/null || echo look at it",
    ],
    [
      "Datasources whose last run was not complete",
      `druidsync status --out analytics.duckdb --json | jq -r '.datasources[] | select(.status != "complete") | .datasource'`,
    ],
  ],
  notes: [
    "Asks nothing of Druid. While a running pull commits, it waits instead of failing. Exits with 0 if the file could be read, whatever is in it; with --exit-code, exits with 3 if something in it is incomplete.",
  ],
  needs: "file",
  async run({ args, engine, file, context }) {
    const { readStatus } = await import("../../kit/status/status.ts")
    const nowMs = context.clock.nowMs()
    const report = await readStatus(engine, file, nowMs, context.signal)
    return {
      document: report,
      text: (style) => statusText(report, nowMs, style),
      exitCode: args["exit-code"] && report.isIncomplete ? ExitCode.incomplete : ExitCode.ok,
    }
  },
})
