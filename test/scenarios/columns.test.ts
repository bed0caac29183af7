/** `columns.add` and `columns.hash`: columns that Druid computes, and columns of which only hashes are kept. */
import { describe, expect, it } from "bun:test"
import { createHash } from "node:crypto"
import { existsSync, readFileSync } from "node:fs"
import { query } from "../support/conformance/duckdb.ts"
import { useFake } from "./support.ts"

const here = useFake()
const SALT = "pepper and salt"
const DAY = Date.UTC(2024, 0, 1)

const rows = ["Main", null, "Über", '["a","b"]', "it's"].map((page, n) => ({
  __time: new Date(DAY + n * 1_000).toISOString(),
  page,
  tags: n === 0 ? ["a", "b"] : n === 1 ? null : ["x"],
  n: BigInt(n),
  x: n / 3,
}))

async function load(name = "a"): Promise<void> {
  const columns = { page: "STRING", tags: "STRING", n: "LONG", x: "DOUBLE" }
  await here.stage.world.create(name, rows as never, { columns } as never)
}

const hash = (value: string) =>
  createHash("sha256")
    .update(SALT + value)
    .digest("hex")

/** @returns exit code and what was said */
async function refused(columns: Record<string, unknown>, more: Record<string, unknown> = {}) {
  here.stage.config([{ name: "a", columns }], more)
  const { exitCode, stderr } = await here.stage.runner.run(here.stage.args())
  expect(exitCode).toBe(2)
  expect(existsSync(here.stage.out)).toBe(false)
  expect(here.fake.log.rowsFetched).toBe(0)
  return stderr
}

describe("columns.add", () => {
  it("is computed by Druid, typed by Druid, and compared by verify", async () => {
    await load()
    const add = {
      loud: 'UPPER("page")',
      twice: '"n" * 2',
      size: 'CHAR_LENGTH("page")',
      all: 'MV_TO_ARRAY("tags")',
    }
    here.stage.config([{ name: "a", columns: { exclude: ["x"], add } }])
    expect((await here.stage.pull()).exitCode).toBe(0)
    expect(await query(here.stage.out, 'SELECT loud, twice, size, "all" FROM a ORDER BY __time')).toEqual(
      rows.map(({ page, tags, n }) => ({
        loud: page?.toUpperCase() ?? null,
        twice: 2n * n,
        size: page === null ? null : BigInt(page.length),
        all: tags as never,
      })),
    )
    const [comment] = await query(
      here.stage.out,
      "SELECT comment FROM duckdb_columns() WHERE table_name = 'a' AND column_name = 'loud'",
    )
    expect(comment!.comment as unknown).toBe('Druid STRING, computed in Druid: UPPER("page")')
    expect((await here.stage.pull()).rows).toBe(0)
    for (const deep of [[], ["--deep"]]) {
      const args = ["verify", "--config", here.stage.configPath, "--out", here.stage.out, ...deep]
      expect((await here.stage.runner.run(args)).exitCode).toBe(0)
    }
  })

  it("makes all rows come again where an expression is another one", async () => {
    await load()
    here.stage.config([{ name: "a", columns: { add: { p: 'UPPER("page")' } } }])
    await here.stage.pull()
    here.stage.config([{ name: "a", columns: { add: { p: 'LOWER("page")' } } }])
    const { rows: fetched, exitCode } = await here.stage.pull()
    expect([fetched, exitCode]).toEqual([rows.length, 0])
    const [first] = await query(here.stage.out, "SELECT p FROM a ORDER BY __time LIMIT 1")
    expect(first!.p as unknown).toBe("main")
  })

  it.each([
    [{ town: "x) FROM y --" }, "closes a parenthesis"],
    [{ town: "" }, "is empty"],
    [{ town: "n; n" }, 'contains a ";"'],
    [{ __time: "n" }, "every table has a column of that name"],
    [{ town: 'COUNT("n")' }, '"columns.add.town" of datasource "a"'],
    [{ town: '"nothing"' }, '"columns.add.town" of datasource "a"'],
    [{ n: '"n" + 1' }, '"columns.add" of datasource "a" has "n", and so has Druid'],
  ])("%j is refused before anything is fetched", async (add, words) => {
    await load()
    expect(await refused({ add })).toContain(words)
  })

  it("says so where it gives several values", async () => {
    await load()
    here.stage.config([{ name: "a", columns: { add: { loud: 'UPPER("tags")' } } }])
    const { exitCode, stderr } = await here.stage.runner.run(here.stage.args())
    expect(exitCode).toBe(2)
    expect(stderr).toContain('"columns.add.loud" of datasource "a" gives several values for some rows')
  })
})

