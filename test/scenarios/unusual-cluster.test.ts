/** Clusters that are set up otherwise than most: what they refuse is asked for in the way that they take. */
import { describe, expect, it } from "bun:test"
import { query } from "../support/conformance/duckdb.ts"
import { errors, reply } from "../support/fake-druid/fake-druid.ts"
import { useFake } from "./support.ts"

const here = useFake()

async function load(granularity: "DAY" | "ALL" = "DAY"): Promise<void> {
  const rows = Array.from({ length: 6 }, (_, n) => ({
    __time: `${n < 3 ? "1955" : "2024"}-01-0${(n % 3) + 1}T00:00:00.000Z`,
    page: `page ${n}`,
    n,
  }))
  await here.stage.world.create("wiki", rows, {
    columns: { page: "string", n: "long" },
    granularity,
  } as never)
}

const contextsOf = (kind: string) =>
  here.fake.log.entries.filter((one) => one.kind === kind).map((one) => one.context)
const times = (text: string, word: string) => text.split(word).length - 1

describe("a Druid that checks the keys of the query context", () => {
  it("is asked without priority and timeout, from the second query on, which is said once", async () => {
    await load()
    here.fake.contextKeys = new Set()
    here.stage.config(["wiki"])
    const pulled = await here.stage.pullExactly()
    const refused = here.fake.log.entries.filter((one) => one.status === 403)
    expect(refused.map(({ context }) => Object.keys(context))).toEqual([
      ["priority", "timeout", "sqlQueryId", "sqlStringifyArrays"],
    ])
    for (const context of contextsOf("scan"))
      expect(Object.keys(context)).toEqual(["sqlQueryId", "sqlStringifyArrays"])
    expect(times(pulled.stderr, "authorizeQueryContextParams")).toBe(1)
  })

  it("is asked with the configured keys where the user may set them", async () => {
    await load()
    here.fake.contextKeys = new Set(["priority", "timeout", "lane", "queryId"])
    here.stage.config(["wiki"], { context: { lane: "copy" } })
    const pulled = await here.stage.pullExactly()
    expect(contextsOf("scan")[0]).toMatchObject({ priority: -10, lane: "copy" })
    expect(pulled.stderr).not.toContain("authorizeQueryContextParams")
  })

  it("that forbids the datasource is refused as ever: exit 4", async () => {
    await load()
    here.fake.denied.add("wiki")
    here.stage.config(["wiki"])
    const pulled = await here.stage.pull()
    expect(pulled.exitCode).toBe(4)
    expect(pulled.stderr).not.toContain("authorizeQueryContextParams")
  })
})

describe("a Druid that allows shorter queries alone", () => {
  it("is asked with the timeout that its refusal names, which is said once", async () => {
    await load()
    here.fake.maxQueryTimeoutMs = 42_000
    here.stage.config(["wiki"])
    const pulled = await here.stage.pullExactly()
    expect(here.fake.log.entries.filter((one) => one.status === 400).length).toBe(1)
    expect(contextsOf("scan").map(({ timeout }) => timeout)).toEqual(contextsOf("scan").map(() => 42_000))
    expect(times(pulled.stderr, "maxQueryTimeout")).toBe(1)
    expect(pulled.stderr).toContain("42 s")
  })
})

describe("lanes that are full", () => {
  it("are waited for in growing pauses, which is said once, with what decides", async () => {
    await load()
    here.fake.hooks.beforeRequest = (kind, n) =>
      (kind === "scan" && n <= 9) || (kind === "segments" && n <= 7)
        ? reply(errors.tooManyRequests())
        : undefined
    here.stage.config(["wiki"], { concurrency: 1 })
    const pulled = await here.stage.pullExactly()
    expect(times(pulled.stderr, "takes no more queries")).toBe(1)
    expect(pulled.stderr).toContain('"priority", and "lane" in "context"')
  })

  it("end a run that has waited for an hour, with the same advice", async () => {
    await load()
    here.fake.hooks.beforeRequest = (kind) =>
      kind === "segments" ? reply(errors.tooManyRequests()) : undefined
    here.stage.config(["wiki"])
    const { exitCode, stderr } = await here.stage.runner.run(here.stage.args())
    expect(exitCode).toBe(1)
    expect(stderr).toContain('"priority", or a "lane" in "context"')
    const asked = here.fake.log.entries.filter((one) => one.kind === "segments").length
    expect(asked).toBeGreaterThan(60)
    expect(asked).toBeLessThan(70)
  })
})

describe("a Druid that asks for a condition on time", () => {
  for (const granularity of ["DAY", "ALL"] as const) {
    it(`gets one in every query: segments of ${granularity}`, async () => {
      await load(granularity)
      here.fake.requireTimeCondition = true
      here.stage.config(["wiki"])
      expect((await here.stage.pullExactly()).rows).toBe(6)
    })
  }

  it("gets one for the one bucket of all time", async () => {
    await load()
    here.fake.requireTimeCondition = true
    here.stage.config([{ name: "wiki", aggregate: { every: "all", by: ["page"] } }])
    const args = ["--config", here.stage.configPath, "--out", here.stage.out]
    for (let n = 0; n < 2; n++) {
      expect((await here.stage.pull()).exitCode).toBe(0)
      expect(await query(here.stage.out, "SELECT sum(_rows)::INT AS n FROM wiki")).toEqual([{ n: 6 }])
    }
    expect((await here.stage.runner.run(["verify", ...args])).exitCode).toBe(0)
  })

  it("gets one where sys.segments is refused, too", async () => {
    await load()
    here.fake.requireTimeCondition = true
    here.fake.segments = "forbidden"
    here.stage.config(["wiki"])
    expect((await here.stage.pullExactly()).rows).toBe(6)
  })
})

describe("the context of the configuration", () => {
  it("goes with native queries", async () => {
    await load()
    here.stage.config(["wiki"], { context: { brokerService: "druid/broker-copy" } })
    await here.stage.pullExactly()
    const native = contextsOf("segmentMetadata")
    expect(native.length).toBeGreaterThan(0)
    for (const context of native) expect(context).toMatchObject({ brokerService: "druid/broker-copy" })
  })
})
