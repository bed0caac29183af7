import { beforeEach, describe, expect, it } from "bun:test"
import { DruidsyncError } from "../../src/base/errors.ts"
import { cut, errors, type FakeDruid, hang, reply } from "../support/fake-druid/fake-druid.ts"
import { onFake } from "../support/on-fake.ts"
import { pullSettings } from "../support/pull-settings.ts"
import { Bench, datasource, dayRows, idsInDruid, idsInFile } from "./support.ts"

const SLOW = 30_000

let fake: FakeDruid
let bench: Bench
onFake(Bench, (one, own) => {
  fake = one
  bench = own
})

async function expectEqual(name = "w"): Promise<void> {
  expect(await idsInFile(bench, name)).toEqual(idsInDruid(fake.world, name))
}

/** `state rows` of each checkpoint, ascending. */
async function parts(name = "w"): Promise<string[]> {
  const state = await bench.state()
  return (state.held.get(name)?.parts ?? []).map((part) => `${part.state} ${part.rows}`)
}

describe("a pull", () => {
  it("copies everything, and then asks twice and fetches nothing", async () => {
    fake.world.append("w", [...dayRows("2020-01-01", 50), ...dayRows("2020-01-02", 60, 100)])
    fake.world.settle()
    const first = await bench.pull([datasource("w")])
    expect(first).toMatchObject({ exitCode: 0, outcome: "complete", rowsFetched: 110 })
    await expectEqual()
    fake.log.clear()
    const second = await bench.pull([datasource("w")])
    expect(second).toMatchObject({ exitCode: 0, rowsFetched: 0 })
    expect(fake.log.kinds).toBe("columns segments")
  })

  it(
    "replaces a chunk of many slices once, and is done",
    async () => {
      fake.world.append("w", dayRows("2020-01-01", 5_000))
      fake.world.settle()
      await bench.pull([datasource("w")])
      fake.world.overwrite("w", "2020-01-01/2020-01-02", dayRows("2020-01-01", 5_000, 100_000))
      fake.world.settle()
      const report = await bench.pull([datasource("w")], { pull: { concurrency: 1 } })
      expect(report).toMatchObject({ exitCode: 0, rowsFetched: 5_000 })
      expect(await parts()).toEqual(Array(5).fill("complete 1000"))
      await expectEqual()
    },
    SLOW,
  )

  it(
    "fetches just the slice that got late rows, and renews the other checkpoints by their counts",
    async () => {
      fake.world.append("w", dayRows("2020-01-01", 5_000))
      fake.world.settle()
      await bench.pull([datasource("w")])
      fake.world.append("w", [{ __time: "2020-01-01T00:00:01Z", id: 99_999n }])
      fake.world.settle()
      const report = await bench.pull([datasource("w")])
      expect(report).toMatchObject({ exitCode: 0, rowsFetched: 1_001 })
      await expectEqual()
      fake.log.clear()
      expect(await bench.pull([datasource("w")])).toMatchObject({ exitCode: 0, rowsFetched: 0 })
      expect(fake.log.kinds).toBe("columns segments")
    },
    SLOW,
  )

  it(
    "copies what compaction made of days, and back",
    async () => {
      for (const day of ["2020-01-01", "2020-01-02", "2020-01-05"]) fake.world.append("w", dayRows(day, 20))
      fake.world.settle()
      await bench.pull([datasource("w")])
      fake.world.compact("w", "2020-01-01/2020-02-01", "MONTH")
      fake.world.settle()
      expect(await bench.pull([datasource("w")])).toMatchObject({ exitCode: 0, rowsFetched: 60 })
      await expectEqual()
      fake.world.overwrite("w", "2020-01-02/2020-01-03", dayRows("2020-01-02", 7, 500))
      fake.world.settle()
      expect(await bench.pull([datasource("w")])).toMatchObject({ exitCode: 0, rowsFetched: 7 })
      await expectEqual()
    },
    SLOW,
  )
})

