/**
 * A piece of Druid SQL that the user wrote, such as `UPPER("cityName")`: whether it can stand in a select list without
 * changing what is around it. What it means is Druid's to say. Pure.
 */

/** A quoted text or name, a comment, a word, or one character. */
const TOKEN = /'(?:[^']|'')*'|"(?:[^"]|"")*"|--|\/\*|[\p{L}_][\p{L}\p{N}_]*|\s+|./gsu

/** These make it more than an expression over one row, or over the rows of a group. */
const REFUSED_WORDS: ReadonlySet<string> = new Set(["SELECT", "OVER"])

/** Window functions: Druid accepts them without OVER, and fails when it is to compute them (33.0.0). */
const WINDOW_FUNCTION =
  /^(RANK|DENSE_RANK|PERCENT_RANK|CUME_DIST|ROW_NUMBER|NTILE|LAG|LEAD|FIRST_VALUE|LAST_VALUE|NTH_VALUE)$/i

/** @returns what is wrong with it, as a phrase such as `contains a comment`; undefined if nothing is */
export function expressionProblem(sql: string): string | undefined {
  let open = 0
  let isEmpty = true
  let before = ""
  for (const [token] of sql.matchAll(TOKEN)) {
    if (/^\s/.test(token)) continue
    isEmpty = false
    if (token === "--" || token === "/*") return "contains a comment"
    if (token === ";") return 'contains a ";"'
    if (token === "'" || token === '"') return `has a ${token} that nothing closes`
    if (token === "," && open === 0) return "is more than one expression"
    if (REFUSED_WORDS.has(token.toUpperCase())) return `contains ${token.toUpperCase()}`
    if (token === "(" && WINDOW_FUNCTION.test(before))
      return `contains ${before.toUpperCase()}, a window function`
    before = token
    if (token === "(") open++
    if (token === ")") open--
    if (open < 0) return "closes a parenthesis that it does not open"
  }
  if (open > 0) return "opens a parenthesis that it does not close"
  return isEmpty ? "is empty" : undefined
}
