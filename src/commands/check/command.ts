/** `druidsync check`: a line for each thing that a pull needs. */
import { resolve } from "node:path"
import { defineCommand } from "citty"
import { worst } from "../../base/errors.ts"
import { jsonLine } from "../../base/printable.ts"
import type { Settings } from "../../config/settings.ts"
import type { CliContext } from "../../kit/context.ts"
import { configArg, jsonArg, loadForCommand, outArg } from "../../kit/flags.ts"
import type { Check } from "./document.ts"

export const examples = [
  ["Would a pull work", "druidsync check --config c.json --out analytics.duckdb"],
  [
    "In a script: what is wrong",
    `druidsync check --config c.json --json | jq -r '.checks[] | select(.status == "failed") | .message'`,
  ],
] as const

export const notes = [
  "Looks at the configuration, the host's name, the port, the certificate, the login, Druid's version, the permission to read sys.segments, each datasource with its columns, filter and segments, and with --out at the file, who has it open, and the room on the disk. Each line says that it is well or what to do; the exit code is that of the worst. Nothing is tried twice, nothing is changed.",
] as const

export function checkCommand(context: CliContext) {
  return defineCommand({
    meta: { name: "check", description: "Look at everything that a pull needs" },
    args: {
      ...configArg,
      out: { ...outArg.out, required: false, description: "the DuckDB file to look at too" },
      ...jsonArg,
    },
    async run({ args }) {
      const { failedCheck, okCheck } = await import("./check-line.ts")
      const { runChecks } = await import("./check.ts")
      const { checkLine, checkVerdict } = await import("./text.ts")
      const { styleFor } = await import("../../kit/text/style.ts")
      const style = styleFor(context.stdout, context.env)
      const checks: Check[] = []
      const onCheck = (check: Check) => {
        checks.push(check)
        if (!args.json) context.stdout.write(checkLine(check, style))
      }
      const settings = await loadForCommand(context, args.config).catch((error) => {
        onCheck(failedCheck("config", error))
        return undefined
      })
      if (settings !== undefined) {
        onCheck(okCheck("config", describe(settings)))
        await withClient(settings)
      }
      const exitCode = worst(checks.map((check) => check.exitCode))
      if (args.json) context.stdout.write(jsonLine({ format: 1, exitCode, checks }))
      else context.stdout.write(checkVerdict(checks, exitCode, style))
      return exitCode

      async function withClient(loaded: Settings): Promise<void> {
        const { openClient } = await import("../../kit/session.ts")
        const client = openClient(loaded, context.version, context.clock, context.newId)
        try {
          await runChecks({
            settings: loaded,
            client,
            out: args.out === undefined ? undefined : resolve(args.out),
            clock: context.clock,
            signal: context.signal,
            onCheck,
          })
        } finally {
          await client.close()
        }
      }
    },
  })
}

function describe({ configPath, datasources, druid }: Settings): string {
  const count = datasources.length
  return `${configPath}: ${count} ${count === 1 ? "datasource" : "datasources"} of ${druid.url}`
}