describe("a count that does not agree", () => {
  it("is asked for again, and is complete when it agrees", async () => {
    fake.world.append("w", dayRows("2020-01-01", 50))
    fake.world.settle()
    fake.world.setReportedRows("w", undefined, 60)
    bench.clock.onSleep = () => fake.world.setReportedRows("w", undefined, undefined)
    const report = await bench.pull([datasource("w")])
    expect(report).toMatchObject({ exitCode: 0, rowsFetched: 50 })
  })

  it("for good is reported as incomplete, exit code 3, after few tries", async () => {
    fake.world.append("w", dayRows("2020-01-01", 50))
    fake.world.settle()
    fake.world.setReportedRows("w", undefined, 60)
    const report = await bench.pull([datasource("w")])
    expect(report).toMatchObject({ exitCode: 3, outcome: "incomplete", rowsFetched: 0 })
    expect(report.datasources[0]!.incomplete).toEqual([
      {
        interval: "2020-01-01T00:00:00.000Z/2020-01-02T00:00:00.000Z",
        reason:
          "50 rows arrived, its metadata promises 60; some server may not serve all of it, or a row policy hides some" +
          ' from this user: then "rows": "visible" copies those that the user may see',
      },
    ])
    expect(fake.log.count("scan")).toBe(4)
  })

  it("keeps none of the neighbours waiting that were asked for together with it", async () => {
    for (const [n, day] of ["2020-01-01", "2020-01-02", "2020-01-03"].entries())
      fake.world.append("w", dayRows(day, 50, n * 100))
    fake.world.settle()
    fake.world.setReportedRows("w", "2020-01-02/2020-01-03", 60)
    const report = await bench.pull([datasource("w")])
    expect(report).toMatchObject({ exitCode: 3, rowsFetched: 100 })
    expect(report.datasources[0]!.incomplete.map((one) => one.interval)).toEqual([
      "2020-01-02T00:00:00.000Z/2020-01-03T00:00:00.000Z",
    ])
    expect(await parts()).toEqual(["complete 50", "complete 50"])
  })
})

describe("segments that change while they are read", () => {
  it("cause another round", async () => {
    fake.world.append("w", dayRows("2020-01-01", 50))
    fake.world.settle()
    let once = true
    fake.hooks.afterRequest = ({ kind }) => {
      if (kind !== "scan" || !once) return
      once = false
      fake.world.overwrite("w", "2020-01-01/2020-01-02", dayRows("2020-01-01", 50, 900))
      fake.world.settle()
    }
    const report = await bench.pull([datasource("w")])
    expect(report).toMatchObject({ exitCode: 0, rowsFetched: 50 })
    await expectEqual()
  })

  it("every time are reported as incomplete, exit code 3, after a bounded number of rounds", async () => {
    fake.world.append("w", [...dayRows("2020-01-01", 50), ...dayRows("2020-01-02", 50, 100)])
    fake.world.settle()
    fake.hooks.afterRequest = ({ kind, nOfKind }) => {
      if (kind !== "scan") return
      fake.world.overwrite("w", "2020-01-01/2020-01-02", dayRows("2020-01-01", 50, 900 + nOfKind))
      fake.world.settle()
    }
    const report = await bench.pull([datasource("w")])
    expect(report).toMatchObject({ exitCode: 3, outcome: "incomplete" })
    expect(report.datasources[0]!.incomplete.length).toBeGreaterThan(0)
    expect(fake.log.count("scan")).toBeLessThan(30)
  })

  it("that vanish from the servers in the middle of a response leave nothing short behind", async () => {
    for (const day of ["2020-01-01", "2020-01-02", "2020-01-03"]) fake.world.append("w", dayRows(day, 50))
    fake.world.settle()
    let moved = false
    fake.hooks.duringScan = ({ segmentsRead }, world) => {
      if (segmentsRead !== 1 || moved) return
      moved = true
      world.move("w")
    }
    const report = await bench.pull([datasource("w")])
    expect(report).toMatchObject({ exitCode: 0, rowsFetched: 150 })
    await expectEqual()
  })
})

