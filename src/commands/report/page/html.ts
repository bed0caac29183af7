/**
 * HTML as values: text that others wrote cannot become markup by oversight. What stands between `${` and `}` of an
 * `html` template is escaped, unless it is itself the value of one.
 */
import { printable } from "../../../base/printable.ts"

/** Markup that is safe to show. */
export class Html {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

/** What a template takes; `undefined` and `false` are nothing. */
export type Piece = Html | string | number | undefined | false | readonly Piece[]

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
  "`": "&#96;",
}

/** Text as it can stand in content and in quoted attributes; control characters become visible. */
export function escapeHtml(text: string): string {
  // Half of a surrogate pair is not a character and has no form in UTF-8.
  return printable(text.toWellFormed()).replace(/[&<>"'`]/g, (c) => ENTITIES[c]!)
}

/** The template: `html\`<p>${text}</p>\``. */
export function html(parts: TemplateStringsArray, ...pieces: readonly Piece[]): Html {
  return new Html(parts.map((part, n) => (n === 0 ? part : textOf(pieces[n - 1]) + part)).join(""))
}

function textOf(piece: Piece): string {
  if (piece === undefined || piece === false) return ""
  if (piece instanceof Html) return piece.text
  if (typeof piece === "string" || typeof piece === "number") return escapeHtml(String(piece))
  return piece.map(textOf).join("")
}

/** Text of others, cut where it would fill the page. */
export function clipped(text: string, most = 400): string {
  return text.length <= most ? text : `${text.slice(0, most)}…`
}
