/** The end of an SQL text, so that it can stand within another statement. Pure. */

/** Strings, quoted names, dollar quotes and comments: what a semicolon in them means nothing. */
const TOKEN =
  /'(?:[^']|'')*'|"(?:[^"]|"")*"|(\$[A-Za-z_]*\$)[\s\S]*?\1|(--[^\n]*|\/\*[\s\S]*?\*\/)|([\s;]+)|[^\s;'"$/-]+|[\s\S]/g

/** The statement without the semicolons, comments and white space at its end. */
export function withoutTail(sql: string): string {
  let end = 0
  for (const match of sql.matchAll(TOKEN)) {
    const isNothing = match[2] !== undefined || match[3] !== undefined
    if (!isNothing) end = match.index + match[0].length
  }
  return sql.slice(0, end)
}
