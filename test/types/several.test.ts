/**
 * Rows with several values: found out by metadata where that tells, and from the rows themselves where it does not,
 * since Druid writes `["a","b"]` for a row of two values and for a row of that one text alike.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "bun:test"
import { query } from "../support/conformance/duckdb.ts"
import { fakeWorld } from "../support/conformance/fake-world.ts"
import { inProcess } from "../support/conformance/runner.ts"
import { Stage } from "../support/conformance/stage.ts"
import { errors, type FakeDruid, reply, startFakeDruid } from "../support/fake-druid/fake-druid.ts"

let fake: FakeDruid
let stage: Stage

beforeAll(async () => {
  fake = await startFakeDruid()
})
afterAll(() => fake.stop())
beforeEach(() => {
  fake.reset()
  stage = new Stage(fakeWorld(fake), inProcess())
  stage.config(["w"])
})
afterEach(() => stage.close())

const day = (n: number) => `2020-01-0${n}`
const text = '["a","b"]'

async function tags(): Promise<unknown[]> {
  const rows = await query(stage.out, "SELECT tag FROM w ORDER BY __time, n")
  return rows.map((row) => row.tag)
}

/** A table with a text that looks like two values, and nothing that has two. */
function lookalike(): void {
  fake.world.define("w", { n: "LONG", tag: "STRING" })
  fake.world.append("w", [
    { __time: day(1), n: 1n, tag: text },
    { __time: day(1), n: 2n, tag: "a" },
  ])
  fake.world.settle()
}

describe("a column of single strings", () => {
  it("keeps a text that looks like several values, after asking Druid what it is", async () => {
    lookalike()
    expect((await stage.pull()).exitCode).toBe(0)
    expect(await tags()).toEqual([text, "a"])
    expect(fake.log.entries.filter((entry) => /MV_LENGTH/.test(entry.sql ?? "")).length).toBe(1)
  })

  it("is not asked about where no text looks so", async () => {
    fake.world.define("w", { n: "LONG", tag: "STRING" })
    fake.world.append("w", [
      { __time: day(1), n: 1n, tag: "[a]" },
      { __time: day(1), n: 2n, tag: '{"a":1}' },
    ])
    fake.world.settle()
    expect((await stage.pull()).exitCode).toBe(0)
    expect(fake.log.entries.some((entry) => /MV_LENGTH/.test(entry.sql ?? ""))).toBe(false)
  })

  it("becomes a list when rows with several values come later, and no old row changes its meaning", async () => {
    lookalike()
    await stage.pull()
    fake.world.append("w", [{ __time: day(2), n: 3n, tag: ["a", "b"] }])
    fake.world.settle()
    const pulled = await stage.pull()
    expect([pulled.exitCode, pulled.rows]).toEqual([0, 1])
    expect(await tags()).toEqual([[text], ["a"], ["a", "b"]])
    expect(pulled.report.datasources[0]!.schemaChanges).toEqual([
      'column "tag" became VARCHAR[] (was VARCHAR)',
    ])
  })
})

describe("metadata", () => {
  it("is asked about a set of segments once in a run", async () => {
    lookalike()
    fake.world.append("w", [{ __time: day(2), n: 3n, tag: ["x", "y"] }])
    fake.world.settle()
    expect((await stage.pull()).exitCode).toBe(0)
    expect(fake.log.count("segmentMetadata")).toBe(1)
    fake.log.clear()
    expect((await stage.pull()).rows).toBe(0)
    expect(fake.log.count("segmentMetadata")).toBe(0)
  })

  it("that does not know of several values is corrected by the rows", async () => {
    lookalike()
    fake.world.append("w", [{ __time: day(2), n: 3n, tag: ["a", "b"] }])
    fake.world.settle()
    // A server that is just going answers for none of its segments, without a word.
    fake.hooks.beforeRequest = (kind, n) =>
      kind === "segmentMetadata" && n === 1 ? reply({ status: 200, body: "[]" }) : undefined
    const pulled = await stage.pull()
    expect(pulled.exitCode).toBe(0)
    expect(await tags()).toEqual([[text], ["a"], ["a", "b"]])
  })

  it("that is refused is replaced by a look at the columns", async () => {
    lookalike()
    fake.world.append("w", [{ __time: day(2), n: 3n, tag: ["a", null] }])
    fake.world.settle()
    fake.hooks.beforeRequest = (kind) => (kind === "segmentMetadata" ? reply(errors.forbidden()) : undefined)
    const pulled = await stage.pull()
    expect(pulled.exitCode).toBe(0)
    expect(await tags()).toEqual([[text], ["a"], [null, "a"]])
    expect(fake.log.count("scan")).toBe(1)
  })
})

describe("realtime", () => {
  it("rows with several values that arrive during the fetch are not taken for texts", async () => {
    fake.world.define("w", { n: "LONG", tag: "STRING" })
    fake.world.stream("w", [{ __time: `${day(1)}T00:00`, n: 1n, tag: text }])
    let came = false
    fake.hooks.beforeRequest = (kind, _n, _request, site) => {
      if (kind !== "scan" || came) return undefined
      came = true
      site.world.stream("w", [{ __time: `${day(1)}T00:01`, n: 2n, tag: ["a", "b"] }])
      return undefined
    }
    const pulled = await stage.pull()
    expect(came).toBe(true)
    expect(await tags()).toEqual([[text], ["a", "b"]])
    expect(pulled.exitCode).toBe(0)
  })
})

describe('multiValue "json"', () => {
  it("stores arrays as JSON, and goes back to lists", async () => {
    lookalike()
    fake.world.append("w", [{ __time: day(2), n: 3n, tag: ["a", "b\u0000"] }])
    fake.world.settle()
    stage.config(["w"], { multiValue: "json" })
    await stage.pull()
    expect(await tags()).toEqual([JSON.stringify([text]), '["a"]', '["a","b\\u0000"]'])
    stage.config(["w"], { multiValue: "list" })
    await stage.pull()
    expect(await tags()).toEqual([[text], ["a"], ["a", "b\u0000"]])
  })
})