describe("rows that are wide", () => {
  const ROWS = 12_000
  const text = "x".repeat(1_000)
  const wide = () => dayRows("2020-01-01", ROWS).map((row) => ({ ...row, text }))
  // A fourth of it holds 1,000 rows and a bit.
  const pull = { sliceRows: 100_000, spoolLimitBytes: 4_200_000 }

  it("come in slices of fewer, from the first on, so that none is too much for the spool", async () => {
    fake.world.append("w", wide())
    fake.world.settle()
    expect(await bench.pull([datasource("w")], { pull })).toMatchObject({ exitCode: 0, rowsFetched: ROWS })
    await expectEqual()
    const scans = fake.log.of("scan")
    expect(fake.log.count("sample")).toBe(1)
    expect(scans.every((scan) => scan.complete)).toBe(true)
    expect(scans.every((scan) => scan.rowsSent > 0 && scan.rowsSent < 1_500)).toBe(true)
    expect(scans.length).toBeLessThan(24)
  })

  it("are looked at again when Druid fails to show some", async () => {
    fake.world.append("w", wide())
    fake.world.settle()
    fake.hooks.beforeRequest = (kind, n) =>
      kind === "sample" && n < 3 ? (n === 1 ? reply(errors.connectionReset()) : cut({ rows: 7 })) : undefined
    expect(await bench.pull([datasource("w")], { pull })).toMatchObject({ exitCode: 0, rowsFetched: ROWS })
    await expectEqual()
    expect(fake.log.count("sample")).toBe(3)
    expect(fake.log.of("scan").every((scan) => scan.rowsSent < 1_500)).toBe(true)
  })

  it("and hidden behind narrow ones make a slice too big, which is cut then", async () => {
    fake.world.append("w", [
      ...dayRows("2020-01-01", 20_000),
      ...wide().map((row) => ({ ...row, __time: row.__time + 86_400_000 })),
    ])
    fake.world.settle()
    const report = await bench.pull([datasource("w")], { pull })
    expect(report).toMatchObject({ exitCode: 0, rowsFetched: 20_000 + ROWS })
    await expectEqual()
    expect(fake.log.of("scan").some((scan) => !scan.complete)).toBe(true)
  })

  it("are not looked at where there are few", async () => {
    fake.world.append("w", wide().slice(0, 1_000))
    fake.world.settle()
    await bench.pull([datasource("w")])
    expect(fake.log.count("sample")).toBe(0)
  })
})

describe("a slice that is too much for Druid", () => {
  const spanOf = (sql = "") => {
    const [, from, to] = />= (-?\d+) AND .*?< (-?\d+)/.exec(sql)!
    return Number(to) - Number(from)
  }

  it("is cut in two until it passes: refused for its size", async () => {
    fake.world.append("w", dayRows("2020-01-01", 800))
    fake.world.settle()
    fake.hooks.beforeRequest = (kind, _, { sql }) =>
      kind === "scan" && spanOf(sql) > 30_000_000 ? reply(errors.resourceLimit()) : undefined
    expect(await bench.pull([datasource("w")])).toMatchObject({ exitCode: 0, rowsFetched: 800 })
    await expectEqual()
    expect(bench.clock.slept).toEqual([])
  })

  it("is cut in two until it passes: ended by Druid's timeout in mid-stream", async () => {
    fake.world.append("w", dayRows("2020-01-01", 800))
    fake.world.settle()
    fake.hooks.beforeRequest = (kind, _, { sql }) =>
      kind === "scan" && spanOf(sql) > 30_000_000 ? cut({ rows: 100 }) : undefined
    expect(await bench.pull([datasource("w")])).toMatchObject({ exitCode: 0, rowsFetched: 800 })
    await expectEqual()
  })

  it(
    "however small is an error in the end, not an endless cutting",
    async () => {
      fake.world.append("w", dayRows("2020-01-01", 800))
      fake.world.settle()
      fake.hooks.beforeRequest = (kind) => (kind === "scan" ? reply(errors.queryTimeout()) : undefined)
      const report = await bench.pull([datasource("w")], { pull: { concurrency: 1 } })
      expect(report).toMatchObject({ exitCode: 1, outcome: "failed" })
      expect(report.datasources[0]!.error).toMatchObject({ code: "timeout" })
      expect(fake.log.count("scan")).toBeLessThan(40)
    },
    SLOW,
  )
})

