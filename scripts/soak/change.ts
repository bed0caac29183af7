/** What may happen to a datasource in a real Druid between two pulls, or during one: chosen by chance, applied, waited for. */

import { COLUMNS, dayOf } from "../../test/support/conformance/rows-of.ts"
import type { World } from "../../test/support/conformance/world.ts"
import type { Random } from "../druid/datasets/random.ts"

export interface Change {
  readonly name: string
  apply(): Promise<void>
}

const DAY_MS = 86_400_000
const START = Date.UTC(2024, 0, 1)

/** A datasource that changes: keeps in mind which days it has. */
export class Changing {
  readonly #world: World
  readonly #random: Random
  readonly datasource: string
  readonly #rowsPerDay: number
  readonly #days = new Set<number>()
  /** columns that came later */
  readonly #added: string[] = []
  #seed = 0

  constructor(world: World, random: Random, datasource: string, rowsPerDay: number) {
    this.#world = world
    this.#random = random
    this.datasource = datasource
    this.#rowsPerDay = rowsPerDay
  }

  /** The first three days. */
  async create(): Promise<void> {
    for (const day of [0, 1, 2]) this.#days.add(day)
    const rows = [0, 1, 2].flatMap((day) => this.#rows(day, this.#rowsPerDay))
    await this.#world.create(this.datasource, rows, { columns: COLUMNS })
  }

  /** The next change, or none at all. */
  next(): Change | undefined {
    const { datasource } = this
    const days = [...this.#days]
    const some = this.#random.pick(days)
    const count = 1 + this.#random.below(this.#rowsPerDay)
    switch (this.#random.below(8)) {
      case 0:
      case 1: {
        const day = Math.max(...days) + 1 + this.#random.below(2)
        this.#days.add(day)
        return { name: "new day", apply: () => this.#world.append(datasource, this.#rows(day, count)) }
      }
      case 2:
        return { name: "rows added", apply: () => this.#world.append(datasource, this.#rows(some, count)) }
      case 3:
        return {
          name: "day replaced",
          apply: () => this.#world.overwrite(datasource, this.#rows(some, count)),
        }
      case 4: {
        if (days.length < 4) return undefined
        this.#days.delete(some)
        const interval = `${date(some)}/${date(some + 1)}`
        return { name: "day dropped", apply: () => this.#world.markUnused(datasource, interval) }
      }
      case 5:
        return {
          name: "day compacted",
          // Finer hours would leave the day active beneath them, and Druid's own counts would never agree again.
          apply: () => this.#world.compact(datasource, `${date(some)}/${date(some + 1)}`, "DAY"),
        }
      case 6: {
        this.#added.push(`added ${this.#added.length + 1}`)
        const columns = Object.fromEntries(this.#added.map((name) => [name, "string"] as const))
        return {
          name: "new column",
          apply: () => this.#world.append(datasource, this.#rows(some, count), { columns }),
        }
      }
      default:
        return undefined
    }
  }

  #rows(day: number, count: number) {
    const seed = ++this.#seed
    const added = Object.fromEntries(this.#added.map((name) => [name, `of ${seed}`]))
    return dayOf(date(day), count, seed).map((row) => ({ ...row, ...added }))
  }
}

function date(day: number): string {
  return new Date(START + day * DAY_MS).toISOString().slice(0, 10)
}
