/** Which partitions an export writes again, for random checkpoints and random histories; and names that cannot get out. */
import { describe, expect, it } from "bun:test"
import { normalize } from "node:path"
import fc from "fast-check"
import {
  checkedShare,
  clashes,
  keyNames,
  type LakePartition,
  partitionPath,
  shareName,
  tableFolder,
} from "../../src/lake/layout.ts"
import { type ManifestPartition, manifestText, parseManifest, schemaChange } from "../../src/lake/manifest.ts"
import { exportPlan, fingerprintOf, type PartitionNow, partitionState } from "../../src/lake/plan.ts"
import type { HeldChunk } from "../../src/store/notes/holdings.ts"

const DAY = 86_400_000n

const partition = (day: number, rows: number): LakePartition => ({
  date: { year: 2020, month: 1, day: day + 1 },
  interval: { start: BigInt(day) * DAY, end: BigInt(day + 1) * DAY },
  rows,
})

const chunk = (
  start: number,
  end: number,
  rows: number,
  print: string,
  state: HeldChunk["state"] = "complete",
) => ({
  interval: { start: BigInt(start) * DAY, end: BigInt(end) * DAY },
  rows,
  state,
  print,
})

/** Disjoint checkpoints over twelve days, each some days long. */
const chunks = fc
  .array(
    fc.record({
      days: fc.integer({ min: 1, max: 4 }),
      rows: fc.integer({ min: 0, max: 9 }),
      print: fc.string(),
    }),
    { minLength: 1, maxLength: 12 },
  )
  .map((list) => {
    let day = 0
    return list.map(({ days, rows, print }) => {
      const one = chunk(day, day + days, rows, print)
      day += days
      return one
    })
  })

function nowOf(all: readonly HeldChunk[], days: readonly number[]): PartitionNow[] {
  return days.map((rows, day) => {
    const one = partition(day, rows)
    const over = all.filter(
      ({ interval }) => interval.start < one.interval.end && interval.end > one.interval.start,
    )
    return {
      path: partitionPath(["year", "month", "day"], one),
      partition: one,
      fingerprint: fingerprintOf(one, over),
      ...partitionState(one, over),
    }
  })
}

const lineOf = (one: PartitionNow, bytes = 7): ManifestPartition => ({
  path: one.path,
  interval: "",
  rows: one.partition.rows,
  bytes,
  sha256: "",
  fingerprint: one.fingerprint,
  schema: "s",
  state: one.state,
})

describe("the plan of an export", () => {
  it("writes exactly the partitions that a changed checkpoint overlaps", () => {
    fc.assert(
      fc.property(chunks, fc.nat(), fc.boolean(), (before, which, isState) => {
        const days = Array.from({ length: Number(before.at(-1)!.interval.end / DAY) }, () => 1)
        const index = which % before.length
        const after = before.map(
          (one, n): HeldChunk =>
            n !== index ? one : { ...one, print: `${one.print}+`, state: isState ? "kept" : one.state },
        )
        const manifest = { partitions: nowOf(before, days).map((one) => lineOf(one)) }
        const now = nowOf(after, days)
        const plan = exportPlan(now, manifest, () => 7, "s", false)
        const { interval } = before[index]!
        const hit = now.filter(
          ({ partition: one }) => one.interval.start < interval.end && one.interval.end > interval.start,
        )
        expect(plan.write).toEqual(hit)
        expect(plan.gone).toEqual([])
        expect(
          exportPlan(now, { partitions: now.map((one) => lineOf(one)) }, () => 7, "s", false).write,
        ).toEqual([])
      }),
    )
  })

  it("writes what has no file, another size, other columns or other rows; and all of it when told so", () => {
    const now = nowOf([chunk(0, 3, 3, "x")], [1, 1, 1])
    const manifest = { partitions: now.map((one) => lineOf(one)) }
    const paths = (plan: { write: readonly PartitionNow[] }) => plan.write.map(({ path }) => path)
    const [first, second] = now.map(({ path }) => path)
    expect(paths(exportPlan(now, manifest, (path) => (path === first ? undefined : 7), "s", false))).toEqual([
      first!,
    ])
    expect(paths(exportPlan(now, manifest, (path) => (path === second ? 8 : 7), "s", false))).toEqual([
      second!,
    ])
    expect(paths(exportPlan(now, manifest, () => 7, "t", false))).toHaveLength(3)
    expect(paths(exportPlan(now, manifest, () => 7, "s", true))).toHaveLength(3)
    expect(paths(exportPlan(now, undefined, () => undefined, "s", false))).toHaveLength(3)
    const fewer = nowOf([chunk(0, 3, 3, "x")], [1, 2])
    expect(exportPlan(fewer, manifest, () => 7, "s", false)).toMatchObject({
      write: [{ path: second }],
      gone: [now[2]!.path],
    })
  })
})

