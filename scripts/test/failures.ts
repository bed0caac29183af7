/** What is said again at the end of a long run: the tests that failed, each with what was printed of it. */

/** Where no more is known, the last lines do. */
const LINES_EACH = 60

/** A mark of bun's after which the output is of another test. */
const BOUNDARY = /^(\((pass|fail|skip|todo)\) |\S+\.test\.ts:$)/

/** Cuts the failed tests out of bun's output: the file's name, what came before the mark, the mark. Pure. */
export function failuresIn(output: string): readonly string[] {
  const lines = output.split("\n")
  const failures: string[] = []
  let file = ""
  let start = 0
  for (const [n, line] of lines.entries()) {
    if (!BOUNDARY.test(line)) continue
    if (line.startsWith("(fail) ")) {
      const told = lines.slice(Math.max(start, n - LINES_EACH), n + 1)
      failures.push([file, ...told].filter((text) => text !== "").join("\n"))
    } else if (!line.startsWith("(")) file = line
    start = n + 1
  }
  return failures
}
