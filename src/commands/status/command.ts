/** `druidsync status`: read the file, print what it holds. */
import { resolve } from "node:path"
import { defineCommand } from "citty"
import { ExitCode } from "../../base/errors.ts"
import { jsonLine } from "../../base/printable.ts"
import type { CliContext } from "../../kit/context.ts"
import { jsonArg, lockWaitArg, outArg, readDurationFlag } from "../../kit/flags.ts"

export const examples = [
  ["What is there and how fresh", "druidsync status --out analytics.duckdb"],
  [
    "In a script: fail where something is incomplete",
    "druidsync status --out analytics.duckdb --exit-code > /dev/null || echo look at it",
  ],
  [
    "Datasources whose last run was not complete",
    `druidsync status --out analytics.duckdb --json | jq -r '.datasources[] | select(.status != "complete") | .datasource'`,
  ],
] as const

export const notes = [
  "Asks nothing of Druid, and waits for a commit of a running pull instead of failing. Exits with 0 when the file could be read, whatever it holds; with --exit-code, with 3 when something in it is incomplete.",
] as const

export function statusCommand(context: CliContext) {
  return defineCommand({
    meta: { name: "status", description: "Show what the DuckDB file holds and how fresh it is" },
    args: {
      ...outArg,
      "exit-code": {
        type: "boolean",
        default: false,
        description: "exit with 3 where something is incomplete",
      },
      ...jsonArg,
      ...lockWaitArg,
    },
    async run({ args }) {
      const lockWaitMs = readDurationFlag("lock-wait", args["lock-wait"])
      const out = resolve(args.out)
      const { readStatus } = await import("../../kit/status/status.ts")
      const report = await readStatus({
        out,
        lockWaitMs,
        clock: context.clock,
        onWait: (holder) => context.stderr.write(`waiting for ${holder} to let go of ${out}\n`),
        signal: context.signal,
      })
      if (args.json) context.stdout.write(jsonLine(report))
      else {
        const { statusText } = await import("./text.ts")
        const { styleFor } = await import("../../kit/text/style.ts")
        context.stdout.write(statusText(report, context.clock.nowMs(), styleFor(context.stdout, context.env)))
      }
      return args["exit-code"] && report.isIncomplete ? ExitCode.incomplete : ExitCode.ok
    },
  })
}
