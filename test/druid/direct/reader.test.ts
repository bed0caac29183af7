import { afterEach, beforeEach, describe, expect, it } from "bun:test"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Column, Segment } from "../../../src/base/domain.ts"
import { createCatalog } from "../../../src/druid/catalog.ts"
import { createClient, type DruidClient } from "../../../src/druid/client.ts"
import { DirectReader, type Wanted } from "../../../src/druid/direct/reader.ts"
import { spooling } from "../../../src/druid/spool.ts"
import { createTransport } from "../../../src/druid/transport.ts"
import { type Engine, openEngine } from "../../../src/store/engine.ts"
import { segmentsDesk } from "../../../src/store/look/desk.ts"
import { errors, type FakeDruid, reply, startFakeDruid } from "../../support/fake-druid/fake-druid.ts"
import { DataNode } from "../../support/fake-druid/http/data-node.ts"

const NAME = "events"
const SIGNAL = new AbortController().signal
const ROW_BYTES = 100
const DAYS = ["2020-01-01", "2020-01-02"]

let fake: FakeDruid
let client: DruidClient
let folder: string
let engine: Engine
const nodes: DataNode[] = []

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "druidsync-direct-"))
  engine = await openEngine({ memoryLimit: "500MB", threads: 1 })
  fake = await startFakeDruid()
  fake.world.append(
    NAME,
    DAYS.flatMap((day) =>
      Array.from({ length: 1_500 }, (_, n) => ({
        __time: `${day}T00:00`,
        n: BigInt(n),
        tags: ["b", "a"],
        s: "x",
      })),
    ),
  )
  const transport = createTransport({
    connectTimeoutMs: 1_000,
    firstByteTimeoutMs: 1_000,
    idleTimeoutMs: 1_000,
    maxSockets: 4,
  })
  client = createClient({
    baseUrl: fake.url,
    transport,
    gzip: false,
    queryTimeoutMs: 60_000,
    priority: -10,
    userAgent: "test",
  })
})

afterEach(async () => {
  await client.close()
  engine.close()
  for (const node of nodes.splice(0)) await node.stop()
  await fake.stop()
  rmSync(folder, { recursive: true })
})

/** what was said of the reader, once nothing was asked of data nodes any more */
let refusals: string[] = []
let nowMs = 0
function directReader(): DirectReader {
  refusals = []
  nowMs = 0
  return new DirectReader(
    client,
    "http",
    (why) => refusals.push(why),
    () => nowMs,
  )
}

async function node(): Promise<DataNode> {
  const started = await DataNode.start(fake)
  nodes.push(started)
  return started
}

const column = (name: string, druidType: string, more: Partial<Column> = {}): Column => ({
  name,
  target: name,
  druidType,
  sqlType: "",
  multiValue: false,
  duckdbType: "",
  ...more,
})
const COLUMNS = [
  column("__time", "LONG"),
  column("tags", "STRING", { multiValue: true }),
  column("n", "LONG"),
  column("s", "STRING"),
]

async function wanted(): Promise<Wanted[]> {
  const catalog = createCatalog(
    client,
    [NAME],
    segmentsDesk(engine, async () => folder),
  )
  const segments = await (await catalog.inventory(SIGNAL)).segments.segments(NAME)
  return segments.map((segment: Segment) => ({ interval: segment.interval, segments: [segment] }))
}

/** Rows per segment that a reader brings; undefined where it leaves them to SQL. */
async function read(reader: DirectReader, filter?: string) {
  const source = { datasource: NAME, filter }
  const located = await reader.locate(source, COLUMNS, await wanted(), ROW_BYTES, SIGNAL)
  if (located === undefined) return undefined
  const path = join(folder, `spool-${Math.random()}`)
  const options = { action: "reading", signal: SIGNAL }
  const sent = await spooling(path, async (file) => {
    const bytes: (number | undefined)[] = []
    for (const share of located.shares) bytes.push(await reader.read(located, share, file, options))
    return bytes
  })
  if (sent.includes(undefined)) return undefined
  const lines = readFileSync(path, "utf8").split("\n")
  expect(lines.pop()).toBe("")
  return lines.map((line) => JSON.parse(line) as { segmentId: string; events: unknown[][] })
}

