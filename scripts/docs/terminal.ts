/**
 * A program run in a terminal, as a person would run it, and what stands on the screen then, with its colours. Understands
 * what druidsync writes: text, line breaks, movements of the cursor, erasing, bold, dim and the sixteen colours.
 */

/** How a character looks. */
export interface Look {
  readonly isBold: boolean
  readonly isDim: boolean
  /** 0 to 7 as in SGR 30 to 37, 8 to 15 the bright ones; undefined: the usual */
  readonly colour: number | undefined
}

/** Characters side by side that look alike. */
export interface Run {
  readonly text: string
  readonly look: Look
}

export type Line = readonly Run[]

interface Cell {
  readonly char: string
  readonly look: Look
}

const PLAIN: Look = { isBold: false, isDim: false, colour: undefined }
/** Longest time that a program may take. */
const TIMEOUT_MS = 180_000
/** So long is nothing written before a question is taken for one. */
const QUIET_MS = 700

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is read here
const TOKEN = /\u001b\[\??([\d;]*)([A-Za-z])|[\s\S]/gu

export interface Play {
  readonly cwd: string
  readonly columns: number
  /** typed one after the other, each where the program waits behind a question */
  readonly answers?: readonly string[]
  /** the screen as it was when this is first on it is kept as well */
  readonly glimpse?: RegExp
}

/** @throws Error where the exit code is not 0, or the program takes more than three minutes */
export async function play(
  command: readonly string[],
  { cwd, columns, answers = [], glimpse }: Play,
): Promise<{ lines: Line[]; glimpsed: Line[] | undefined }> {
  const screen = new Screen(columns)
  const decoder = new TextDecoder()
  const left = [...answers]
  let quiet: ReturnType<typeof setTimeout> | undefined
  let glimpsed: Line[] | undefined
  const child = Bun.spawn([...command], {
    cwd,
    // Plain questions: what menus draw and take back is nothing to look at afterwards.
    env: { ...process.env, TERM: "xterm-256color", ACCESSIBLE: "1" },
    terminal: {
      cols: columns,
      rows: 50,
      data(terminal, bytes) {
        screen.write(decoder.decode(bytes, { stream: true }))
        if (glimpsed === undefined && glimpse?.test(textOf(screen.lines))) glimpsed = screen.lines
        clearTimeout(quiet)
        quiet = setTimeout(() => {
          if (screen.isAsking && left.length > 0) terminal.write(`${left.shift()}\r`)
        }, QUIET_MS)
      },
    },
  })
  const limit = setTimeout(() => child.kill(), TIMEOUT_MS)
  const code = await child.exited
  clearTimeout(limit)
  clearTimeout(quiet)
  if (code !== 0) throw new Error(`${command.join(" ")} ended with ${code}:\n${textOf(screen.lines)}`)
  return { lines: screen.lines, glimpsed }
}

export function textOf(lines: readonly Line[]): string {
  return lines.map((line) => line.map(({ text }) => text).join("")).join("\n")
}

class Screen {
  readonly #columns: number
  readonly #rows: Cell[][] = [[]]
  #row = 0
  #column = 0
  #look = PLAIN

  constructor(columns: number) {
    this.#columns = columns
  }

  write(text: string): void {
    for (const [token, numbers = "", letter = ""] of text.matchAll(TOKEN)) {
      if (letter !== "") this.#control(letter, numbers.split(";").map(Number))
      else if (token === "\n") this.#go(this.#row + 1, this.#column)
      else if (token === "\r") this.#column = 0
      else if (token >= " ") this.#put(token)
    }
  }

  /** What was written, without empty lines at the end. */
  get lines(): Line[] {
    const lines = this.#rows.map(runsOf)
    while (lines.at(-1)?.length === 0) lines.pop()
    return lines
  }

  /** A question seems to be open: the cursor waits behind a text. */
  get isAsking(): boolean {
    return this.#column > 0
  }

  #go(row: number, column: number): void {
    this.#row = Math.max(0, row)
    this.#column = Math.max(0, column)
    while (this.#rows.length <= this.#row) this.#rows.push([])
  }

  #put(char: string): void {
    if (this.#column === this.#columns) this.#go(this.#row + 1, 0)
    const row = this.#rows[this.#row]!
    while (row.length < this.#column) row.push({ char: " ", look: PLAIN })
    row[this.#column++] = { char, look: this.#look }
  }

  #control(letter: string, numbers: readonly number[]): void {
    const n = numbers[0] || 1
    if (letter === "A") this.#go(this.#row - n, this.#column)
    else if (letter === "B") this.#go(this.#row + n, this.#column)
    else if (letter === "C") this.#go(this.#row, this.#column + n)
    else if (letter === "D") this.#go(this.#row, this.#column - n)
    else if (letter === "G") this.#go(this.#row, n - 1)
    else if (letter === "K")
      this.#rows[this.#row]!.length = Math.min(this.#rows[this.#row]!.length, this.#column)
    else if (letter === "J") {
      this.#rows[this.#row]!.length = Math.min(this.#rows[this.#row]!.length, this.#column)
      this.#rows.length = this.#row + 1
    } else if (letter === "m") for (const code of numbers) this.#look = lookAfter(this.#look, code)
  }
}

function lookAfter(look: Look, code: number): Look {
  if (code === 0) return PLAIN
  if (code === 1) return { ...look, isBold: true }
  if (code === 2) return { ...look, isDim: true }
  if (code === 22) return { ...look, isBold: false, isDim: false }
  if (code >= 30 && code <= 37) return { ...look, colour: code - 30 }
  if (code >= 90 && code <= 97) return { ...look, colour: code - 82 }
  return code === 39 ? { ...look, colour: undefined } : look
}

function runsOf(cells: readonly Cell[]): Line {
  const runs: { text: string; look: Look }[] = []
  for (const { char, look } of cells) {
    const last = runs.at(-1)
    if (last !== undefined && isSame(last.look, look)) last.text += char
    else runs.push({ text: char, look })
  }
  while (runs.at(-1)?.text.trim() === "") runs.pop()
  return runs
}

function isSame(one: Look, other: Look): boolean {
  return one.isBold === other.isBold && one.isDim === other.isDim && one.colour === other.colour
}
