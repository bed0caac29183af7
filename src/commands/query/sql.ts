/** Where the SQL of a query comes from: the argument, a file, or standard input. */
import { usage } from "../../base/errors.ts"
import { refusalOf, whyOf } from "../../base/system.ts"
import type { Input } from "../../kit/context.ts"

/**
 * @param argument `-` stands for standard input, as it does for `file`
 * @returns undefined if no SQL is given
 * @throws DruidsyncError `usage` if the SQL is given twice, or if the file or standard input has none
 */
export async function readSql(
  stdin: Input | undefined,
  argument: string | undefined,
  file: string | undefined,
): Promise<string | undefined> {
  if (argument !== undefined && file !== undefined)
    throw usage("give the SQL as an argument or with --file, not both")
  if (file !== undefined && file !== "-") {
    const { readFile } = await import("node:fs/promises")
    const text = await readFile(file, "utf8").catch((error) => {
      const hint = refusalOf(error, "file", "--file")?.hint
      throw usage(`--file ${file} cannot be read: ${whyOf(error, "file")}`, hint)
    })
    if (text.trim() === "") throw usage(`--file ${file} is empty`)
    return text
  }
  if (argument !== undefined && argument !== "-") {
    if (argument.trim() === "") throw usage("the SQL is empty")
    return argument
  }
  const isAsked = argument === "-" || file === "-"
  if (stdin === undefined || (stdin.isTTY === true && !isAsked)) return undefined
  const pieces: Buffer[] = []
  for await (const piece of stdin) pieces.push(Buffer.from(piece as Uint8Array | string))
  const text = Buffer.concat(pieces).toString("utf8")
  if (text.trim() !== "") return text
  if (isAsked) throw usage("there is no SQL on standard input")
  return undefined
}
