/** `druidsync export` and `verify --lake` on the fake Druid: pull, export, change, export again. */
import { beforeEach, describe, expect, it } from "bun:test"
import { existsSync } from "node:fs"
import {
  copyFile,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from "node:fs/promises"
import { join } from "node:path"
import type { ExportReport, LakeReport } from "../../src/lake/document.ts"
import type { Manifest } from "../../src/lake/manifest.ts"
import { openEngine } from "../../src/store/engine.ts"
import { Desk } from "../commands/support.ts"
import type { FakeDruid } from "../support/fake-druid/fake-druid.ts"
import { onFake } from "../support/on-fake.ts"

const SLOW = 60_000

let fake: FakeDruid
let desk: Desk
onFake(Desk, async (one, own) => {
  fake = one
  desk = own
  fake.world.define("w", { page: "STRING", n: "LONG" })
  for (const day of ["2020-01-30", "2020-01-31", "2020-02-01"]) {
    fake.world.append("w", [
      { __time: day, page: "a", n: 1n },
      { __time: `${day}T23:59:59.999`, page: null, n: 2n },
    ])
  }
  fake.world.settle("w")
  await desk.configure(fake, ["w"])
  await pulled()
})

async function pulled(more = ""): Promise<void> {
  const ran = await desk.run(`pull -c $c -o $out -q${more}`)
  expect([ran.code, ran.stderr.replace(/^warning: .*\n/, "")]).toEqual([0, ""])
}

const lake = () => desk.path("lake")
const words = (line: string) => line.split(" ").map((word) => (word === "$lake" ? lake() : word))

async function exported(more = "", code = 0): Promise<ExportReport> {
  const ran = await desk.run(words(`export --out $out --to $lake --json${more}`))
  expect({ code: ran.code, stderr: ran.stderr }).toEqual({ code, stderr: "" })
  return JSON.parse(ran.stdout) as ExportReport
}

async function verified(more = "", code = 0): Promise<LakeReport> {
  const ran = await desk.run(words(`verify --out $out --lake $lake --json${more}`))
  expect({ code: ran.code, stderr: ran.stderr }).toEqual({ code, stderr: "" })
  return JSON.parse(ran.stdout) as LakeReport
}

const faults = (report: LakeReport) =>
  report.datasources.flatMap((one) => one.faults.map(({ kind, path, mark }) => `${mark} ${kind} ${path}`))

/** Every file of the lake but manifests, sorted. */
async function files(): Promise<string[]> {
  const found = await readdir(lake(), { recursive: true, withFileTypes: true })
  return found
    .filter((one) => one.isFile() && !one.parentPath.includes("_druidsync"))
    .map((one) => join(one.parentPath, one.name).slice(lake().length + 1))
    .sort()
}

async function manifest(share = "data"): Promise<Manifest> {
  return JSON.parse(await readFile(join(lake(), "w", "_druidsync", `${share}.json`), "utf8"))
}

async function sql(text: string): Promise<unknown[][]> {
  const engine = await openEngine({ memoryLimit: "200MB", threads: 1 })
  try {
    return await engine.rows(text)
  } finally {
    engine.close()
  }
}

const lakeRows = (columns: string) =>
  sql(
    `SELECT ${columns} FROM read_parquet('${lake()}/w/**/*.parquet', hive_partitioning = true) ORDER BY ALL`,
  )

describe("druidsync export", () => {
  it(
    "writes a folder per month, with a manifest, and again only the partition whose day got late data",
    async () => {
      const first = await exported()
      expect(await files()).toEqual([
        "w/year=2020/month=01/part-data.parquet",
        "w/year=2020/month=02/part-data.parquet",
      ])
      expect(first).toMatchObject({ format: 1, outcome: "complete", exitCode: 0, share: "data" })
      expect(first.datasources[0]).toMatchObject({
        rows: 6,
        rowsWritten: 6,
        unchanged: 0,
        removed: [],
        unsettled: [],
      })
      expect(await lakeRows("year, month, epoch_ms(__time), page, n")).toEqual([
        [2020n, "01", BigInt(Date.UTC(2020, 0, 30)), "a", 1n],
        [2020n, "01", BigInt(Date.UTC(2020, 0, 31) - 1), null, 2n],
        [2020n, "01", BigInt(Date.UTC(2020, 0, 31)), "a", 1n],
        [2020n, "01", BigInt(Date.UTC(2020, 1, 1) - 1), null, 2n],
        [2020n, "02", BigInt(Date.UTC(2020, 1, 1)), "a", 1n],
        [2020n, "02", BigInt(Date.UTC(2020, 1, 2) - 1), null, 2n],
      ])
      const before = await manifest()
      expect(before).toMatchObject({
        datasource: "w",
        partitionBy: "month",
        fileFormat: "parquet",
        isFinished: true,
      })
      expect(before.partitions.map(({ rows, state }) => [rows, state])).toEqual([
        [4, "complete"],
        [2, "complete"],
      ])
      expect((await exported()).datasources[0]).toMatchObject({ written: [], unchanged: 2 })

      fake.world.append("w", [{ __time: "2020-02-01T05:00", page: "late", n: 9n }])
      fake.world.settle("w")
      await pulled()
      expect(faults(await verified("", 1))).toEqual(["* stale year=2020/month=02/part-data.parquet"])
      const again = await exported()
      expect(again.datasources[0]).toMatchObject({ written: ["year=2020/month=02"], unchanged: 1, rows: 7 })
      const after = await manifest()
      expect(after.partitions[0]).toEqual(before.partitions[0]!)
      expect(await lakeRows("n, page")).toContainEqual([9n, "late"])
      expect(await verified()).toMatchObject({ outcome: "equal" })
      expect(await verified(" --deep")).toMatchObject({ outcome: "equal", mode: "rows" })
    },
    SLOW,
  )

  it(
    "asks nothing of Druid",
    async () => {
      fake.log.clear()
      await exported()
      await verified()
      expect(fake.log.entries.length).toBe(0)
    },
    SLOW,
  )

  it(
    "partitions by day, removes the file of a day that is gone, and the folder with it",
    async () => {
      await exported(" --partition day")
      expect(await files()).toEqual([
        "w/year=2020/month=01/day=30/part-data.parquet",
        "w/year=2020/month=01/day=31/part-data.parquet",
        "w/year=2020/month=02/day=01/part-data.parquet",
      ])
      await desk.configure(fake, [{ name: "w", deletions: "mirror" }])
      fake.world.markUnused("w", "2020-02-01/2020-02-02")
      await pulled()
      expect(faults(await verified("", 1))).toEqual(["- stale year=2020/month=02/day=01/part-data.parquet"])
      expect((await exported()).datasources[0]).toMatchObject({
        written: [],
        unchanged: 2,
        removed: ["year=2020/month=02/day=01"],
      })
      expect(existsSync(join(lake(), "w/year=2020/month=02"))).toBe(false)
      await verified()
    },
    SLOW,
  )

  it(
    "writes all of it again when a column is new, and says so",
    async () => {
      await exported()
      fake.world.define("w", { page: "STRING", n: "LONG", extra: "STRING" })
      fake.world.append("w", [{ __time: "2020-03-01", page: "x", n: 3n, extra: "new" }])
      fake.world.settle("w")
      await pulled()
      const [table] = (await exported()).datasources
      expect(table).toMatchObject({ rewritten: 'column "extra" is new', unchanged: 0 })
      expect(table!.written).toHaveLength(3)
      const schemas = await sql(
        `SELECT DISTINCT list(name ORDER BY name) FROM parquet_schema('${lake()}/w/**/*.parquet') GROUP BY file_name`,
      )
      expect(schemas).toHaveLength(1)
      await verified()
    },
    SLOW,
  )

  it(
    "keeps keys and columns apart where a column has a key's name",
    async () => {
      fake.world.define("y", { Month: "STRING" })
      fake.world.append("y", [{ __time: "2020-01-01", Month: "May" }])
      fake.world.settle("y")
      await desk.configure(fake, ["y"])
      await pulled()
      const report = await exported(" --only y")
      expect(report.datasources[0]!.keys).toEqual(["part_year", "part_month"])
      expect(report.datasources[0]!.notes[0]).toContain("month")
      expect(
        await sql(
          `SELECT part_month, "Month" FROM read_parquet('${lake()}/y/**/*.parquet', hive_partitioning = true)`,
        ),
      ).toEqual([["01", "May"]])
    },
    SLOW,
  )

  it(
    "marks what is provisional, and what is incomplete with exit code 3",
    async () => {
      fake.world.stream("w", [{ __time: "2020-02-05T05:00", page: "live", n: 5n }])
      expect((await desk.run("pull -c $c -o $out -q")).code).toBe(0)
      const live = await exported()
      expect(live).toMatchObject({ outcome: "provisional", exitCode: 0 })
      expect(live.datasources[0]!.unsettled).toMatchObject([
        { partition: "year=2020/month=02", state: "provisional" },
      ])
      fake.world.append("w", [{ __time: "2020-03-01", page: "x", n: 3n }])
      fake.world.setReportedRows("w", "2020-03-01/2020-03-02", 0)
      expect((await desk.run("pull -c $c -o $out -q --settle-wait 0")).code).toBe(3)
      const report = await exported("", 3)
      expect(report).toMatchObject({ outcome: "incomplete", exitCode: 3 })
      expect((await manifest()).partitions.map(({ state }) => state)).toEqual([
        "complete",
        "provisional",
        "incomplete",
      ])
      const text = await desk.run(words("export --out $out --to $lake --quiet"))
      expect(text.code).toBe(3)
      expect(text.stdout).toContain("incomplete year=2020/month=03: rows that Druid had not counted yet\n")
    },
    SLOW,
  )

  it(
    "sees rows that another program changed",
    async () => {
      await exported()
      await desk.sql(`INSERT INTO file.w VALUES ('2020-02-01', 'foreign', 7)`)
      const report = await exported("", 3)
      expect(report.datasources[0]).toMatchObject({ written: ["year=2020/month=02"], outcome: "incomplete" })
      expect(report.datasources[0]!.reason).toContain("another program")
    },
    SLOW,
  )

  it(
    "refuses another partitioning or format, and takes it with --rewrite without leaving old files",
    async () => {
      await exported()
      for (const flags of ["--partition day", "--format csv"]) {
        const ran = await desk.run(words(`export --out $out --to $lake ${flags}`))
        expect([ran.code, ran.stderr.includes("--to"), ran.stderr.includes("--rewrite")]).toEqual([
          2,
          true,
          true,
        ])
      }
      expect(await files()).toHaveLength(2)
      await exported(" --partition day --format csv --rewrite")
      expect(await files()).toEqual([
        "w/year=2020/month=01/day=30/part-data.csv",
        "w/year=2020/month=01/day=31/part-data.csv",
        "w/year=2020/month=02/day=01/part-data.csv",
      ])
      // What the lake has is the default from then on.
      expect((await exported()).datasources[0]).toMatchObject({
        written: [],
        unchanged: 3,
        fileFormat: "csv",
      })
      await verified(" --deep")
      await exported(" --rewrite")
      await verified()
    },
    SLOW,
  )

  it(
    "keeps two shares in one lake apart: each writes, deletes and checks its own files only",
    async () => {
      const [one, two] = [" --part shard-1-of-2", " --part shard-2-of-2"]
      await exported(one)
      const first = desk.out
      const aside = desk.path("one.duckdb")
      await rename(first, aside)
      await desk.configure(fake, [{ name: "w", filter: "n = 1" }])
      await pulled()
      await exported(two)
      expect(await files()).toEqual([
        "w/year=2020/month=01/part-shard-1-of-2.parquet",
        "w/year=2020/month=01/part-shard-2-of-2.parquet",
        "w/year=2020/month=02/part-shard-1-of-2.parquet",
        "w/year=2020/month=02/part-shard-2-of-2.parquet",
      ])
      expect(await lakeRows("count(*)")).toEqual([[9n]])
      expect((await verified(two)).datasources[0]).toMatchObject({
        outcome: "equal",
        rows: 3,
        otherShares: ["shard-1-of-2"],
      })
      // The first share's file in the second's name: nothing is overwritten by accident.
      await rename(desk.out, desk.path("two.duckdb"))
      await copyFile(aside, desk.out)
      const ran = await desk.run(words(`export --out $out --to $lake${two}`))
      expect([ran.code, ran.stderr.includes("another DuckDB file")]).toEqual([2, true])
      await verified(one)
      // All of it beside its shares would be there twice.
      const whole = await desk.run(words("export --out $out --to $lake"))
      expect([whole.code, whole.stderr.includes("twice")]).toEqual([2, true])
      const other = await desk.run(words("export --out $out --to $lake --part shard-1-of-3"))
      expect(other.code).toBe(2)
    },
    SLOW,
  )

  it(
    "names the share by what the file says it holds",
    async () => {
      await desk.sql(`UPDATE file._sync_state SET settings = '{"shard":"2/4"}'`)
      expect((await exported()).share).toBe("shard-2-of-4")
      expect((await files())[0]).toBe("w/year=2020/month=01/part-shard-2-of-4.parquet")
    },
    SLOW,
  )

  it(
    "leaves what is not its own, and says so with exit code 2",
    async () => {
      const refused = async (part: string) => {
        const ran = await desk.run(words("export --out $out --to $lake"))
        expect([ran.code, ran.stderr.includes(part)]).toEqual([2, true])
      }
      await writeFile(desk.path("lake"), "a file")
      await refused("is not a folder")
      await rm(lake())
      await mkdir(join(lake(), "w"), { recursive: true })
      await writeFile(join(lake(), "w", "notes.txt"), "mine")
      await refused("druidsync did not write")
      expect(await files()).toEqual(["w/notes.txt"])
      await rm(join(lake(), "w"), { recursive: true })
      await exported()
      await rm(join(lake(), "w", "_druidsync", "data.json"))
      await refused("no manifest says")
      await writeFile(join(lake(), "w", "_druidsync", "data.json"), "{}")
      await refused("is not a manifest that this druidsync understands")
      await rm(join(lake(), "w"), { recursive: true })
      await mkdir(desk.path("elsewhere"))
      await symlink(desk.path("elsewhere"), join(lake(), "w"))
      await refused("is not a folder")
      await rm(join(lake(), "w"))
      await mkdir(join(lake(), "w", "_druidsync"), { recursive: true })
      await symlink(desk.path("elsewhere"), join(lake(), "w", "year=2020"))
      const ran = await desk.run(words("export --out $out --to $lake"))
      expect(ran.code).toBe(1)
      expect(await readdir(desk.path("elsewhere"))).toEqual([])
    },
    SLOW,
  )

  it(
    "refuses names and combinations that mean nothing, with 2",
    async () => {
      for (const line of [
        "export --out $out --to $lake --only nothing",
        "export --out $out --to $lake --only ,",
        "export --out $out --to $lake --part ../x",
        "export --out $out --to $lake --format orc",
        "export --out $out",
        "verify --out $out --lake $lake",
        "verify --out $out --lake $lake -c $c",
        "verify --out $out --lake $lake --repair",
        "verify --out $out",
        "verify --out $out -c $c --part x",
      ]) {
        expect([
          line,
          (await desk.run(words(line).map((word) => (word === "$c" ? desk.path("c.json") : word)))).code,
        ]).toEqual([line, 2])
      }
      expect(existsSync(lake())).toBe(false)
    },
    SLOW,
  )

  it(
    "leaves the lake of a table that was dropped as it is, with 3",
    async () => {
      await exported()
      await desk.sql("DROP TABLE file.w")
      const report = await exported("", 3)
      expect(report.datasources[0]!.reason).toContain("dropped")
      expect(await files()).toHaveLength(2)
    },
    SLOW,
  )

  it(
    "tells people what it did",
    async () => {
      const ran = await desk.run(words("export --out $out --to $lake --verbose"))
      expect(ran.stdout.replace(/[\d.]+ [kM]?B/g, "SIZE").replace(/[\d.]+ s\n/, "TIME\n")).toBe(
        [
          "w → /desk/lake/w: complete, 2 partitions written, 0 unchanged; 6 rows, SIZE",
          "  written year=2020/month=01",
          "  written year=2020/month=02",
          "complete: 2 partitions written (6 rows, SIZE), 0 unchanged, TIME",
          "",
        ].join("\n"),
      )
      expect((await desk.run(words("export --out $out --to $lake --quiet"))).stdout).toBe("")
    },
    SLOW,
  )
})

describe("druidsync verify --lake", () => {
  beforeEach(async () => {
    await exported()
  })
  const january = () => join(lake(), "w/year=2020/month=01/part-data.parquet")

  it(
    "finds files that are missing, damaged, cut or foreign, and an export repairs what it can see by size",
    async () => {
      await rm(january())
      expect(faults(await verified("", 1))).toEqual(["+ missing year=2020/month=01/part-data.parquet"])
      expect((await exported()).datasources[0]!.written).toEqual(["year=2020/month=01"])
      await truncate(january(), 100)
      expect(faults(await verified("", 1))).toEqual(["* damaged year=2020/month=01/part-data.parquet"])
      await exported()
      const bytes = await readFile(january())
      bytes[20]! ^= 1
      await writeFile(january(), bytes)
      const flipped = await verified("", 1)
      expect(faults(flipped)).toEqual(["* damaged year=2020/month=01/part-data.parquet"])
      // A reader that does not come by that byte would not notice.
      expect(flipped.datasources[0]!.faults[0]!.detail).toContain("SHA-256")
      await exported(" --rewrite")
      await copyFile(january(), january().replace("part-data", "part-extra"))
      expect(faults(await verified("", 1))).toEqual(["- foreign year=2020/month=01/part-extra.parquet"])
      await rm(january().replace("part-data", "part-extra"))
      await verified()
    },
    SLOW,
  )

  for (const [what, change] of [
    ["a value", "UPDATE file.w SET n = 8 WHERE n = 1 AND __time < '2020-01-31'"],
    ["NULL that became ''", "UPDATE file.w SET page = '' WHERE page IS NULL AND __time < '2020-01-31'"],
  ] as const) {
    it(
      `finds rows that differ though nothing says so: ${what}`,
      async () => {
        await desk.sql(change)
        for (const flags of ["", " --deep"]) {
          const report = await verified(flags, 1)
          expect(faults(report)).toEqual(["* different year=2020/month=01/part-data.parquet"])
          expect(report.datasources[0]!.faults[0]!.columns).toEqual([what === "a value" ? "n" : "page"])
        }
        const text = await desk.run(words("verify --out $out --lake $lake"))
        expect(text.code).toBe(1)
        expect(text.stdout).toContain("w ↔ lake w: 1 partition differs, 2 rows in 1 partition equal\n")
      },
      SLOW,
    )
  }

  it(
    "names partitions that were never exported",
    async () => {
      fake.world.append("w", [{ __time: "2021-01-01", page: "x", n: 3n }])
      fake.world.settle("w")
      await pulled()
      expect(faults(await verified("", 1))).toEqual(["+ not-exported year=2021/month=01/part-data.parquet"])
      expect((await stat(january())).isFile()).toBe(true)
    },
    SLOW,
  )
})