describe("the state of a partition", () => {
  const state = (rows: number, ...all: HeldChunk[]) => partitionState(partition(0, rows), all).state
  it("is that of its least certain rows", () => {
    expect(state(2, chunk(0, 1, 2, "x"))).toBe("complete")
    expect(state(2, chunk(0, 1, 2, "x", "kept"))).toBe("complete")
    expect(state(2, chunk(0, 1, 2, "x", "provisional"))).toBe("provisional")
    expect(state(2, chunk(0, 1, 2, "x", "unproven"))).toBe("incomplete")
    expect(state(2, chunk(0, 1, 2, "x", "stale"))).toBe("incomplete")
    // A month's checkpoint around a day says nothing about the day's rows.
    expect(state(2, chunk(-3, 9, 50, "x"))).toBe("complete")
    // Rows that no checkpoint counts.
    expect(state(3, chunk(0, 1, 2, "x"))).toBe("incomplete")
    expect(state(3)).toBe("incomplete")
  })
})

describe("names in a lake", () => {
  it("never lead out of its folder, whatever a table is called", () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ minLength: 1 }), fc.constantFrom("..", ".", "../x", "a/b", "a\\b", "\0", "~")),
        (table) => {
          const folder = tableFolder(table)
          expect(folder).not.toMatch(/[/\\\0:]/)
          expect([".", "..", ""]).not.toContain(folder)
          expect(normalize(`/lake/${folder}`)).toBe(`/lake/${folder}`)
        },
      ),
    )
    expect(tableFolder("koalas_to_the_max")).toBe("koalas_to_the_max")
    expect(tableFolder("日本")).toBe("日本")
    expect(tableFolder("a/b")).toBe("a%2Fb")
    expect(tableFolder("x".repeat(500)).length).toBeLessThan(100)
  })

  it("take shares that are words, and no others", () => {
    for (const name of ["data", "shard-2-of-4", "A_1"]) expect(checkedShare(name)).toBe(name)
    for (const name of ["", "a.b", "../x", "a/b", "-x", "_x", "x".repeat(65)])
      expect(() => checkedShare(name)).toThrow()
    expect(shareName(undefined, [undefined])).toBe("data")
    expect(shareName(undefined, ["2/4", "2/4"])).toBe("shard-2-of-4")
    expect(shareName("x", ["2/4"])).toBe("x")
    expect(() => shareName(undefined, ["2/4", undefined])).toThrow("different shares")
  })

  it("are keys that no column has, in whatever case", () => {
    const column = (name: string) => ({ name, type: "VARCHAR", druid: "STRING" })
    expect(keyNames("month", [column("day")])).toEqual(["year", "month"])
    expect(keyNames("day", [column("Day")])).toEqual(["part_year", "part_month", "part_day"])
    expect(keyNames("day", [column("Day"), column("PART_YEAR")])).toEqual([
      "part2_year",
      "part2_month",
      "part2_day",
    ])
    expect(clashes(["year"], [column("YEAR")])).toEqual(["year"])
  })
})

describe("a manifest", () => {
  const manifest = {
    format: 1,
    druidsync: "1",
    datasource: "d",
    table: "t",
    share: "data",
    runs: ["r"],
    partitionBy: "day",
    keys: ["year", "month", "day"],
    fileFormat: "parquet",
    columns: [{ name: "a", type: "BIGINT", druid: "LONG" }],
    isFinished: true,
    exportedAt: "",
    state: "complete",
    rows: 1,
    bytes: 7,
    partitions: [lineOf(nowOf([chunk(0, 1, 1, "x")], [1])[0]!)],
  } as const

  it("comes back as it was written, and nothing else is taken for one", () => {
    expect(parseManifest(manifestText(manifest))).toEqual(manifest)
    expect(parseManifest(manifestText({ ...manifest, partitions: [] }))).toEqual({
      ...manifest,
      partitions: [],
    })
    for (const text of ["", "null", "{}", "[]", manifestText(manifest).replace('"format": 1', '"format": 2')])
      expect(parseManifest(text)).toBeUndefined()
    const out = { ...manifest.partitions[0]!, path: "../../x" }
    expect(parseManifest(manifestText({ ...manifest, partitions: [out] }))).toBeUndefined()
  })

  it("says how columns changed", () => {
    const a = { name: "a", type: "BIGINT", druid: "LONG" }
    const b = { name: "b", type: "VARCHAR", druid: "STRING" }
    expect(schemaChange([a], [a])).toBeUndefined()
    expect(schemaChange([a], [a, b])).toBe('column "b" is new')
    expect(schemaChange([a], [{ ...a, type: "DOUBLE" }])).toBe('column "a" was BIGINT and is DOUBLE')
    expect(schemaChange([a, b], [a])).toBe('column "b" is gone')
    expect(schemaChange([a, b], [b, a])).toBe("the columns have another order")
  })
})