describe("requests that fail", () => {
  it("are tried again after 2, 4 and 8 s, and no more", async () => {
    fake.world.append("w", dayRows("2020-01-01", 50))
    fake.world.settle()
    fake.hooks.beforeRequest = (kind) =>
      kind === "scan" ? reply(errors.html(502, "Bad Gateway")) : undefined
    const report = await bench.pull([datasource("w")])
    expect(report).toMatchObject({ exitCode: 1, outcome: "failed" })
    expect(bench.clock.slept).toEqual([2_000, 4_000, 8_000])
    expect(fake.log.count("scan")).toBe(4)
  })

  it("wait as long as Druid asks for", async () => {
    fake.world.append("w", dayRows("2020-01-01", 50))
    fake.world.settle()
    fake.hooks.beforeRequest = (kind, n) =>
      kind === "scan" && n === 1 ? reply(errors.tooManyRequests("7")) : undefined
    expect(await bench.pull([datasource("w")])).toMatchObject({ exitCode: 0 })
    expect(bench.clock.slept).toEqual([7_000])
  })

  it("of one datasource leave the others alone", async () => {
    for (const name of ["w", "x"]) fake.world.append(name, dayRows("2020-01-01", 50))
    fake.world.settle()
    fake.hooks.beforeRequest = (kind, _, request) =>
      kind === "scan" && request.datasource === "w" ? reply(errors.forbidden()) : undefined
    const report = await bench.pull([datasource("w"), datasource("x")])
    expect(report).toMatchObject({ exitCode: 4, rowsFetched: 50 })
    expect(report.datasources.map((one) => one.outcome)).toEqual(["failed", "complete"])
    await expectEqual("x")
  })

  it("because a server hangs in mid-stream are given up and asked again", async () => {
    fake.world.append("w", dayRows("2020-01-01", 50))
    fake.world.settle()
    fake.hooks.beforeRequest = (kind, n) => (kind === "scan" && n === 1 ? hang() : undefined)
    expect(await bench.pull([datasource("w")], { firstByteTimeoutMs: 150 })).toMatchObject({ exitCode: 0 })
    expect(bench.clock.slept).toEqual([2_000])
    await expectEqual()
  })
})

describe("segments that are not served", () => {
  it("are waited for, reported with exit code 3, and fetched once they are back", async () => {
    fake.world.append("w", [...dayRows("2020-01-01", 50), ...dayRows("2020-01-02", 60, 100)])
    fake.world.settle()
    fake.world.setAvailable("w", "2020-01-02/2020-01-03", false)
    const report = await bench.pull([datasource("w")], { settleWaitMs: 3_000 })
    expect(report).toMatchObject({ exitCode: 3, rowsFetched: 50 })
    expect(bench.clock.slept).toEqual([1_000, 1_000, 1_000])
    fake.world.settle()
    expect(await bench.pull([datasource("w")])).toMatchObject({ exitCode: 0, rowsFetched: 60 })
    await expectEqual()
  })

  it("any more delete nothing, and are not called complete", async () => {
    fake.world.append("w", dayRows("2020-01-01", 50))
    fake.world.settle()
    await bench.pull([datasource("w", { deletions: "mirror" })])
    fake.world.deleteDatasource("w")
    const report = await bench.pull([datasource("w", { deletions: "mirror" })])
    expect(report.exitCode).toBe(4)
    expect((await bench.query("SELECT count(*) FROM file.w"))[0]).toEqual([50n])
  })
})

