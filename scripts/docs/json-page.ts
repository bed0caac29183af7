/** docs/json.md: each document of `--json` with an example and its keys. Pure but for the examples, which are files. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import type { DocumentPage } from "./documents.ts"
import { keysOf } from "./keys.ts"
import { table } from "./markdown.ts"

const INTRODUCTION = `# The documents of \`--json\`

With \`--json\` stdout is one line with one JSON document, whatever happens; words for people stay on stderr. \`format\` is raised when
the meaning of a document changes; new keys may come without that. Times are ISO 8601 in UTC, an \`interval\` is as Druid writes it
(\`start/end\`, half-open), and sizes are bytes. An *optional* key is left out where there is nothing to tell; what is *or null* is
always there. What the words mean: [glossary](glossary.md).

The examples are what the program prints, with line breaks put in. Each document has a JSON Schema. The log of
\`--log-format json\` is in [schedule](how-to/schedule.md#logs-for-machines).
`

export function jsonPage(documents: readonly DocumentPage[]): string {
  return `${INTRODUCTION}${documents.map(section).join("")}`
}

function section(document: DocumentPage): string {
  const { name, heading, schema, note } = document
  const rows = keysOf(schema, false).map(({ path, type, isOptional, meaning }) => [
    `\`${path}\``,
    isOptional ? `${type}, optional` : type,
    meaning,
  ])
  const before = note === undefined ? "" : `${note} `
  return `
## ${heading}

${before}Its [JSON Schema](json/${name}.schema.json).

\`\`\`json
${packed(JSON.parse(exampleOf(document)), "")}
\`\`\`

${table(["key", "type", "meaning"], rows)}`
}

const WIDTH = 110

/** A document with as much on a line as fits. */
function packed(value: unknown, indent: string): string {
  const line = JSON.stringify(value, undefined, 1)
    .replace(/\n\s*/g, " ")
    .replace(/\[ | \]/g, (edge) => edge.trim())
  if (indent.length + line.length <= WIDTH || typeof value !== "object" || value === null) return line
  const isList = Array.isArray(value)
  const inner = `${indent}  `
  const entries = isList
    ? value.map((one) => packed(one, inner))
    : Object.entries(value).map(([name, one]) => `${JSON.stringify(name)}: ${packed(one, inner)}`)
  const lines: string[] = []
  for (const entry of entries) {
    const last = lines.at(-1)
    const isShort = last !== undefined && !isList && !`${last}${entry}`.includes("\n")
    if (isShort && inner.length + last.length + entry.length + 3 <= WIDTH)
      lines[lines.length - 1] = `${last}, ${entry}`
    else lines.push(entry)
  }
  const [open, close] = isList ? ["[", "]"] : ["{", "}"]
  return `${open}\n${lines.map((one) => inner + one).join(",\n")}\n${indent}${close}`
}

/** What the program printed, with line breaks. */
export function exampleOf({ name }: DocumentPage): string {
  return readFileSync(join(import.meta.dirname, "examples", `${name}.json`), "utf8")
}
