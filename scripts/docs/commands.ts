/** The commands as the program defines them, and the pages that say more. */
import type { ArgsDef } from "citty"
import { VERBS } from "../../src/commands/index.ts"
import type { CliContext } from "../../src/kit/context.ts"
import type { CommandPage } from "../../src/kit/help.ts"
import { table } from "./markdown.ts"

/** Loading a command makes its definition, which needs nothing of this. */
const CONTEXT: CliContext = {
  env: {},
  clock: { nowMs: () => 0, sleep: () => Promise.resolve() },
  newId: () => "id",
  signal: new AbortController().signal,
  stdout: { write: () => true },
  stderr: { write: () => true },
  version: "0.0.0",
}

export function commandPages(): Promise<CommandPage[]> {
  return Promise.all(
    Object.entries(VERBS).map(async ([name, { about, load }]) => {
      const loaded = await load(CONTEXT)
      return { ...loaded, name, about, args: (loaded.command.args ?? {}) as ArgsDef }
    }),
  )
}

/** Where a page of its own says more about a command. */
const PAGES: Readonly<Record<string, string>> = {
  export: "docs/how-to/lake.md",
  report: "docs/how-to/report.md",
  schema: "docs/types.md",
  verify: "docs/verify.md",
}

/** The README's table of commands. */
export function commandsTable(): string {
  const rows = Object.entries(VERBS).map(([name, { about }]) => {
    const page = PAGES[name]
    return [`\`${name}\``, page === undefined ? about : `${about} ([more](${page}))`]
  })
  return table(["command", "what it does"], rows)
}