describe("rows that Druid has not counted yet", () => {
  it("are waited for, fetched as unproven, and proven by their count alone once Druid knows it", async () => {
    fake.world.append("w", dayRows("2020-01-01", 50))
    fake.world.settle()
    fake.world.setReportedRows("w", undefined, 0)
    const report = await bench.pull([datasource("w")], { settleWaitMs: 2_000 })
    expect(report).toMatchObject({ exitCode: 3, rowsFetched: 50 })
    expect(await parts()).toEqual(["unproven 50"])
    expect(bench.clock.slept).toEqual([1_000, 1_000])
    fake.world.settle()
    fake.log.clear()
    expect(await bench.pull([datasource("w")])).toMatchObject({ exitCode: 0, rowsFetched: 0 })
    expect(fake.log.count("scan")).toBe(0)
    expect(await parts()).toEqual(["complete 50"])
  })

  it("are fetched in slices all the same, however many they are", async () => {
    fake.world.append("w", dayRows("2020-01-01", 5_000))
    fake.world.settle()
    fake.world.setReportedRows("w", undefined, 0)
    await bench.pull([datasource("w")])
    await expectEqual()
    expect(Math.max(...fake.log.of("scan").map((scan) => scan.rowsSent))).toBeLessThan(1_600)
  })

  it("and whose fetch missed some are fetched again once Druid knows their number", async () => {
    fake.world.append("w", dayRows("2020-01-01", 50))
    fake.world.settle()
    fake.world.setReportedRows("w", undefined, 0)
    await bench.pull([datasource("w")])
    await bench.with([], ({ engine, file }) =>
      file.write(async () => {
        await engine.run("DELETE FROM file.w WHERE id < 5")
        await engine.run("UPDATE file._sync_chunks SET rows = 45")
      }),
    )
    fake.world.settle()
    expect(await bench.pull([datasource("w")])).toMatchObject({ exitCode: 0, rowsFetched: 50 })
    await expectEqual()
  })
})

