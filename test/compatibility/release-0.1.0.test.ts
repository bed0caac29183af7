/** What the 0.1.0 executable left behind is taken up as it is: no row is fetched again, no file is written again. */
import { describe, expect, it } from "bun:test"
import { cp, readdir, readFile, stat, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { gunzipSync } from "node:zlib"
import { loadConfig } from "../../src/config/load.ts"
import { settingsDigest } from "../../src/config/settings-digest.ts"
import { Desk } from "../commands/support.ts"
import { CONFIG_PATH, inMemory } from "../config/support.ts"
import { change, DATASOURCES, fill } from "../fixtures/0.1.0/world.ts"
import { query } from "../support/conformance/duckdb.ts"
import type { FakeDruid } from "../support/fake-druid/fake-druid.ts"
import { onFake } from "../support/on-fake.ts"

const SLOW = 60_000
const FIXTURE = join(import.meta.dirname, "../fixtures/0.1.0")
const DATA = join(FIXTURE, "data")
const LAKES = ["lake-parquet", "lake-csv", "lake-json"] as const

let fake: FakeDruid
let desk: Desk
onFake(Desk, async (one, own) => {
  fake = one
  desk = own
  fill(fake.world)
  change(fake.world)
  // After the runs of the fixture, which took the machine's own clock.
  desk.nowMs = Date.UTC(2027, 0, 1)
  await desk.configure(fake, DATASOURCES)
  await take("whole")
})

/** The file of the fixture becomes the desk's. */
async function take(file: "whole" | "shard"): Promise<void> {
  await writeFile(desk.out, gunzipSync(await readFile(join(DATA, `${file}.duckdb.gz`))))
}

async function takeLake(lake: string): Promise<void> {
  await cp(join(DATA, lake), desk.path(lake), { recursive: true })
}

/** Runs a command that has to end with 0. @returns its JSON document */
// biome-ignore lint/suspicious/noExplicitAny: documents of many shapes
async function document(line: string): Promise<any> {
  const words = line.split(" ").map((word) => (word.startsWith("lake-") ? desk.path(word) : word))
  const ran = await desk.run([...words, "--json"])
  if (ran.code !== 0) throw new Error(`${line} ended with ${ran.code}: ${ran.stderr}`)
  return JSON.parse(ran.stdout)
}

/** Every file of a lake, with what changes when it is written. */
async function filesOf(lake: string): Promise<string[]> {
  const found = await readdir(desk.path(lake), { recursive: true, withFileTypes: true })
  const files = found.filter((one) => one.isFile()).map((one) => join(one.parentPath, one.name))
  return Promise.all(
    files.sort().map(async (path) => {
      const { ino, mtimeMs, size } = await stat(path)
      return [path, ino, mtimeMs, size].join(" ")
    }),
  )
}

describe("a DuckDB file of 0.1.0", () => {
  it(
    "has nothing left to fetch, by plan and by pull, and equals Druid by fingerprints and by rows",
    async () => {
      const plan = await document("plan -c $c -o $out")
      expect(plan.datasources.map((one: { slices: unknown }) => one.slices)).toEqual([0, 0, 0, 0])
      const pull = await document("pull -c $c -o $out")
      expect(pull).toMatchObject({ outcome: "complete", rowsFetched: 0 })
      expect(pull.datasources.map((one: { rows: number }) => one.rows)).toEqual([72, 25, 2, 2])
      for (const line of ["verify -c $c -o $out", "verify -c $c -o $out --deep"]) {
        const verify = await document(line)
        expect(verify.outcome).toBe("equal")
        expect(verify.datasources.map((one: { rows: number }) => one.rows)).toEqual([72, 25, 1, 2])
      }
    },
    SLOW,
  )

  it(
    "fetches what is new, and only that",
    async () => {
      fake.world.append("sales", [{ __time: "2024-03-01", shop: "new", amount: 2 }])
      const pull = await document("pull -c $c -o $out")
      expect(pull).toMatchObject({ outcome: "complete", rowsFetched: 1 })
    },
    SLOW,
  )

  it(
    "is given the notes of this version by the first pull, and a second table of a datasource beside the first",
    async () => {
      const chunks = () =>
        query(
          desk.out,
          `SELECT COLUMNS(c -> c NOT IN ('table', 'source_rows')) FROM _sync_chunks WHERE NOT _sync_chunks::VARCHAR LIKE '%beside%' ORDER BY ALL`,
        )
      const before = await chunks()
      await desk.configure(fake, [...DATASOURCES, { name: "every type", table: "beside" }])
      const pull = await document("pull -c $c -o $out")
      expect(pull.datasources.map((one: { rowsFetched: number }) => one.rowsFetched)).toEqual([
        0, 0, 0, 0, 72,
      ])
      expect(await chunks()).toEqual(before)
      const owners = async (notes: string) =>
        query(desk.out, `SELECT DISTINCT datasource, "table" FROM ${notes} ORDER BY ALL`)
      for (const notes of ["_sync_chunks", "_sync_runs"])
        expect(await owners(notes)).toEqual(await owners("_sync_state"))
      expect(await query(desk.out, "SELECT DISTINCT format FROM _sync_state")).toEqual([{ format: 2 }])
      expect(await document("verify -c $c -o $out")).toMatchObject({ outcome: "equal" })
    },
    SLOW,
  )

  it(
    "can be looked at by every command that only looks",
    async () => {
      const status = await document("status --out $out")
      expect(status.datasources).toHaveLength(4)
      for (const line of ["check -c $c -o $out", "schema -c $c -o $out", "datasources -c $c"])
        await document(line)
      const report = await desk.run(["report", "--out", "$out", "--to", desk.path("report.html")])
      expect(report.code).toBe(0)
      expect(desk.exists("report.html")).toBe(true)
      const query = await desk.run([
        "query",
        "--out",
        "$out",
        "--format",
        "csv",
        "SELECT count(*) AS n FROM Sold",
      ])
      expect(query.stdout).toBe("n\n25\n")
    },
    SLOW,
  )

  it(
    "stays a shard where it is one",
    async () => {
      await take("shard")
      const pull = await document("pull -c $c -o $out --shard 1/2 --only sales")
      expect(pull).toMatchObject({ outcome: "complete", rowsFetched: 0 })
      await takeLake("lake-shard")
      expect(await document("export --out $out --to lake-shard")).toMatchObject({ share: "shard-1-of-2" })
      await document("verify --out $out --lake lake-shard")
    },
    SLOW,
  )
})

describe("a lake of 0.1.0", () => {
  for (const lake of LAKES) {
    const part = lake === "lake-json" ? " --part mine" : ""
    it(
      `equals its file, and an export writes none of it again: ${lake}`,
      async () => {
        await takeLake(lake)
        const before = await filesOf(lake)
        for (const deep of ["", " --deep"])
          expect(await document(`verify --out $out --lake ${lake}${part}${deep}`)).toMatchObject({
            outcome: "equal",
          })
        const exported = await document(`export --out $out --to ${lake}${part}`)
        expect(exported).toMatchObject({ outcome: "complete" })
        expect(exported.datasources.map((one: { written: unknown }) => one.written)).toEqual([[], [], [], []])
        expect(await filesOf(lake)).toEqual(before)
      },
      SLOW,
    )
  }

  it(
    "is written again where rows are new, and only there",
    async () => {
      await takeLake("lake-parquet")
      fake.world.append("sales", [{ __time: "2024-02-01T12:00:00", shop: "new", amount: 2 }])
      await document("pull -c $c -o $out")
      const { datasources } = await document("export --out $out --to lake-parquet")
      const written = datasources.map((one: { table: string; written: string[] }) => [one.table, one.written])
      expect(Object.fromEntries(written)).toEqual({
        every_type: [],
        Sold: ["year=2024/month=02"],
        retired: [],
        stream: [],
      })
      await document("verify --out $out --lake lake-parquet --deep")
    },
    SLOW,
  )
})

describe("a configuration of 0.1.0", () => {
  const pem = (kind: string) => `-----BEGIN ${kind}-----\nAAAA\n-----END ${kind}-----\n`
  const load = async () =>
    loadConfig(
      CONFIG_PATH,
      inMemory(await readFile(join(FIXTURE, "every-key.json"), "utf8"), {
        env: { DRUID_PASSWORD: "p", PING_URL: "https://hc.example.com/x" },
        files: {
          "/etc/druidsync/ca.pem": pem("CERTIFICATE"),
          "/etc/druidsync/cert.pem": pem("CERTIFICATE"),
          "/etc/druidsync/key.pem": pem("PRIVATE KEY"),
          "/etc/druidsync/passphrase.txt": "x\n",
        },
      }),
    )

  it("with every key there was means what it meant", async () => {
    const plain = JSON.parse(
      JSON.stringify(await load(), (_, value) => (typeof value === "bigint" ? String(value) : value)),
    )
    const then = JSON.parse(await readFile(join(FIXTURE, "every-key.settings.json"), "utf8"))
    expect(plain).toMatchObject(then)
  })

  it("gives the digests that stand in checkpoints", async () => {
    expect((await load()).datasources.map(settingsDigest)).toEqual([
      "2d24cfb37f1d3a6f",
      "247416437f562c8a",
      "bf78b4c7f4af2e3f",
      "6b71153b3cd3eddf",
    ])
  })
})
