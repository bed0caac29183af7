/** Finds the calls of druidsync in what is written for a shell, a crontab or a unit file. */

const OPERATORS = /^(\|\|?|&&?|;|[0-9]?[<>]+&?[0-9]?|\)|\()/

/** A text cut into commands, each a list of words. Quotes are taken off; a comment ends its line. */
export function commandsIn(text: string): readonly (readonly string[])[] {
  const commands: string[][] = []
  for (const line of text.replace(/\\\n/g, " ").split("\n")) commands.push(...commandsOfLine(line))
  return commands.filter((words) => words.length > 0)
}

function commandsOfLine(line: string): string[][] {
  const commands: string[][] = [[]]
  let rest = line
  let word: string | undefined
  const end = () => {
    if (word !== undefined) commands.at(-1)!.push(word)
    word = undefined
  }
  while (rest !== "") {
    const quoted = /^"((?:\\.|[^"\\])*)"|^'([^']*)'/.exec(rest)
    const substitution = /^\$\([^)]*\)/.exec(rest)
    const operator = word === undefined ? OPERATORS.exec(rest) : null
    const closing = /^[;)|&]/.exec(rest)
    if (/^\s/.test(rest)) {
      end()
      rest = rest.slice(1)
    } else if (quoted !== null) {
      word = (word ?? "") + (quoted[1]?.replace(/\\(.)/g, "$1") ?? quoted[2] ?? "")
      rest = rest.slice(quoted[0].length)
    } else if (substitution !== null) {
      word = (word ?? "") + substitution[0]
      rest = rest.slice(substitution[0].length)
    } else if (operator !== null || closing !== null) {
      end()
      commands.push([])
      rest = rest.slice((operator ?? closing)![0].length)
    } else if (word === undefined && rest.startsWith("#")) {
      break
    } else {
      const plain = rest.startsWith("\\") ? rest.slice(1, 2) : rest[0]!
      word = (word ?? "") + plain
      rest = rest.slice(rest.startsWith("\\") ? 2 : 1)
    }
  }
  end()
  return commands
}

/**
 * The words after the program's name, for each call of druidsync: also behind variables, a crontab's times, `npx` and
 * `ExecStart=`, and from the sources (`src/main.ts`, `npm start --`).
 */
export function callsIn(text: string): readonly (readonly string[])[] {
  return commandsIn(text).flatMap((words) => {
    const at = words.findIndex((word) => /^(ExecStart=)?([^=]*\/)?(druidsync|src\/main\.ts)$/.test(word))
    const start = words.findIndex((word, n) => word === "start" && words[n - 1] === "npm")
    if (start >= 0) return [words.slice(start + 2)]
    // A file may have the name of the program.
    return at < 0 || words.slice(0, at).some((word) => /^(install|ls|cp|man)$/.test(word))
      ? []
      : [words.slice(at + 1)]
  })
}
