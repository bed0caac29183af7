/** A terminal small enough to read: understands what the live lines use, and says what a person would see. */
import type { Sink } from "../../src/kit/sink.ts"

export class Screen implements Sink {
  readonly isTTY = true
  readonly columns: number
  readonly rows: number
  /** everything written, as it was */
  raw = ""
  writes = 0
  #lines: string[] = [""]
  #row = 0
  #column = 0

  constructor(columns = 80, rows = 24) {
    this.columns = columns
    this.rows = rows
  }

  write(text: string): void {
    this.raw += text
    this.writes++
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is read here
    for (const [token] of text.matchAll(/\u001b\[(\d*)([A-Za-z])|\r|\n|[^\u001b\r\n]/gu)) this.#take(token)
  }

  /** What is on the screen, scrolled-off lines included; trailing empty lines left out. */
  get text(): string {
    return this.#lines
      .map((line) => line.trimEnd())
      .join("\n")
      .trimEnd()
  }

  #take(token: string): void {
    if (token === "\n") {
      this.#row++
      this.#column = 0
      this.#lines[this.#row] ??= ""
    } else if (token === "\r") this.#column = 0
    else if (token.startsWith("\u001b")) this.#control(token)
    else {
      const line = this.#lines[this.#row]!
      this.#lines[this.#row] =
        line.slice(0, this.#column).padEnd(this.#column) + token + line.slice(this.#column + token.length)
      this.#column += token.length
      if (this.#column > this.columns) throw new Error(`a line is wider than the terminal: ${line}`)
    }
  }

  #control(token: string): void {
    const number = Number(/\d+/.exec(token)?.[0] ?? 1)
    const letter = token.at(-1)
    if (letter === "m") return
    if (letter === "A") {
      if (number > this.#row) throw new Error("the cursor was moved above the first line")
      this.#row -= number
    } else if (letter === "K") this.#lines[this.#row] = this.#lines[this.#row]!.slice(0, this.#column)
    else if (letter === "J") {
      this.#lines[this.#row] = this.#lines[this.#row]!.slice(0, this.#column)
      this.#lines.length = this.#row + 1
    } else throw new Error(`the terminal does not know ${JSON.stringify(token)}`)
  }
}

/** A sink that is no terminal. */
export class Pipe implements Sink {
  readonly isTTY = false
  text = ""

  write(text: string): void {
    this.text += text
  }
}
