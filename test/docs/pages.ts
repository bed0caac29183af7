/** The documents of the repository, taken apart: code, links, headings, tables. No more Markdown than they use. */
import { readdirSync, readFileSync } from "node:fs"
import { join, relative } from "node:path"

export const ROOT = join(import.meta.dirname, "../..")

export interface Code {
  /** `json`, `sql`, …; empty where the fence names none, and for indented code */
  readonly language: string
  readonly text: string
}

export interface Page {
  /** from the root: `docs/verify.md` */
  readonly path: string
  readonly text: string
  readonly blocks: readonly Code[]
  /** `code` within the prose */
  readonly spans: readonly string[]
  /** targets of links and pictures */
  readonly links: readonly string[]
  /** anchors of its headings, as GitHub makes them */
  readonly anchors: readonly string[]
}

export function readPage(path: string): Page {
  const text = readFileSync(join(ROOT, path), "utf8")
  const blocks: Code[] = []
  const noFences = text.replace(/^( *)```(\w*)[^\n]*\n([\s\S]*?)^ *```/gm, (_, indent, language, body) => {
    blocks.push({ language, text: body.replace(new RegExp(`^${indent}`, "gm"), "") })
    return ""
  })
  // Indented code stands after an empty line; within a list it would be the list's text.
  const prose = noFences.replace(/(?<=\n\n)(?: {4}[^\n]*\n)+/g, (body) => {
    blocks.push({ language: "", text: body.replace(/^ {4}/gm, "") })
    return ""
  })
  const spans = [...prose.matchAll(/(?<!`)(`+)(?!`)([\s\S]*?[^`])\1(?!`)/g)].map(([, , code]) =>
    code!.replace(/\s+/g, " "),
  )
  const noCode = prose.replace(/`[^`\n]*`/g, "code")
  const links = [...noCode.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target!)
  const anchors = [...prose.matchAll(/^#{1,6} +(.+)$/gm)].map(([, title]) => anchorOf(title!))
  return { path, text, blocks, spans, links, anchors }
}

function anchorOf(title: string): string {
  return title
    .toLowerCase()
    .replace(/\]\([^)]*\)/g, "")
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .trim()
    .replace(/ /g, "-")
}

/** README and its neighbours, and everything below docs. */
export function allPages(): readonly Page[] {
  const docs = readdirSync(join(ROOT, "docs"), { recursive: true, encoding: "utf8" })
  const top = readdirSync(ROOT)
  return [...top, ...docs.map((path) => relative(ROOT, join(ROOT, "docs", path)))]
    .filter((path) => path.endsWith(".md"))
    .map(readPage)
}

/** The cells of the table's rows below a heading; without the table's own head. */
export function tableBelow(page: Page, heading: string): readonly (readonly string[])[] {
  const at = page.text.indexOf(`${heading}\n`)
  if (at < 0) throw new Error(`${page.path} has no heading "${heading}"`)
  const level = /^#+/.exec(heading)![0].length
  const section = page.text.slice(at + heading.length).split(new RegExp(`^#{1,${level}} `, "m"))[0]!
  return tableRows(section)
}

export function tableRows(text: string): readonly (readonly string[])[] {
  const rows: string[][] = []
  const lines = text.split("\n")
  for (const [n, line] of lines.entries()) {
    const isHead = /^\|[\s|:-]+\|$/.test(lines[n + 1] ?? "")
    if (!line.startsWith("|") || isHead || /^\|[\s|:-]+\|$/.test(line)) continue
    // A bar within code does not end a cell here, though it must be escaped.
    rows.push(
      line
        .replace(/^\||\|$/g, "")
        .split(/(?<!\\)\|/)
        .map((cell) => cell.trim()),
    )
  }
  return rows
}

/** The words in backquotes. */
export function codesIn(text: string): readonly string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map(([, code]) => code!)
}
