/** `druidsync status`: placeholder until the report is there. */
import { defineCommand } from "citty"
import type { CliContext } from "./context.ts"
import { jsonArg, outArg } from "./options.ts"

export const examples = [["What is there and how fresh", "druidsync status --out analytics.duckdb"]] as const

export function statusCommand(_context: CliContext) {
  return defineCommand({
    meta: { name: "status", description: "x" },
    args: { ...outArg, ...jsonArg },
    run: () => 1,
  })
}
