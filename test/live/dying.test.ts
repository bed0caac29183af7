/**
 * A real Druid that dies, restarts, moves its segments or answers slowly while it is read: whatever happens, an exit
 * code of 0 means an exact copy, any other leaves a truthful file, and when Druid is back the next pull completes.
 */
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "bun:test"
import { existsSync } from "node:fs"
import { setTimeout as delay } from "node:timers/promises"
import { type Druid, waitSettled } from "../../scripts/druid/index.ts"
import { query } from "../support/conformance/duckdb.ts"
import { liveWorld } from "../support/conformance/live-world.ts"
import { executable, type Running } from "../support/conformance/runner.ts"
import { Stage } from "../support/conformance/stage.ts"
import { datasets, loadedDruid, tag } from "./support.ts"

const wiki = datasets[0]!.datasource
const small = { sliceRows: 5_000, concurrency: 2, requestTimeout: "5s", idleTimeout: "5s" }
let druid: Druid
let stage: Stage

beforeAll(async () => {
  druid = await loadedDruid()
}, 400_000)
beforeEach(() => {
  stage = new Stage(liveWorld(druid, tag), executable())
  stage.config([wiki], small)
})
afterEach(async () => {
  stage.close()
  // The next test, and the next file, find a Druid that is whole.
  await waitSettled(druid, wiki)
}, 120_000)

/** Resolves when the pull has stored something: it is in the middle of its work. */
async function underWay(): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    if (existsSync(stage.out)) return
    await delay(20)
  }
  throw new Error("the pull never began to store")
}

/** A pull in a bad moment: exit 0 only with an exact copy, else a file that says what it holds. */
async function expectHonest(running: Running): Promise<number | null> {
  const { exitCode, stderr } = await running.result
  if (exitCode === 0) await stage.expectEqual(wiki)
  else {
    expect({ exitCode, stderr }).toEqual({ exitCode, stderr: expect.stringMatching(/\S/) })
    expect([1, 3, 4]).toContain(exitCode as number)
    await expectTruthful()
  }
  return exitCode
}

async function expectTruthful(): Promise<void> {
  if (!existsSync(stage.out)) return
  const states = await query(stage.out, "SELECT datasource FROM _sync_state")
  if (states.length > 0) await stage.expectTruthfulState(wiki)
}

/** Once Druid is whole again, one pull is enough. */
async function expectRecovery(): Promise<void> {
  await druid.ready()
  await waitSettled(druid, wiki)
  await stage.pullExactly()
}

describe("a Druid that dies while it is read", () => {
  for (const service of ["historical", "broker", "router"] as const) {
    it(`kill -9 of the ${service} in the middle of a pull never gives a wrong file with exit 0`, async () => {
      const running = stage.start("--settle-wait", "1s")
      await underWay()
      await druid.kill(service)
      const back = delay(3_000).then(() => druid.start(service))
      await expectHonest(running)
      await back
      await expectRecovery()
    }, 240_000)
  }

  it("without its coordinator nothing can be proven: it fails, says so, and loses nothing", async () => {
    await stage.pullExactly()
    await druid.kill("coordinator")
    try {
      const exitCode = await expectHonest(stage.start("--full"))
      expect(exitCode).not.toBe(0)
    } finally {
      await druid.start("coordinator")
    }
    await expectRecovery()
  }, 240_000)

  it("a historical that is gone exits 3 with the reason; it is never taken for whole while it loads again", async () => {
    await stage.pullExactly()
    await stage.world.unserve(wiki)
    const gone = await stage.pull("--full", "--settle-wait", "0s")
    expect(gone.exitCode).toBe(3)
    const [report] = gone.report.datasources
    expect(report!.incomplete.map(({ reason }) => reason).join()).toContain("served by no historical")
    expect(report!.unavailable.length).toBeGreaterThan(0)
    await stage.expectTruthfulState(wiki)
    expect(gone.report.rowsFetched).toBe(0)
    expect(report!.rows).toBe(datasets[0]!.rowCount)

    await druid.start("historical", { emptyCache: true, wait: false })
    // It loads its segments one by one now: each of these pulls sees another part of them.
    for (let n = 0; n < 12; n++) {
      const exitCode = await expectHonest(stage.start("--full", "--settle-wait", "0s"))
      if (exitCode === 0) break
    }
    await expectRecovery()
  }, 240_000)
})

describe("data nodes that are read past the broker", () => {
  beforeEach(() => stage.config([wiki], { ...small, direct: true }))

  it("killed in mid-scan never give a wrong file with exit 0", async () => {
    for (let n = 0; n < 3; n++) {
      const running = stage.start("--full", "--settle-wait", "1s")
      await delay(400 + 300 * n)
      await druid.kill("historical")
      const back = delay(2_000).then(() => druid.start("historical"))
      await expectHonest(running)
      await back
      await expectRecovery()
    }
    const { report } = await stage.pullExactly("--full")
    expect(report.datasources[0]!.rowsPastBroker).toBe(datasets[0]!.rowCount)
  }, 300_000)

  it("that segments move away from, or to, are gone round", async () => {
    const other = await druid.addHistorical()
    try {
      for (let n = 0; n < 3; n++) {
        const running = stage.start("--full")
        await delay(1_000)
        await expectHonest(running)
      }
    } finally {
      await druid.removeHistorical(other)
    }
    await expectHonest(stage.start("--full"))
    await expectRecovery()
  }, 300_000)
})

describe.each([false, true])("segments that move while a response is read (direct: %p)", (direct) => {
  it("a reader that was stopped for long is told apart from one that got everything", async () => {
    stage.config([wiki], {
      sliceRows: 1_000_000,
      concurrency: 1,
      requestTimeout: "2m",
      idleTimeout: "2m",
      direct,
    })
    const running = stage.start()
    let other: Awaited<ReturnType<Druid["addHistorical"]>> | undefined
    try {
      await delay(900)
      running.kill("SIGSTOP")
      // A second server joins, segments move to it, and the first drops them while our response is half read.
      other = await druid.addHistorical()
      await delay(12_000)
      running.kill("SIGCONT")
      await expectHonest(running)
      await expectRecovery()
    } finally {
      running.kill("SIGCONT")
      if (other !== undefined) await druid.removeHistorical(other)
    }
  }, 300_000)
})
