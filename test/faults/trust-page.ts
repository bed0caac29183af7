/**
 * Writes the matrix into `docs/trust.md`, between its marks: `bun test/faults/trust-page.ts`. The letters come from the
 * verdicts that the matrix test holds druidsync to, the codes from the results of its last whole run.
 */
import { readFileSync, writeFileSync } from "node:fs"
import { resolve } from "node:path"
import { type Fault, faults, type Group } from "../support/fault-proxy/index.ts"
import { PLACES } from "./places.ts"
import { Results } from "./results.ts"
import { modesOf } from "./strike.ts"
import { type Cell, cells, type Verdict } from "./verdicts.ts"

const PAGE = resolve(import.meta.dir, "../../docs/trust.md")
const BEGIN = "<!-- matrix: made by test/faults/trust-page.ts -->"
const END = "<!-- end of the matrix -->"

const LETTERS: Readonly<Record<Verdict["kind"], string>> = {
  harmless: "=",
  retried: "r",
  refused: "x",
  disproved: "p",
  around: "a",
  plausible: "?",
}

const WORDS: Readonly<Record<Verdict["kind"], string>> = {
  harmless: "makes no difference: exit 0",
  retried:
    "tried again after 2, 4 and 8 s, or after what `Retry-After` says (429: for an hour, after pauses that grow to a minute); passes if one of the tries does, else exit 1",
  refused: "not tried again, since the answer would be the same: exit 1, or 4 where the source refuses",
  disproved:
    "found out from what arrived, and fetched again without a pause; if it stays, exit 3 (the counts do not agree) or 1 (it cannot be read)",
  around:
    "asked in another way (SQL in place of the native API, the broker in place of a data node), at once or after another try: exit 0",
  plausible: "a whole answer, but an old one, or one that lost a row of metadata: see below",
}

const results = Results.read()

const GROUPS: Readonly<Record<Group, string>> = {
  connection: "The connection",
  cut: "Answers that are cut, the connection closed",
  "cut with a proper end": "Answers that are cut, but end properly with status 200",
  status: "Other statuses",
  content: "Answers with other contents",
}

/** The part of the page between the marks. */
export function matrix(): string {
  const all = cells()
  const kinds = Object.keys(LETTERS) as Verdict["kind"][]
  const runs = all.reduce((sum, cell) => sum + modesOf(cell).length, 0)
  const legend = kinds.map((kind) => {
    const count = all.filter(({ verdict }) => verdict.kind === kind).length
    return `| \`${LETTERS[kind]}\` | ${count} | ${WORDS[kind]} |`
  })
  const tables = (Object.keys(GROUPS) as Group[]).map((group) =>
    [`### ${GROUPS[group]}`, "", ...table(group, all)].join("\n"),
  )
  return [
    `${faults.length} faults × ${PLACES.length} places, ${all.length} of them possible, each once and for good where that differs: ${runs} pulls, each looked into, and after each that was not complete another without the fault.`,
    "",
    "|   | cells | what druidsync makes of it |",
    "| --- | --- | --- |",
    ...legend,
    "",
    `The places, in the order of a pull: ${PLACES.map(({ name }, n) => `**${n + 1}** ${name}`).join(", ")}. The last three are those of a pull with \`direct\`. The last column is the error's code where the fault stays.`,
    "",
    tables.join("\n\n"),
  ].join("\n")
}

function table(group: Group, all: readonly Cell[]): string[] {
  const numbers = PLACES.map((_, n) => n + 1)
  return [
    `| fault | the server … | ${numbers.join(" | ")} | code |`,
    `| --- | --- |${numbers.map(() => " --- |").join("")} --- |`,
    ...faults.filter((fault) => fault.group === group).map((fault) => row(fault, all)),
  ]
}

function row(fault: Fault, all: readonly Cell[]): string {
  const struck = all.filter((cell) => cell.fault === fault)
  const letters = PLACES.map((place) => {
    const cell = struck.find((one) => one.place === place)
    return cell === undefined ? " " : LETTERS[cell.verdict.kind]
  })
  const codes = struck.flatMap((cell) => {
    const [, code] = results.of(cell, "stays")?.split(" ") ?? []
    return cell.verdict.kind === "plausible" || code === undefined ? [] : [code]
  })
  return `| ${fault.name} | ${fault.about} | ${letters.join(" | ")} | ${[...new Set(codes)].join(", ")} |`
}

/** The page as it should be. @throws Error where it lacks the marks */
export function updated(page: string): string {
  const from = page.indexOf(BEGIN)
  const to = page.indexOf(END)
  if (from < 0 || to < from) throw new Error(`docs/trust.md lacks its marks: ${BEGIN} … ${END}`)
  return `${page.slice(0, from)}${BEGIN}\n\n${matrix()}\n\n${page.slice(to)}`
}

export const readPage = () => readFileSync(PAGE, "utf8")

if (import.meta.main) {
  writeFileSync(PAGE, updated(readPage()))
  console.error(`wrote the matrix into ${PAGE}`)
}
