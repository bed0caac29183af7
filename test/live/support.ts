/** The real Druid of a live run: `npm run test:live` starts it and names its data folder. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import {
  attachDruid,
  before1970,
  countRows,
  type Dataset,
  type Druid,
  identicalRows,
  koalas,
  loadDataset,
  oddName,
  oneMillisecond,
  wikipedia,
} from "../../scripts/druid/index.ts"
import { canonical, Multiset, rowText } from "../support/conformance/rows.ts"

/** Goes into datasource names: a Druid that is used for several runs keeps them apart. */
export const tag = process.env.DRUIDSYNC_LIVE_TAG ?? String(process.pid)

/** The datasources that every live run loads, under their own names. */
export const datasets: readonly Dataset[] = [
  wikipedia({ rows: 100_000 }),
  koalas(),
  oddName(),
  oneMillisecond(),
  identicalRows(),
  before1970(),
]

let druid: Promise<Druid> | undefined
let loaded: Promise<void> | undefined

/** @throws Error saying how live tests are run */
export function liveDruid(): Promise<Druid> {
  const dataDir = process.env.DRUIDSYNC_LIVE_DRUID
  if (dataDir === undefined) throw new Error("no Druid: run the live tests with npm run test:live")
  druid ??= attachDruid(dataDir)
  return druid
}

/** The Druid with all of `datasets` in it; loaded once, three at a time, since ingestion is mostly waiting. */
export async function loadedDruid(): Promise<Druid> {
  const up = await liveDruid()
  loaded ??= loadAll(up)
  await loaded
  return up
}

async function loadAll(up: Druid): Promise<void> {
  const queue = [...datasets]
  const worker = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      if ((await countRows(up, next.datasource)) !== next.rowCount) await loadDataset(up, next)
    }
  }
  await Promise.all([worker(), worker(), worker()])
}

/** What the generator made: the truth that neither Druid nor druidsync had a hand in. */
export function generated(dataset: Dataset): Multiset {
  const rows = new Multiset()
  for (const row of dataset.rows())
    rows.add(
      rowText(
        dataset.columns.map(({ name, type }, n) => {
          const value = row[n]!
          if (type === "TIMESTAMP") return [name, canonical.time(BigInt(Date.parse(String(value))))] as const
          if (type === "BIGINT") return [name, canonical.long(value as bigint | number | null)] as const
          if (type === "DOUBLE") return [name, canonical.double(value as number | null)] as const
          if (type === "FLOAT") return [name, canonical.float(value as number | null)] as const
          return [name, canonical.string(value as string | null)] as const
        }),
      ),
    )
  return rows
}

/** A folder for one test, removed after it. */
export async function withFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "druidsync-live-"))
  try {
    return await work(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
