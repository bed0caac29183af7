/** `druidsync check`: a line for each thing that a pull needs. */
import { worst } from "../../base/errors.ts"
import type { Settings } from "../../config/settings.ts"
import { define } from "../../kit/command.ts"
import { loadForCommand } from "../../kit/config.ts"
import { configArg, jsonArg, outArg } from "../../kit/flags.ts"
import { directArg } from "../../kit/pull-flags.ts"
import { namesOf } from "../../kit/select.ts"
import { styleFor } from "../../kit/text/style.ts"
import { choiceWords } from "../../kit/text/words.ts"
import { failedBy, ok } from "./check-line.ts"
import type { Check } from "./document.ts"
import { checkLine, checkVerdict } from "./text.ts"

export const command = define({
  args: {
    ...configArg,
    out: { ...outArg.out, required: false, description: "the DuckDB file to look at too" },
    ...directArg,
    ...jsonArg,
  },
  examples: [
    ["Would a pull work", "druidsync check --config c.json --out analytics.duckdb"],
    [
      "In a script: what is wrong",
      `druidsync check --config c.json --json | jq -r '.checks[] | select(.status == "failed") | .message'`,
    ],
  ],
  notes: [
    "Checks the configuration, the host's name, the port, the certificate, the login, Druid's version, the permission to read sys.segments, and each datasource with its columns, filter and segments. With --out it also checks the file, whether another program has it open, and the room on the disk, and with --direct it reads a row of each data node. Each line either reports OK or tells you what to fix; the exit code is that of the worst. Nothing is tried twice, and nothing is changed.",
  ],
  // A configuration that cannot be loaded is a line of its own.
  needs: "nothing",
  async run({ args, context }) {
    const { stdout, env, clock, signal, newId, version } = context
    const checks: Check[] = []
    const onCheck = (check: Check) => {
      checks.push(check)
      if (!args.json) stdout.write(checkLine(check, styleFor(stdout, env)))
    }
    const settings = await loadForCommand(context, args).catch((error) => {
      onCheck({ check: "config", ...failedBy(error) })
      return undefined
    })
    if (settings !== undefined) {
      onCheck({ check: "config", ...ok(describe(settings)) })
      const { openClient } = await import("../../kit/client.ts")
      const { runChecks } = await import("./check.ts")
      const client = openClient(settings, { version, clock, newId })
      try {
        await runChecks({ settings, client, out: args.out, clock, signal, onCheck })
      } finally {
        await client.close()
      }
    }
    const exitCode = worst(checks.map((check) => check.exitCode))
    return {
      document: { format: 1, exitCode, checks },
      text: (style) => checkVerdict(checks, exitCode, style),
    }
  },
})

function describe({ configPath, datasources, patterns, druid }: Settings): string {
  return `${configPath}: ${choiceWords(namesOf(datasources).length, patterns.length)} of ${druid.url}`
}
