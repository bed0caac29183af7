/**
 * A few lines at the bottom of a terminal that are drawn again in place. The cursor is never hidden and no mode of the
 * terminal is changed, so that a program that is killed leaves nothing behind but its last lines.
 */
import type { Sink } from "../sink.ts"

const CLEAR_TO_END = "\u001b[J"
const CLEAR_LINE = "\u001b[K"

export class LiveRegion {
  readonly #sink: Sink
  #shown: readonly string[] = []

  constructor(sink: Sink) {
    this.#sink = sink
  }

  /** Draws these lines over those shown before. Each must fit the terminal's width; nothing is written if all are alike. */
  show(lines: readonly string[]): void {
    if (lines.length === this.#shown.length && lines.every((line, n) => line === this.#shown[n])) return
    const body = lines.map((line) => `${line}${CLEAR_LINE}\n`).join("")
    this.#sink.write(`${this.#toTop()}${body}${lines.length < this.#shown.length ? CLEAR_TO_END : ""}`)
    this.#shown = lines
  }

  /** Writes lines that stay, above the live ones. */
  above(text: string): void {
    const lines = this.#shown
    this.#shown = []
    const body = lines.map((line) => `${line}\n`).join("")
    this.#sink.write(`${upAndClear(lines.length)}${text}\n${body}`)
    this.#shown = lines
  }

  clear(): void {
    if (this.#shown.length > 0) this.#sink.write(upAndClear(this.#shown.length))
    this.#shown = []
  }

  #toTop(): string {
    return this.#shown.length === 0 ? "" : `\u001b[${this.#shown.length}A\r`
  }
}

function upAndClear(lines: number): string {
  return lines === 0 ? "" : `\u001b[${lines}A\r${CLEAR_TO_END}`
}
