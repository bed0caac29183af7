import { afterAll, describe, expect, it } from "bun:test"
import { Answers } from "../../scripts/bench/replay/answers.ts"
import { serve } from "../../scripts/bench/replay/server.ts"
import { makeTemplate } from "../../scripts/bench/replay/template.ts"
import { World } from "../../scripts/bench/replay/world.ts"
import { boundsSql, countsSql, histogramSql, within } from "../../src/druid/sql.ts"

const template = makeTemplate(500)
const world = new World({ datasources: 2, segments: 7, rows: 1_200, chunkMs: 3_600_000 })
const answers = new Answers(world, template)
const server = serve(answers, 0)
afterAll(() => server.stop())

const source = { datasource: "replay-0001" }
const first = BigInt(world.segment(0).startMs)
const end = BigInt(world.segment(6).endMs)

async function ask(query: string, header = false): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${server.port}/druid/v2/sql`, {
    method: "POST",
    body: JSON.stringify({ query, header }),
  })
  return response.text()
}

async function rowsOf(interval: { start: bigint; end: bigint }): Promise<unknown[][]> {
  const names = template.columns.map(({ name }) =>
    name === "__time" ? 'TIMESTAMP_TO_MILLIS("__time") AS "__time"' : `"${name}"`,
  )
  const text = await ask(
    `SELECT ${names.join(", ")} FROM "druid"."replay-0001" WHERE ${within(interval)}`,
    true,
  )
  expect(text.endsWith("]\n\n")).toBe(true)
  return text
    .trim()
    .split("\n")
    .slice(3)
    .map((line) => JSON.parse(line))
}

describe("the replay server", () => {
  it("sends every row once, its time within its segment", async () => {
    const rows = await rowsOf({ start: first, end })
    expect(rows).toHaveLength(1_200)
    const times = rows.map((row) => row[0] as number)
    expect(times).toEqual([...times].sort((a, b) => a - b))
    for (let n = 0; n < 7; n++) {
      const { startMs, endMs, rows: expected } = world.segment(n)
      expect(times.filter((time) => time >= startMs && time < endMs)).toHaveLength(expected)
    }
  })

  it("sends slices that together are the whole, and counts them as it sends them", async () => {
    const all = await rowsOf({ start: first, end })
    const cuts = [first, first + 1_234_567n, first + 3_600_000n, first + 9_999_999n, end]
    const intervals = cuts.slice(1).map((to, n) => ({ start: cuts[n]!, end: to }))
    const slices = await Promise.all(intervals.map(rowsOf))
    expect(slices.flat()).toEqual(all)
    const counted = JSON.parse(await ask(countsSql(source, intervals)))
    expect(counted).toEqual(slices.flatMap((rows) => [rows.length, rows.length]))
  })

  it("answers bounds and histograms that agree with its rows", async () => {
    const interval = { start: first + 500n, end: end - 777_777n }
    const times = (await rowsOf(interval)).map((row) => row[0] as number)
    const bounds = JSON.parse(await ask(boundsSql(source, interval)))
    expect(bounds).toEqual([String(times[0]), String(times.at(-1)), times.length])
    const lines = (await ask(histogramSql(source, [interval], 1_000_000n))).trim().split("\n")
    const buckets = new Map(lines.map((line) => JSON.parse(line)).map(([n, all]) => [n, all]))
    const expected = new Map<number, number>()
    for (const time of times) {
      const bucket = Math.floor((time - Number(interval.start)) / 1_000_000)
      expected.set(bucket, (expected.get(bucket) ?? 0) + 1)
    }
    expect(buckets).toEqual(expected)
  })

  it("gives each datasource other rows", () => {
    const text = (name: string) => Buffer.concat([...answers.all(name)]).toString()
    expect(text("replay-0000")).not.toBe(text("replay-0001"))
  })
})
