/** Every page, or part of one, that is made from the program's own descriptions. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import packageJson from "../../package.json" with { type: "json" }
import { EXIT_CODES } from "../../src/base/errors.ts"
import { manPage } from "../../src/commands/man/command.ts"
import { VERIFY_EXIT_CODES } from "../../src/commands/verify/exit-codes.ts"
import { logLine } from "../../src/kit/log/document.ts"
import { commandPages, commandsTable } from "./commands.ts"
import { configSchemaPage } from "./config-schema.ts"
import { configurationTables } from "./configuration.ts"
import { documentSchema } from "./document-schema.ts"
import { DOCUMENTS } from "./documents.ts"
import { jsonPage } from "./json-page.ts"
import { logTable } from "./log-table.ts"
import { table, withPart } from "./markdown.ts"

const ROOT = join(import.meta.dirname, "../..")

/** A file as it should be, by its path from the root. */
export type Pages = ReadonlyMap<string, string>

export async function madePages(): Promise<Pages> {
  const pages = new Map<string, string>([
    ["docs/json.md", jsonPage(DOCUMENTS)],
    ["src/config/config.schema.json", configSchemaPage()],
    ["docs/druidsync.1", manPage(packageJson.version, await commandPages())],
    [
      "docs/json/log.schema.json",
      documentSchema({ heading: "a line of --log-format json", schema: logLine }),
    ],
    ...DOCUMENTS.map((one) => [`docs/json/${one.name}.schema.json`, documentSchema(one)] as const),
  ])
  const exitCodes = (codes: readonly (readonly [string | number, string])[]) =>
    table(
      ["code", "meaning"],
      codes.map(([code, meaning]) => [String(code), meaning]),
    )
  fill("README.md", "commands", commandsTable())
  fill("README.md", "exit codes", exitCodes(EXIT_CODES))
  fill("docs/how-to/schedule.md", "events", logTable())
  fill("docs/verify.md", "exit codes", exitCodes(VERIFY_EXIT_CODES))
  for (const [name, part] of configurationTables()) fill("docs/configuration.md", name, part)
  return pages

  function fill(path: string, name: string, part: string): void {
    const page = pages.get(path) ?? readFileSync(join(ROOT, path), "utf8")
    pages.set(path, withPart(page, name, part))
  }
}
