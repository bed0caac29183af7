/**
 * Golden files: what a command prints, whole, in `test/golden/NAME.txt`. A change of words or layout shows as a diff of
 * these files. One switch rewrites them all: `GOLDEN=write npx bun test test/golden`.
 */
import { expect } from "bun:test"
import { readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import type { Desk } from "../commands/support.ts"
import type { FakeDruid } from "../support/fake-druid/fake-druid.ts"

const MUST_WRITE = process.env.GOLDEN === "write"

/** What differs from run to run, or belongs to the fake Druid and to DuckDB rather than to druidsync. */
const NEUTRAL: readonly (readonly [RegExp, string])[] = [
  [/http:\/\/127\.0\.0\.1:\d+/g, "http://druid:8888"],
  [/\b(127\.0\.0\.1|localhost):\d+/g, "druid:8888"],
  [/"(\w*[bB]ytes|size)": ?\d+/g, '"$1": N'],
  [/\b[\d.]+ [kMGT]?B\b/g, "N B"],
  [/\bport \d+ is open/g, "port 8888 is open"],
  [/"requests": ?\d+/g, '"requests": N'],
  [/\b\d+ requests\b/g, "N requests"],
  [/\bid-\d+\b/g, "ID"],
  [/(version |"version": ")\d{4}-\d\d-\d\dT[\d:.]+Z/g, "$1VERSION"],
]

/** Runs command lines one after the other and holds their output against `test/golden/NAME.txt`. */
export async function golden(
  name: string,
  desk: Desk,
  fake: FakeDruid,
  lines: readonly string[],
): Promise<void> {
  const pieces: string[] = []
  for (const line of lines) {
    const { code, stdout, stderr } = await desk.run(line)
    const errors = stderr.split(/^/m).filter((text) => text !== "")
    pieces.push(`$ druidsync ${line}\n`, readable(stdout), ...errors.map((text) => `stderr: ${text}`))
    pieces.push(`exit ${code}\n\n`)
  }
  let text = pieces
    .join("")
    .replaceAll(fake.url, "http://druid:8888")
    .replaceAll(desk.folder, "/desk")
    .replaceAll(process.cwd(), "/here")
  for (const [pattern, word] of NEUTRAL) text = text.replace(pattern, word)
  const path = join(import.meta.dirname, `${name}.txt`)
  if (MUST_WRITE) await writeFile(path, text)
  expect(text, `${name}.txt differs; GOLDEN=write npx bun test test/golden rewrites it`).toBe(
    await readFile(path, "utf8"),
  )
}

/** A JSON document as lines, so that a diff shows the one field that changed. */
function readable(stdout: string): string {
  return stdout.startsWith("{") ? `${JSON.stringify(JSON.parse(stdout), null, 1)}\n` : stdout
}
