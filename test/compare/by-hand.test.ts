/** What the user made by hand on a table does not get into the way of a comparison, and a repair leaves it there. */
import { beforeEach, describe, expect, it } from "bun:test"
import type { VerifyReport } from "../../src/commands/verify/document.ts"
import type { ExportReport } from "../../src/lake/document.ts"
import { Desk } from "../commands/support.ts"
import type { FakeDruid } from "../support/fake-druid/fake-druid.ts"
import { onFake } from "../support/on-fake.ts"

const SLOW = 60_000

let fake: FakeDruid
let desk: Desk
onFake(Desk, async (one, own) => {
  fake = one
  desk = own
  for (const name of ["w", "other"]) {
    fake.world.define(name, { page: "STRING", n: "LONG" })
    for (const day of ["2020-01-01", "2020-01-02"])
      fake.world.append(name, [
        { __time: day, page: "a", n: 1n },
        { __time: day, page: "b", n: 2n },
      ])
    fake.world.settle(name)
  }
  await desk.configure(fake, ["w", "other"])
  expect((await desk.run("pull -c $c -o $out -q")).code).toBe(0)
})

async function verified(flags = ""): Promise<VerifyReport & { code: number }> {
  const ran = await desk.run(`verify -c $c -o $out --json${flags}`)
  return { code: ran.code, ...(JSON.parse(ran.stdout) as VerifyReport) }
}

const outcomes = (report: VerifyReport) =>
  Object.fromEntries(report.datasources.map((one) => [one.datasource, one.outcome]))

describe("with columns, an index, a view and a table of the user's own", () => {
  beforeEach(() =>
    desk.sql(
      "ALTER TABLE file.w ADD COLUMN note VARCHAR DEFAULT 'mine'",
      "CREATE INDEX by_page ON file.w(page)",
      "CREATE VIEW file.v AS SELECT page FROM file.w",
      "CREATE TABLE file.own AS SELECT 1 AS x",
    ),
  )

  it(
    "a comparison looks at what was pulled alone",
    async () => {
      for (const flags of ["", " --deep"]) {
        const report = await verified(flags)
        expect([report.code, outcomes(report)]).toEqual([0, { w: "equal", other: "equal" }])
      }
    },
    SLOW,
  )

  it(
    "a lake has what was pulled alone",
    async () => {
      const lake = desk.path("lake")
      expect((await desk.run(["export", "--out", "$out", "--to", lake, "-q"])).code).toBe(0)
      for (const deep of [[], ["--deep"]])
        expect((await desk.run(["verify", "--out", "$out", "--lake", lake, ...deep])).code).toBe(0)
    },
    SLOW,
  )

  it(
    "a repair fetches what differs, and all of it is still there",
    async () => {
      await desk.sql("UPDATE file.w SET n = 9 WHERE n = 1 AND __time = '2020-01-01'")
      for (const flags of ["", " --deep"]) expect(outcomes(await verified(flags)).w).toBe("different")
      const report = await verified(" --repair")
      expect([report.code, outcomes(report)]).toEqual([0, { w: "equal", other: "equal" }])
      expect(report.datasources.find((one) => one.datasource === "w")!.repaired).toHaveLength(1)
      const found = await desk.run([
        "query",
        "--out",
        "$out",
        "--format",
        "csv",
        "SELECT (SELECT count(*) FROM v), (SELECT count(*) FROM duckdb_indexes()), count(note) FROM w",
      ])
      expect(found.stdout.split("\n")[1]).toBe("4,1,4")
    },
    SLOW,
  )
})
it(
  "a repair that a unique index forbids is told for its datasource, and the others are compared",
  async () => {
    await desk.sql(
      "UPDATE file.w SET n = 3 WHERE n = 1 AND __time = '2020-01-01'",
      "UPDATE file.w SET n = 4 WHERE n = 2 AND __time = '2020-01-01'",
      "CREATE UNIQUE INDEX only_one ON file.w(n)",
    )
    const ran = await desk.run("verify -c $c -o $out --json --repair")
    const report = JSON.parse(ran.stdout) as VerifyReport
    expect([ran.code, outcomes(report)]).toEqual([1, { w: "different", other: "equal" }])
    expect(ran.stderr).toContain("only_one")
    expect(ran.stderr).not.toContain("this is a bug")
  },
  SLOW,
)

const CHANGES = [
  ["a column of ours renamed", ["ALTER TABLE file.w RENAME page TO seite"], 'no longer has column "page"'],
  [
    "a column of ours of another type",
    ["ALTER TABLE file.w ALTER n TYPE VARCHAR"],
    'column "n" of table "w"',
  ],
  ["no time", ["ALTER TABLE file.w DROP __time"], 'no longer has column "__time"'],
  [
    "another table of the name",
    ["DROP TABLE file.w", "CREATE TABLE file.w (a INTEGER)"],
    'no longer has column "__time"',
  ],
  [
    "a view of the name",
    ["DROP TABLE file.w", "CREATE VIEW file.w AS SELECT 1 AS x"],
    'no longer has column "__time"',
  ],
] as const

describe("a table that another program changed", () => {
  for (const [what, statements, sentence] of CHANGES) {
    it(
      `fails alone, with a sentence; the others are compared and exported: ${what}`,
      async () => {
        await desk.sql(...statements)
        for (const flags of ["", " --deep", " --repair"]) {
          const report = await verified(flags)
          expect([report.code, outcomes(report)]).toEqual([1, { w: "failed", other: "equal" }])
          const { error } = report.datasources.find((one) => one.datasource === "w")!
          expect(error).toMatchObject({ code: "file", message: expect.stringContaining(sentence) })
        }
        const lake = desk.path("lake")
        const exported = await desk.run(["export", "-o", "$out", "--to", lake, "--json"])
        const { datasources } = JSON.parse(exported.stdout) as ExportReport
        expect([exported.code, datasources.map((one) => one.outcome).sort()]).toEqual([
          3,
          ["complete", "incomplete"],
        ])
        expect(datasources.find((one) => one.datasource === "w")!.reason).toContain(sentence)
      },
      SLOW,
    )
  }
})

describe("a table of druidsync's own that another program changed", () => {
  const commands = {
    pull: "pull -c $c -o $out",
    plan: "plan -c $c -o $out",
    verify: "verify -c $c -o $out",
    schema: "schema -c $c -o $out",
    export: "export -o $out --to $lake",
  }
  for (const [table, change, needing] of [
    ["_sync_chunks", "DROP segments", ["pull", "plan", "verify", "export"]],
    ["_sync_state", "DROP columns", ["pull", "plan", "verify", "schema", "export"]],
  ] as const) {
    it(
      `is named by every command that needs it, and is no bug: ${table}`,
      async () => {
        await desk.sql(`ALTER TABLE file.${table} ${change}`)
        for (const command of needing) {
          const line = commands[command].replace("$lake", desk.path("lake"))
          const { code, stdout, stderr } = await desk.run(line)
          expect({ line, code, said: stdout + stderr }).toMatchObject({
            code: 1,
            said: expect.stringContaining(
              `another program changed druidsync's own table ${table}: Binder Error`,
            ),
          })
        }
      },
      SLOW,
    )
  }
})