describe("columns.hash", () => {
  it("keeps the SHA-256 of the salt and the value alone, of each value of a list", async () => {
    await load()
    const columns = { add: { loud: 'UPPER("page")' }, hash: ["page", "tags", "n", "x", "loud"] }
    here.stage.config([{ name: "a", columns, rowHash: true }], { hashSalt: SALT })
    expect((await here.stage.pull()).exitCode).toBe(0)
    const found = await query(here.stage.out, "SELECT page, tags, n, loud FROM a ORDER BY __time")
    expect(found as unknown).toEqual(
      rows.map(({ page, tags, n }) => ({
        page: page === null ? null : hash(page),
        tags: tags?.map(hash) ?? null,
        n: hash(String(n)),
        loud: page === null ? null : hash(page.toUpperCase()),
      })),
    )
    const file = readFileSync(here.stage.out)
    for (const plain of [SALT, "Über", "ÜBER"]) expect(file.includes(plain)).toBe(false)
    expect((await here.stage.pull()).rows).toBe(0)
    for (const deep of [[], ["--deep"]]) {
      const args = ["verify", "--config", here.stage.configPath, "--out", here.stage.out, ...deep]
      expect((await here.stage.runner.run(args)).exitCode).toBe(0)
    }
  })

  it("makes all rows come again with another salt", async () => {
    await load()
    here.stage.config([{ name: "a", columns: { hash: ["page"] } }], { hashSalt: "one" })
    await here.stage.pull()
    here.stage.set({ hashSalt: "two" })
    const { rows: fetched, report } = await here.stage.pull()
    expect(fetched).toBe(rows.length)
    expect(JSON.stringify(report)).not.toContain("two")
  })

  it("finds a changed value with --deep, which fetches the plain one and hashes it", async () => {
    await load()
    here.stage.config([{ name: "a", columns: { hash: ["page"] } }], { hashSalt: SALT })
    await here.stage.pull()
    const { execute } = await import("../support/conformance/duckdb.ts")
    await execute(here.stage.out, "UPDATE a SET page = 'x' WHERE n = 0")
    const args = ["verify", "--config", here.stage.configPath, "--out", here.stage.out]
    expect((await here.stage.runner.run([...args, "--deep"])).exitCode).not.toBe(0)
    expect((await here.stage.runner.run(args)).stdout).toContain("page")
  })

  it.each([
    [{ hash: ["__time"] }, { hashSalt: SALT }, "cannot be hashed"],
    [{ hash: ["n"], exclude: ["n"] }, { hashSalt: SALT }, '"n" is not copied'],
    [{ hash: ["n"], include: ["page"] }, { hashSalt: SALT }, '"n" is not copied'],
    [{ hash: ["n", "n"] }, { hashSalt: SALT }, '"n" is there twice'],
    [{ hash: ["page"] }, {}, "hashSalt: missing"],
    [{ hash: ["nothing"] }, { hashSalt: SALT }, 'has no column "nothing"'],
  ])("%j with %j is refused before anything is fetched", async (columns, more, words) => {
    await load()
    expect(await refused(columns, more)).toContain(words)
  })
})
