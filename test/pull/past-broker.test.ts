/** Slices past the broker: data nodes are read side by side, each with a bound. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "bun:test"
import { type FakeDruid, startFakeDruid, waitFor } from "../support/fake-druid/fake-druid.ts"
import { DataNode } from "../support/fake-druid/http/data-node.ts"
import { Bench, datasource, dayRows, idsInDruid, idsInFile } from "./support.ts"

const NAME = "w"
const DAYS = Array.from({ length: 12 }, (_, n) => `2020-01-${String(n + 1).padStart(2, "0")}`)

let fake: FakeDruid
let bench: Bench
let nodes: DataNode[] = []
beforeAll(async () => {
  fake = await startFakeDruid()
})
afterAll(() => fake.stop())
beforeEach(async () => {
  fake.reset()
  for (const day of DAYS) fake.world.append(NAME, dayRows(day, 20))
  fake.world.settle()
  nodes = [await DataNode.start(fake), await DataNode.start(fake)]
  // Each has every second day.
  for (const [n, node] of nodes.entries()) {
    node.has = ({ interval }) => Math.floor(Number(interval.start) / 86_400_000) % 2 === n
  }
  bench = await Bench.open(fake)
})
afterEach(async () => {
  await bench.close()
  for (const node of nodes) await node.stop()
})

const expectEqual = async () => expect(await idsInFile(bench, NAME)).toEqual(idsInDruid(fake.world, NAME))

describe("data nodes", () => {
  it("send their shares of one slice at the same time", async () => {
    let both: () => void = () => undefined
    const asked = new Promise<void>((resolve) => {
      both = resolve
    })
    let asking = 0
    fake.hooks.beforeRequest = (kind) => {
      if (kind !== "segmentScan") return undefined
      // Neither answers before both are asked.
      if (++asking === 2) both()
      return waitFor(asked)
    }
    const report = await bench.pull([datasource(NAME)], { pull: { concurrency: 1 } })
    expect(report).toMatchObject({ exitCode: 0, rowsFetched: 240 })
    expect(report.datasources[0]!.rowsPastBroker).toBe(240)
    expect(fake.log.count("segmentScan")).toBe(2)
    await expectEqual()
  })

  it("are asked four things at a time at most, however many slices are in flight", async () => {
    let open = 0
    let most = 0
    let full: () => void = () => undefined
    const isFull = new Promise<void>((resolve) => {
      full = resolve
    })
    nodes[0]!.has = () => true
    nodes[1]!.has = () => false
    fake.hooks.beforeRequest = (kind) => {
      if (kind !== "segmentScan") return undefined
      most = Math.max(most, ++open)
      if (open === 4) full()
      return waitFor(isFull)
    }
    fake.hooks.afterRequest = ({ kind }) => {
      if (kind === "segmentScan") open--
    }
    const pull = { sliceRows: 20, concurrency: 10, startConcurrency: 10 }
    expect(await bench.pull([datasource(NAME)], { pull })).toMatchObject({ exitCode: 0, rowsFetched: 240 })
    expect(most).toBe(4)
  })

  it("that answer without a segment are not asked for it again: a replica is, and after the last one the broker", async () => {
    /** The broker names both for all days, and these have lost them since. */
    const lose = (lost: readonly DataNode[]) => {
      fake.hooks.beforeRequest = (kind) => {
        for (const node of nodes) node.has = () => kind === "candidates" || !lost.includes(node)
      }
    }
    lose(nodes.slice(0, 1))
    const one = await bench.pull([datasource(NAME)], { pull: { concurrency: 1 } })
    expect(one).toMatchObject({ exitCode: 0, rowsFetched: 240 })
    expect([one.datasources[0]!.rowsPastBroker, fake.log.count("scan")]).toEqual([240, 0])
    expect(fake.log.count("segmentScan")).toBe(3)
    await expectEqual()
    lose(nodes)
    const none = await bench.pull([datasource(NAME)], { full: true })
    expect(none).toMatchObject({ exitCode: 0, rowsFetched: 240 })
    expect([none.datasources[0]!.rowsPastBroker, fake.log.count("scan")]).toEqual([0, 1])
    await expectEqual()
  })

  it("leave nothing on the spool where one of them breaks off", async () => {
    let isFirst = true
    fake.hooks.beforeRequest = (kind) => {
      const isBroken = kind === "segmentScan" && isFirst
      if (isBroken) isFirst = false
      return isBroken ? { do: "cut", at: { rows: 5 }, end: "close" } : undefined
    }
    expect(await bench.pull([datasource(NAME)])).toMatchObject({ exitCode: 0, rowsFetched: 240 })
    await expectEqual()
    expect(bench.leftOnSpool).toEqual([])
  })
})
