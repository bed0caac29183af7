/**
 * How each pull of the matrix ended when the whole of it was last played: `results.json`. `docs/trust.md` is made from it,
 * and a run of a part is held against it.
 */
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { Outcome } from "./run.ts"
import type { Mode } from "./strike.ts"
import type { Cell } from "./verdicts.ts"

const PATH = join(import.meta.dir, "results.json")

/** The exit code, and the error's code where there is one: `0`, `3`, `1 connect`. */
export type Ending = string

/** Of one cell, by mode. */
type Endings = Partial<Record<Mode, Ending>>

export function endingOf({ exitCode, code }: Pick<Outcome, "exitCode" | "code">): Ending {
  return code === undefined ? String(exitCode) : `${exitCode} ${code}`
}

export class Results {
  readonly #endings: Map<string, Endings>

  constructor(endings: Readonly<Record<string, Endings>> = {}) {
    this.#endings = new Map(Object.entries(endings))
  }

  static read(): Results {
    return new Results(JSON.parse(readFileSync(PATH, "utf8")) as Record<string, Endings>)
  }

  /** undefined where the cell was not played in this mode */
  of(cell: Cell, mode: Mode): Ending | undefined {
    return this.#endings.get(keyOf(cell))?.[mode]
  }

  note(cell: Cell, mode: Mode, ending: Ending): void {
    this.#endings.set(keyOf(cell), { ...this.#endings.get(keyOf(cell)), [mode]: ending })
  }

  /** Writes these cells, a line each; others that stood there are forgotten. */
  write(cells: readonly Cell[]): void {
    const lines = cells.map((cell) => {
      const { once, stays } = this.#endings.get(keyOf(cell)) ?? {}
      const modes = [
        ...(once === undefined ? [] : [`"once": ${JSON.stringify(once)}`]),
        ...(stays === undefined ? [] : [`"stays": ${JSON.stringify(stays)}`]),
      ]
      return `  ${JSON.stringify(keyOf(cell))}: { ${modes.join(", ")} }`
    })
    writeFileSync(PATH, `{\n${lines.join(",\n")}\n}\n`)
  }
}

function keyOf({ fault, place }: Cell): string {
  return `${fault.name} at ${place.name}`
}
