/** The commands as the program defines them, and the pages that say more. */
import { VERBS } from "../../src/commands/index.ts"
import type { CommandPage } from "../../src/kit/help.ts"
import { table } from "./markdown.ts"

export function commandPages(): Promise<CommandPage[]> {
  return Promise.all(
    Object.entries(VERBS).map(async ([name, { about, load }]) => {
      const { args, notes, examples } = await load()
      return { name, about, args, notes, examples }
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
