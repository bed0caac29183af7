/**
 * What users do in the file: things of their own, beside our tables and on them, which have to be there after every pull,
 * and changes of our rows, which the next pull undoes.
 */
import { execute, query } from "../../test/support/conformance/duckdb.ts"
import type { Random } from "../druid/datasets/random.ts"

interface Thing {
  readonly name: string
  /** statements, with our table as `soak` */
  readonly make: string
  /** true where it is there and works */
  readonly look: string
}

const THINGS: readonly Thing[] = [
  {
    name: "index",
    make: "CREATE INDEX soak_by_page ON soak (page)",
    look: "SELECT count(*) = 1 FROM duckdb_indexes() WHERE index_name = 'soak_by_page'",
  },
  {
    name: "view",
    make: "CREATE VIEW soak_pages AS SELECT page, count(*) AS n FROM soak GROUP BY page",
    look: "SELECT coalesce(sum(n), 0) = (SELECT count(*) FROM soak) FROM soak_pages",
  },
  {
    name: "macro",
    make: "CREATE MACRO soak_rows() AS (SELECT count(*) FROM soak)",
    look: "SELECT soak_rows() = (SELECT count(*) FROM soak)",
  },
  {
    name: "table",
    make: "CREATE TABLE mine AS SELECT 42 AS answer",
    look: "SELECT sum(answer) = 42 FROM mine",
  },
  {
    name: "comment",
    make: "COMMENT ON COLUMN soak.ratio IS 'the user wrote this'",
    look: "SELECT comment = 'the user wrote this' FROM duckdb_columns() WHERE table_name = 'soak' AND column_name = 'ratio'",
  },
  {
    name: "column",
    make: "ALTER TABLE soak ADD COLUMN remark VARCHAR",
    look: "SELECT count(*) = 1 FROM duckdb_columns() WHERE table_name = 'soak' AND column_name = 'remark'",
  },
]

/** By name; each changes the number of rows, which is how a pull comes to know of it. */
const MEDDLING: Readonly<Record<string, string>> = {
  "rows deleted": "DELETE FROM soak WHERE rowid IN (SELECT rowid FROM soak LIMIT 3)",
  "rows doubled": "INSERT INTO soak FROM soak LIMIT 3",
  "table emptied": "DELETE FROM soak",
}

export class Things {
  readonly #path: string
  readonly #left = [...THINGS]
  readonly #made: Thing[] = []

  constructor(path: string) {
    this.#path = path
  }

  /** Makes the next one. @returns its name, or undefined where all are made */
  async makeOne(): Promise<string | undefined> {
    const thing = this.#left.shift()
    if (thing === undefined) return undefined
    await execute(this.#path, thing.make)
    this.#made.push(thing)
    return thing.name
  }

  /** Changes rows of our table. @returns what was done */
  async meddle(random: Random): Promise<string> {
    const name = random.pick(Object.keys(MEDDLING))
    await execute(this.#path, MEDDLING[name]!)
    return name
  }

  /** Names of those that are gone or do not work any more. */
  async missing(): Promise<string[]> {
    const missing: string[] = []
    for (const { name, look } of this.#made) {
      const [row] = await query(this.#path, look).catch(() => [undefined])
      if (row === undefined || Object.values(row)[0] !== true) missing.push(name)
    }
    return missing
  }
}
