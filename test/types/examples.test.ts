/** The examples of docs/examples run as they stand, on a copy that a pull made. (The Python one: test/live/sketches.) */
import { afterAll, beforeAll, describe, expect, it } from "bun:test"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { query } from "../support/conformance/duckdb.ts"
import { fakeWorld } from "../support/conformance/fake-world.ts"
import { inProcess, root } from "../support/conformance/runner.ts"
import { Stage } from "../support/conformance/stage.ts"
import { type FakeDruid, startFakeDruid } from "../support/fake-druid/fake-druid.ts"

let fake: FakeDruid
let stage: Stage

beforeAll(async () => {
  fake = await startFakeDruid()
  stage = new Stage(fakeWorld(fake), inProcess())
  fake.world.define("pageviews", { user: "STRING", tags: "STRING", payload: "COMPLEX<json>" })
  fake.world.append("pageviews", [
    {
      __time: "2020-01-01",
      user: "u1",
      tags: ["news", "sport"],
      payload: '{"id":1,"took":10,"client":{"os":"linux"}}',
    },
    {
      __time: "2020-01-01",
      user: "u2",
      tags: "news",
      payload: '{"id":9007199254740993,"took":20,"client":{"os":"linux"}}',
    },
    { __time: "2020-01-02", user: "u1", tags: null, payload: '{"id":2,"took":5,"client":{"os":"mac"}}' },
    { __time: "2020-01-02", user: "u3", tags: "sport", payload: null },
  ])
  fake.world.define("purchases", { user: "STRING", price: "DOUBLE" })
  fake.world.append("purchases", [
    { __time: "2020-01-01T10:00", user: "u2", price: 9.5 },
    { __time: "2020-01-03", user: "u3", price: 1 },
  ])
  fake.world.settle()
  stage.config(["pageviews", "purchases"])
  const pulled = await stage.pull()
  if (pulled.exitCode !== 0) throw new Error(pulled.stdout + pulled.stderr)
})
afterAll(async () => {
  stage.close()
  await fake.stop()
})

/** Results of the statements of an example, as JSON text. */
async function run(file: string): Promise<unknown[]> {
  const statements = readFileSync(join(root, "docs/examples", file), "utf8").split(/;\s*(?:\n|$)/)
  const results: unknown[] = []
  for (const sql of statements.filter((one) => /\S/.test(one)))
    results.push(await query(stage.out, `SELECT to_json(list(r))::VARCHAR AS r FROM (${sql}\n) AS r`))
  return results.map((rows) => JSON.parse(String((rows as { r: unknown }[])[0]!.r)))
}

describe("the example", () => {
  it("several-values.sql takes lists apart", async () => {
    expect(await run("several-values.sql")).toEqual([
      [
        { tag: "news", views: 2 },
        { tag: "sport", views: 2 },
      ],
      [{ views: 2 }],
    ])
  })

  it("json.sql reads paths", async () => {
    const [byOs, greatest] = await run("json.sql")
    expect(byOs).toEqual([
      { os: "linux", took: 15 },
      { os: "mac", took: 5 },
    ])
    expect(JSON.stringify(greatest)).toContain("greatest")
    const [row] = await query(
      stage.out,
      "SELECT max((payload ->> '$.id')::BIGINT) AS greatest FROM pageviews",
    )
    expect(row!.greatest).toBe(9007199254740993n)
  })

  it("join.sql joins two datasources", async () => {
    expect(await run("join.sql")).toEqual([
      [
        { day: "2020-01-01", visitors: 2, buyers: 1 },
        { day: "2020-01-02", visitors: 2, buyers: 0 },
      ],
    ])
  })
})