describe("realtime rows", () => {
  const hour = (count: number, from = 0) =>
    dayRows("2020-01-01", 24 * count, from).filter((row) => Number(row.__time) % 86_400_000 < 3_600_000)

  it(
    "come at once as provisional, grow, and are settled after hand-off",
    async () => {
      fake.world.append("w", dayRows("2019-12-31", 50, 9_000))
      fake.world.settle()
      fake.world.stream("w", hour(10))
      expect(await bench.pull([datasource("w")])).toMatchObject({ exitCode: 0, rowsFetched: 60 })
      expect(await parts()).toEqual(["complete 50", "provisional 10"])
      fake.world.stream("w", hour(5, 100))
      expect(await bench.pull([datasource("w")])).toMatchObject({ exitCode: 0, rowsFetched: 15 })
      await expectEqual()
      fake.world.settle()
      expect(await bench.pull([datasource("w")])).toMatchObject({ exitCode: 0, rowsFetched: 15 })
      expect(await parts()).toEqual(["complete 50", "complete 15"])
      await expectEqual()
      expect(await bench.pull([datasource("w")])).toMatchObject({ exitCode: 0, rowsFetched: 0 })
    },
    SLOW,
  )

  it("are left out by realtime: exclude, until they are handed off", async () => {
    fake.world.append("w", dayRows("2019-12-31", 50, 9_000))
    fake.world.settle()
    fake.world.stream("w", hour(10))
    const settings = datasource("w", { realtime: "exclude" })
    expect(await bench.pull([settings])).toMatchObject({ exitCode: 0, rowsFetched: 50 })
    fake.world.settle()
    expect(await bench.pull([settings])).toMatchObject({ exitCode: 0, rowsFetched: 10 })
    await expectEqual()
  })

  it("leave an empty table where there is nothing but them, and they are left out", async () => {
    fake.world.stream("w", hour(10))
    const settings = datasource("w", { realtime: "exclude" })
    expect(await bench.pull([settings])).toMatchObject({ exitCode: 0, rowsFetched: 0 })
    expect(await bench.query("SELECT count(*), max(__time) FROM file.w")).toEqual([[0n, null]])
    expect(await bench.query("SELECT outcome FROM file._sync_runs")).toEqual([["complete"]])
    expect(await bench.pull([settings])).toMatchObject({ exitCode: 0, rowsFetched: 0 })
    fake.world.settle()
    expect(await bench.pull([settings])).toMatchObject({ exitCode: 0, rowsFetched: 10 })
    await expectEqual()
  })

  it("that merge at hand-off after they looked settled are fetched again: their number gives them away", async () => {
    fake.world.append("w", dayRows("2019-12-31", 50, 9_000))
    fake.world.settle()
    const rows = Array.from({ length: 12 }, (_, n) => ({
      __time: "2020-01-01T00:10:00Z",
      id: BigInt(n % 3),
      cnt: 1n,
    }))
    for (const row of rows)
      fake.world.stream("w", [row], { rollup: { metrics: ["cnt"], queryGranularity: "HOUR" } })
    fake.world.publish("w")
    // replicas are wanted, none has loaded: the task still answers, with rows not merged yet
    fake.world.patch("w", "2020-01-01/2020-01-02", { handingOff: false })
    const before = fake.world.count("w")
    const first = await bench.pull([datasource("w")])
    expect(first.rowsFetched).toBe(before)
    expect((await parts()).slice(1)).toEqual([`complete ${before - 50}`])
    fake.world.patch("w", "2020-01-01/2020-01-02", { handingOff: true })
    fake.world.settle()
    expect(fake.world.count("w")).toBeLessThan(before)
    expect(await bench.pull([datasource("w")])).toMatchObject({ exitCode: 0 })
    await expectEqual()
  })
})

describe("a full refresh", () => {
  it("fetches everything once more, also what is unchanged", async () => {
    fake.world.append("w", dayRows("2020-01-01", 3_000))
    fake.world.settle()
    await bench.pull([datasource("w")])
    expect(await bench.pull([datasource("w")], { full: true })).toMatchObject({
      exitCode: 0,
      rowsFetched: 3_000,
    })
    await expectEqual()
  })

  it(
    "that is interrupted leaves a whole file, and the next pull knows what it holds",
    async () => {
      for (const [n, day] of ["2020-01-01", "2020-01-02", "2020-01-03"].entries())
        fake.world.append("w", dayRows(day, 1_000, n * 10_000))
      fake.world.settle()
      await bench.pull([datasource("w")])
      const stop = new AbortController()
      const interruption = new DruidsyncError("interrupted", "interrupted", { exitCode: 130 })
      fake.log.clear()
      fake.hooks.beforeRequest = (kind, n) => {
        if (kind === "scan" && n === 3) stop.abort(interruption)
      }
      const report = await bench.pull([datasource("w")], {
        full: true,
        signal: stop.signal,
        pull: { concurrency: 1 },
      })
      expect(report).toMatchObject({ exitCode: 130, outcome: "interrupted" })
      fake.hooks = {}
      await expectEqual()
      expect(await bench.pull([datasource("w")])).toMatchObject({ exitCode: 0, rowsFetched: 0 })
      expect(await bench.pull([datasource("w")], { full: true })).toMatchObject({ rowsFetched: 3_000 })
      await expectEqual()
    },
    SLOW,
  )
})