describe("reading segments past the broker", () => {
  it("brings every row of every segment in the order of our columns, in batches that name their segment", async () => {
    await node()
    const batches = (await read(directReader()))!
    expect(batches.map(({ events }) => events.length)).toEqual([1_024, 476, 1_024, 476])
    expect(new Set(batches.map(({ segmentId }) => segmentId)).size).toBe(2)
    expect(batches[0]!.events[3]).toEqual([Date.UTC(2020, 0, 1), ["a", "b"], 3, "x"])
    expect(fake.log.count("scan")).toBe(0)
  })

  it("keeps the filter: Druid compiled it", async () => {
    await node()
    const batches = (await read(directReader(), '"n" < 10'))!
    expect(batches.map(({ events }) => events.length)).toEqual([10, 10])
  })

  it("has Druid compile once, however many slices there are", async () => {
    await node()
    const reader = directReader()
    await read(reader)
    await read(reader)
    expect(fake.log.count("explain")).toBe(1)
  })

  it("spreads the segments over replicas", async () => {
    await node()
    await node()
    await read(directReader())
    expect(fake.log.count("segmentScan")).toBe(2)
  })

  it("leaves to SQL what a task still serves, and what the broker reads in part only", async () => {
    const task = await node()
    task.type = "indexer-executor"
    expect(await read(directReader())).toBeUndefined()
    task.type = "historical"
    const before = await wanted()
    fake.world.setAvailable(NAME, { start: "2020-01-01", end: "2020-01-02" }, false)
    const reader = directReader()
    expect(await reader.locate({ datasource: NAME }, COLUMNS, before, ROW_BYTES, SIGNAL)).toBeUndefined()
  })

  it("leaves to SQL what a data node writes in another way than SQL, and a release that does not name the columns", async () => {
    await node()
    const reader = directReader()
    const odd = [...COLUMNS, column("last", "COMPLEX<serializablePairLongString>", { duckdbType: "JSON" })]
    expect(await reader.locate({ datasource: NAME }, odd, await wanted(), ROW_BYTES, SIGNAL)).toBeUndefined()
    fake.explainsColumns = false
    expect(await read(directReader())).toBeUndefined()
  })

  it("leaves the rest of the run to SQL once it was refused, and says what was said", async () => {
    await node()
    const reader = directReader()
    fake.hooks.beforeRequest = (kind) =>
      kind === "segmentScan" ? { do: "deny", datasources: [NAME] } : undefined
    expect(await read(reader)).toBeUndefined()
    expect(refusals).toEqual([expect.stringContaining("reading")])
    const asked = fake.log.entries.length
    expect(await reader.locate({ datasource: NAME }, COLUMNS, [], ROW_BYTES, SIGNAL)).toBeUndefined()
    expect(fake.log.entries.length).toBe(asked)
  })

  it("leaves the rest of the run to SQL where no data node can be reached", async () => {
    const away = await node()
    const { location } = away
    await away.stop()
    nodes.pop()
    fake.dataNodes = [{ location, serves: () => true } as unknown as DataNode]
    const reader = directReader()
    expect(await read(reader)).toBeUndefined()
    expect(refusals).toEqual([expect.stringContaining("127.0.0.1")])
  })

  it("leaves to SQL for a minute what a data node has that failed twice in a row", async () => {
    await node()
    const reader = directReader()
    fake.hooks.beforeRequest = (kind) =>
      kind === "segmentScan" ? reply(errors.connectionReset()) : undefined
    await expect(read(reader)).rejects.toMatchObject({ code: "server", retryable: true })
    expect(await read(reader)).toBeUndefined()
    const asked = fake.log.count("segmentScan")
    delete fake.hooks.beforeRequest
    nowMs = 59_999
    expect(await read(reader)).toBeUndefined()
    expect(fake.log.count("segmentScan")).toBe(asked)
    nowMs = 60_000
    expect(await read(reader)).toHaveLength(4)
    expect([refusals, reader.isRefused]).toEqual([[], false])
  })

  it("leaves to SQL, too, what a broker cannot locate twice in a row", async () => {
    await node()
    const reader = directReader()
    fake.hooks.beforeRequest = (kind) => (kind === "candidates" ? reply(errors.connectionReset()) : undefined)
    await expect(read(reader)).rejects.toMatchObject({ code: "server", retryable: true })
    expect(await read(reader)).toBeUndefined()
    const asked = fake.log.entries.length
    expect(await read(reader)).toBeUndefined()
    expect(fake.log.entries.filter(({ kind }) => kind === "candidates").length).toBe(2)
    expect(fake.log.entries.length).toBeGreaterThan(asked)
    nowMs = 60_000
    delete fake.hooks.beforeRequest
    expect(await read(reader)).toHaveLength(4)
  })

  it("goes round a data node that broke off", async () => {
    await node()
    await node()
    const reader = directReader()
    let first = true
    fake.hooks.beforeRequest = (kind) => {
      const isFirst = kind === "segmentScan" && first
      if (isFirst) first = false
      return isFirst ? { do: "cut", at: { rows: 700 }, end: "close" } : undefined
    }
    await expect(read(reader)).rejects.toMatchObject({ retryable: true })
    const batches = (await read(reader))!
    expect(batches.reduce((sum, { events }) => sum + events.length, 0)).toBe(3_000)
    const answered = fake.log.of("segmentScan").at(-1)!
    expect(answered.rowsSent).toBe(3_000)
  })
})
