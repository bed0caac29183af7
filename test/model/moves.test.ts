/**
 * Data nodes that die, lose their segments to one another, break off or refuse, at random, while a copy is made and kept up
 * past the broker: whatever happens, exit 0 means equal, and in the end one quiet pull is enough.
 *
 *     DRUIDSYNC_MOVES_RUNS=2000 DRUIDSYNC_MOVES_SEED=7 bun test test/model/moves.test.ts
 */
import { afterAll, beforeAll, describe, expect, it } from "bun:test"
import fc from "fast-check"
import { type Behaviour, cut, deny, destroy, errors, reply } from "../support/fake-druid/fake-druid.ts"
import type { DataNode } from "../support/fake-druid/http/data-node.ts"
import { Rig } from "./rig.ts"
import { NAME, Scene, textsOf } from "./scene.ts"
import { truthOf } from "./truth.ts"

const RUNS = Number(process.env.DRUIDSYNC_MOVES_RUNS ?? 60)
const SEED = Number(process.env.DRUIDSYNC_MOVES_SEED ?? 19)
const DAYS = ["2024-01-29", "2024-01-30", "2024-01-31", "2024-02-01"]
const KINDS = ["cut", "close", "destroy", "500", "429", "403", "kill", "move", "gone"] as const

const trouble = fc.record({
  /** which request to a data node it comes with */
  scan: fc.integer({ min: 1, max: 8 }),
  /** how many of them */
  times: fc.integer({ min: 1, max: 3 }),
  kind: fc.constantFrom(...KINDS),
  rows: fc.nat(12),
})
type Trouble = typeof trouble extends fc.Arbitrary<infer T> ? T : never

const game = fc.record({
  sliceRows: fc.constantFrom(4, 15, 1_000),
  concurrency: fc.integer({ min: 1, max: 3 }),
  pulls: fc.array(
    fc.record({
      /** days that get late rows before it */
      late: fc.uniqueArray(fc.nat(DAYS.length - 1)),
      full: fc.boolean(),
      troubles: fc.array(trouble, { minLength: 1, maxLength: 3 }),
    }),
    { minLength: 1, maxLength: 3 },
  ),
})

type Game = typeof game extends fc.Arbitrary<infer T> ? T : never

let rig: Rig
let struck = 0
let pulls = 0
let rowsPastBroker = 0
beforeAll(async () => {
  rig = await Rig.open()
})
afterAll(() => rig.close())

const columns = { n: "LONG", s: "STRING" }
const rowsOf = (day: string, count: number) =>
  Array.from({ length: count }, (_, n) => ({ __time: `${day}T0${n % 10}:00`, n: BigInt(n), s: "a" }))

/** Each segment has its servers; changing them is what a coordinator does all day. */
function settleNodes(nodes: readonly DataNode[]): void {
  nodes[0]!.has = () => true
  nodes[1]!.has = ({ partition }) => partition % 2 === 0
}

function strike({ kind, rows }: Trouble, nodes: readonly DataNode[]): Behaviour | undefined {
  struck++
  switch (kind) {
    case "cut":
      return cut({ rows }, "clean")
    case "close":
      return cut({ rows }, "close")
    case "destroy":
      return destroy()
    case "500":
      return reply(errors.connectionReset())
    case "429":
      return reply(errors.tooManyRequests("1"))
    case "403":
      return deny(NAME)
    case "kill":
      // Nobody has told the broker yet.
      nodes[0]!.has = () => false
      return destroy()
    case "move":
      nodes[0]!.has = ({ partition }) => partition % 2 === 0
      nodes[1]!.has = () => true
      return undefined
    case "gone":
      for (const node of nodes) node.has = () => false
      return undefined
  }
}

async function play({ sliceRows, concurrency, pulls: all }: Game): Promise<void> {
  const scene = new Scene(rig, true)
  const nodes = rig.fake.dataNodes
  const expectEqual = async () => expect(await scene.rows()).toEqual(textsOf(truthOf(scene.world, NAME)))
  try {
    settleNodes(nodes)
    scene.world.append(
      NAME,
      DAYS.flatMap((day) => rowsOf(day, 12)),
      { columns, partitions: 2 },
    )
    for (const { late, full, troubles } of all) {
      if (late.length > 0)
        scene.world.append(
          NAME,
          late.flatMap((day) => rowsOf(DAYS[day]!, 3)),
          { columns },
        )
      let scans = 0
      rig.fake.hooks.beforeRequest = (kind) => {
        if (kind !== "segmentScan") return undefined
        scans++
        const found = troubles.find(({ scan, times }) => scans >= scan && scans < scan + times)
        return found === undefined ? undefined : strike(found, nodes)
      }
      const { exitCode, report } = await scene.pull({ sliceRows, concurrency, full })
      pulls++
      rowsPastBroker += report.datasources[0]!.rowsPastBroker
      if (exitCode === 0) await expectEqual()
    }
    delete rig.fake.hooks.beforeRequest
    settleNodes(nodes)
    expect((await scene.pull({ sliceRows, concurrency })).exitCode).toBe(0)
    await expectEqual()
  } finally {
    delete rig.fake.hooks.beforeRequest
    settleNodes(nodes)
    await scene.close()
  }
}

describe("data nodes that die, move and break off at random", () => {
  it(
    `never make a wrong row (seed ${SEED})`,
    async () => {
      await fc.assert(fc.asyncProperty(game, play), { numRuns: RUNS, seed: SEED })
      // The games are worth something only while they reach what they are about.
      expect(struck).toBeGreaterThan(RUNS)
      expect(rowsPastBroker).toBeGreaterThan(RUNS * 20)
      console.log(
        `${RUNS} games, ${pulls} pulls, ${struck} troubles, ${rowsPastBroker} rows past the broker, none wrong`,
      )
    },
    60_000 + RUNS * 3_000,
  )
})
