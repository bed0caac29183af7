/** What the pipeline does at the same time: what waits keeps nobody else waiting. */
import { describe, expect, it } from "bun:test"
import {
  errors,
  type FakeDruid,
  type LoggedRequest,
  reply,
  waitFor,
} from "../support/fake-druid/fake-druid.ts"
import { onFake } from "../support/on-fake.ts"
import { Bench, datasource, dayRows } from "./support.ts"

let fake: FakeDruid
let bench: Bench
onFake(Bench, (one, own) => {
  fake = one
  bench = own
})

/** A promise, and what keeps it. */
function gate() {
  let open: () => void = () => undefined
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { open, opened }
}

function spanOf({ sql = "" }: LoggedRequest): number {
  const [, from, to] = />= (-?\d+) AND .*?< (-?\d+)/.exec(sql)!
  return Number(to) - Number(from)
}

describe("in flight at the same time", () => {
  it("are the pieces of one slice that was too big, as many as may be", async () => {
    fake.world.append("w", dayRows("2020-01-01", 640))
    fake.world.settle()
    const four = gate()
    let inFlight = 0
    fake.hooks.beforeRequest = (kind, _, request) => {
      if (kind !== "scan") return undefined
      if (spanOf(request) > 86_400_000 / 64) return reply(errors.resourceLimit())
      if (++inFlight === 4) four.open()
      // The first piece shows that the size passes; after it nobody is answered before four are there.
      return inFlight === 1 ? undefined : waitFor(four.opened)
    }
    const pull = { concurrency: 4, startConcurrency: 4 }
    expect(await bench.pull([datasource("w")], { pull })).toMatchObject({ exitCode: 0, rowsFetched: 640 })
    expect(inFlight).toBe(64)
  })

  it("takes what fits into the spool first, while what does not fit waits for room", async () => {
    // Rows of 200 bytes are expected: a and b need 180,000 bytes each of 300,000, c needs 20,000.
    for (const [name, rows] of [
      ["a", 900],
      ["b", 900],
      ["c", 100],
    ] as const)
      fake.world.append(name, dayRows("2020-01-01", rows))
    fake.world.settle()
    const small = gate()
    fake.hooks.beforeRequest = (kind, _, { datasource }) => {
      if (kind !== "scan") return undefined
      if (datasource === "c") small.open()
      return datasource === "a" ? waitFor(small.opened) : undefined
    }
    const pull = { concurrency: 2, spoolLimitBytes: 300_000 }
    const all = ["a", "b", "c"].map((name) => datasource(name))
    expect(await bench.pull(all, { pull })).toMatchObject({ exitCode: 0, rowsFetched: 1_900 })
  })
})

describe("a pause", () => {
  it("before a count that did not agree is asked for again keeps no commit waiting", async () => {
    const [paused, stored] = [gate(), gate()]
    for (let day = 1; day <= 5; day++) fake.world.append("a", dayRows(`2020-01-0${day}`, 100, day * 1_000))
    fake.world.append("b", dayRows("2020-01-01", 100))
    fake.world.settle()
    fake.world.setReportedRows("a", "2020-01-02/2020-01-03", 101)
    // "b" is answered once "a" pauses, and "a" goes on once "b" is stored.
    fake.hooks.beforeRequest = (kind, _, { datasource }) =>
      kind === "scan" && datasource === "b" ? waitFor(paused.opened) : undefined
    bench.clock.sleep = () => {
      fake.world.setReportedRows("a", undefined, undefined)
      paused.open()
      return stored.opened
    }
    bench.onEvent = (event) => {
      if (event.type === "committed" && event.datasource === "b") stored.open()
    }
    const both = [datasource("a"), datasource("b")]
    const report = await bench.pull(both, { pull: { sliceRows: 100, concurrency: 2 } })
    expect(report).toMatchObject({ exitCode: 0, rowsFetched: 600 })
  })
})
