/** A Druid on which the scenario of the matrix is played, fake or real: first what it holds, then what changes. */
import { type FakeDruid, type InputRow, startFakeDruid } from "../support/fake-druid/fake-druid.ts"

import { DataNode } from "../support/fake-druid/http/data-node.ts"

/** A row as far as it is compared. */
export interface Timed {
  readonly ms: bigint
  readonly page: unknown
  /** null or a list */
  readonly tags: unknown
  readonly n: unknown
  /** all values, canonical */
  readonly text: string
}

export interface Theatre {
  /** base URL of the Druid */
  readonly url: string
  readonly datasource: string
  /** a data node that can be asked for its segments itself; undefined: pulls past the broker are not played */
  readonly dataNode?: {
    readonly url: string
    /** it is named by another address from now on */
    showAs(address: string): void
  }
  /** three days of rows */
  build(): Promise<void>
  /** one day unchanged, one with rows added, one replaced, one new, a chunk of years new and too big for one slice, one streaming */
  change(): Promise<void>
  /** all rows that Druid holds now, asked in another way than druidsync asks */
  truth(): Promise<readonly Timed[]>
  close(): Promise<void>
}

const DAY = 86_400_000n
const START = BigInt(Date.UTC(2024, 0, 1))

export interface SceneRow {
  readonly ms: bigint
  readonly page: string
  readonly tags: readonly string[] | string | null
  readonly n: bigint
}

/** Made-up rows of one day, counted from the first: not plain ASCII, with several values, one, and none. */
function sceneRows(day: number, count: number, seed: number): SceneRow[] {
  return Array.from({ length: count }, (_, i) => ({
    ms: START + BigInt(day) * DAY + (BigInt(i) * DAY) / BigInt(count),
    page: `Zürich ${(i * 7 + seed) % 5}`,
    tags: i % 3 === 0 ? ["t", `ä${seed}`] : i % 3 === 1 ? "b" : null,
    n: BigInt(i * 31 + seed),
  }))
}

/** What is there at first, and what comes with the change: rows by day. */
export const FIRST = [sceneRows(0, 10, 0), sceneRows(1, 10, 1), sceneRows(2, 10, 2)] as const
export const ADDED = sceneRows(1, 3, 41)
export const REPLACED = sceneRows(2, 12, 42)
/** Of 2030: in a chunk of years, where it is asked first between which times rows lie. */
export const BIG = sceneRows(2_192, 60, 43)
export const NEW = sceneRows(4, 5, 44)
const STREAMED = sceneRows(5, 6, 45)

export function timed(ms: bigint, page: unknown, tags: unknown, n: unknown): Timed {
  const list = tags === null || Array.isArray(tags) ? tags : [tags]
  return { ms, page, tags: list, n, text: JSON.stringify([String(ms), page, list, String(n)]) }
}

/** Not plain ASCII: its characters can be cut in two. */
const DATASOURCE = "wikipédia"

export async function fakeTheatre(): Promise<Theatre> {
  const fake: FakeDruid = await startFakeDruid()
  const node = await DataNode.start(fake)
  const { world } = fake
  const input = (rows: readonly SceneRow[]) =>
    rows.map(({ ms, ...values }): InputRow => ({ __time: ms, ...values }) as InputRow)
  const append = (rows: readonly SceneRow[]) => world.append(DATASOURCE, input(rows), { granularity: "DAY" })
  return {
    url: fake.url,
    datasource: DATASOURCE,
    dataNode: {
      url: `http://${node.address}`,
      showAs: (address) => {
        node.shownAs = address
      },
    },
    async build() {
      world.define(DATASOURCE, { page: "STRING", tags: "STRING", n: "LONG" })
      for (const rows of FIRST) append(rows)
      world.settle(DATASOURCE)
    },
    async change() {
      append(ADDED)
      world.overwrite(DATASOURCE, "2024-01-03/2024-01-04", input(REPLACED), { granularity: "DAY" })
      append(NEW)
      world.overwrite(DATASOURCE, "2030-01-01/2032-01-01", input(BIG))
      world.settle(DATASOURCE)
      world.stream(DATASOURCE, input(STREAMED), { granularity: "DAY" })
    },
    async truth() {
      const rows = world.rows(DATASOURCE) as unknown as { __time: bigint; [column: string]: unknown }[]
      return rows.map((row) => timed(row.__time, row.page, row.tags, row.n))
    },
    async close() {
      await node.stop()
      await fake.stop()
    },
  }
}