describe("what Druid dropped", () => {
  beforeEach(async () => {
    fake.world.append("w", [...dayRows("2020-01-01", 50), ...dayRows("2020-01-02", 60, 100)])
    fake.world.settle()
    await bench.pull([datasource("w")])
    fake.world.markUnused("w", "2020-01-01/2020-01-02")
    fake.world.settle()
  })

  it("is kept and marked as ours alone, once", async () => {
    const report = await bench.pull([datasource("w")])
    expect(report).toMatchObject({ exitCode: 0, rowsFetched: 0 })
    expect(report.datasources[0]).toMatchObject({ rows: 110, keptRows: 50, rowsDeleted: 0 })
    expect(await parts()).toEqual(["kept 50", "complete 60"])
    expect((await bench.pull([datasource("w")])).datasources[0]).toMatchObject({ keptRows: 50 })
  })

  it("goes with deletions: mirror, also what was kept before", async () => {
    await bench.pull([datasource("w")])
    const report = await bench.pull([datasource("w", { deletions: "mirror" })])
    expect(report.datasources[0]).toMatchObject({ rows: 60, rowsDeleted: 50, keptRows: 0 })
    await expectEqual()
  })

  it("is ours no more when Druid has it again", async () => {
    await bench.pull([datasource("w")])
    fake.world.append("w", dayRows("2020-01-01", 40, 7_000))
    fake.world.settle()
    expect(await bench.pull([datasource("w")])).toMatchObject({ exitCode: 0, rowsFetched: 40 })
    expect(await parts()).toEqual(["complete 40", "complete 60"])
    await expectEqual()
  })
})

describe("a run that breaks by a fault of our own", () => {
  it("is never written down as complete", async () => {
    fake.world.append("w", dayRows("2020-01-01", 50))
    fake.world.settle()
    await bench.pull([datasource("w")])
    const broken = bench.with(["w"], async (ports) => {
      const { pull } = await import("../../src/pull/run.ts")
      const catalog = {
        ...ports.catalog,
        inventory: () => Promise.reject(new TypeError("undefined is not a function")),
      }
      return pull(
        { ...ports, catalog },
        {
          runId: "broken",
          datasources: [datasource("w")],
          full: false,
          sinceMs: undefined,
          untilMs: undefined,
          settleWaitMs: 0,
          pull: pullSettings(1, { spoolLimitBytes: 1e9 }),
        },
      )
    })
    expect(await broken.catch((error) => error)).toBeInstanceOf(TypeError)
    expect(await bench.query("SELECT outcome FROM file._sync_runs WHERE run_id = 'broken'")).toEqual([
      ["failed"],
    ])
    expect(await bench.query("SELECT status FROM file._sync_state")).toEqual([["failed"]])
  })
})

describe("the user's own hand in the file", () => {
  it("that dropped a table gets it back", async () => {
    fake.world.append("w", dayRows("2020-01-01", 50))
    fake.world.settle()
    await bench.pull([datasource("w")])
    await bench.with([], ({ engine, file }) => file.write(() => engine.run("DROP TABLE file.w")))
    expect(await bench.pull([datasource("w")])).toMatchObject({ exitCode: 0, rowsFetched: 50 })
    await expectEqual()
    expect(await parts()).toEqual(["complete 50"])
  })
})

describe("another table name in the config", () => {
  it("renames the table, also when there is nothing to fetch", async () => {
    fake.world.append("w", dayRows("2020-01-01", 50))
    fake.world.settle()
    await bench.pull([datasource("w")])
    const report = await bench.pull([datasource("w", { table: "other" })])
    expect(report).toMatchObject({ exitCode: 0, rowsFetched: 0 })
    expect(await idsInFile(bench, "other")).toEqual(idsInDruid(fake.world, "w"))
    const again = await bench.pull([datasource("w", { table: "Other" })])
    expect(again.exitCode).toBe(0)
    expect((await bench.state()).held.get("Other")!.table).toBe("Other")
  })
})
