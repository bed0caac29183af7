/** Output paths that cannot be, and files that are someone else's: a clear message, the right exit code, nothing lost. */
import { afterEach, describe, expect, it } from "bun:test"
import { spawnSync } from "node:child_process"
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { execute, query, tableNames } from "../support/conformance/duckdb.ts"
import { COLUMNS, dayOf, daysOf } from "../support/conformance/rows-of.ts"
import { bunSource, childProcess, type Result, root } from "../support/conformance/runner.ts"
import { useFake } from "./support.ts"

const here = useFake()

async function load(name = "a", rows = 10): Promise<void> {
  await here.stage.world.create(name, daysOf(["2024-01-01", "2024-01-02"], rows), { columns: COLUMNS })
}

function pullTo(out: string, ...more: string[]): Promise<Result> {
  return here.stage.runner.run(["pull", "--config", here.stage.configPath, "--out", out, ...more])
}

describe("--out", () => {
  it("in a folder that is not there: exit 1, names the folder, asks Druid for no row", async () => {
    await load()
    here.stage.config(["a"])
    const out = join(here.stage.folder, "no", "such", "a.duckdb")
    const { exitCode, stderr } = await pullTo(out)
    expect(exitCode).toBe(1)
    expect(stderr).toContain(out)
    expect(stderr).toContain("there is no such folder")
    expect(here.fake.log.rowsFetched).toBe(0)
  })

  it("below a regular file: exit 1", async () => {
    await load()
    here.stage.config(["a"])
    writeFileSync(join(here.stage.folder, "plain"), "text")
    const { exitCode, stderr } = await pullTo(join(here.stage.folder, "plain", "a.duckdb"))
    expect(exitCode).toBe(1)
    expect(stderr).toContain("a part of its path is a file, not a folder")
    expect(readFileSync(join(here.stage.folder, "plain"), "utf8")).toBe("text")
  })

  it("that is a folder: exit 1, and the folder stays", async () => {
    await load()
    here.stage.config(["a"])
    const out = join(here.stage.folder, "folder")
    mkdirSync(out)
    const { exitCode, stderr } = await pullTo(out)
    expect([1, 2]).toContain(exitCode as number)
    expect(stderr).toContain(out)
    expect(stderr).not.toContain("this is a bug")
    expect(statSync(out).isDirectory()).toBe(true)
  })

  it("in a folder without permission to write: exit 1, says so", async () => {
    await load()
    here.stage.config(["a"])
    const folder = join(here.stage.folder, "readonly")
    mkdirSync(folder)
    chmodSync(folder, 0o555)
    chmodSync(here.stage.folder, 0o755)
    chmodSync(here.stage.configPath, 0o644)
    // root may write anywhere: the program runs as someone else then
    const source = [process.execPath, join(root, "src/main.ts")]
    const asNobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", ...source]
    const isRoot = process.getuid?.() === 0
    const runner = childProcess("as nobody", isRoot ? asNobody : source)
    const { exitCode, stderr } = await runner.run([
      "pull",
      "--config",
      here.stage.configPath,
      "--out",
      join(folder, "a.duckdb"),
    ])
    expect(stderr).toMatch(/permission denied/i)
    expect(stderr).toContain("check the permissions")
    expect(exitCode).toBe(1)
  })
})

describe("a file that is there already", () => {
  it("and is not DuckDB: exit 2, untouched", async () => {
    await load()
    here.stage.config(["a"])
    for (const text of ["", "not a database\n".repeat(1000), "SQLite format 3\0".padEnd(4096, "\0")]) {
      writeFileSync(here.stage.out, text)
      const { exitCode, stderr } = await pullTo(here.stage.out)
      expect(exitCode).toBe(2)
      expect(stderr).toContain(here.stage.out)
      expect(stderr).toContain("is not a DuckDB file")
      expect(readFileSync(here.stage.out, "utf8")).toBe(text)
    }
  })

  it("and has a table of that name that druidsync did not make: exit 2, names the way out, the table stays", async () => {
    await load()
    here.stage.config(["a"])
    await execute(here.stage.out, "CREATE TABLE a (mine INTEGER)", "INSERT INTO a VALUES (42)")
    const { exitCode, stderr } = await pullTo(here.stage.out)
    expect(exitCode).toBe(2)
    expect(stderr).toContain('a table "a" that druidsync did not make')
    expect(stderr).toContain('another "table"')
    expect(await query(here.stage.out, "FROM a")).toEqual([{ mine: 42 }])
    expect(here.fake.log.rowsFetched).toBe(0)
  })

  it("and has a view of that name, in another case: the same", async () => {
    await load()
    here.stage.config(["a"])
    await execute(here.stage.out, "CREATE VIEW A AS SELECT 42 AS mine")
    const { exitCode, stderr } = await pullTo(here.stage.out)
    expect(exitCode).toBe(2)
    expect(stderr).toContain("druidsync did not make")
    expect(await query(here.stage.out, "FROM A")).toEqual([{ mine: 42 }])
  })

  it("with other people's tables beside ours: they stay, and ours come", async () => {
    await load()
    await load("b")
    here.stage.config(["a", "b"])
    await execute(
      here.stage.out,
      "CREATE TABLE notes (mine INTEGER)",
      "INSERT INTO notes VALUES (42)",
      "CREATE TABLE b (x INTEGER)",
    )
    const { exitCode, report } = await here.stage.pull()
    expect(exitCode).toBe(2)
    expect(report.datasources.map((one) => one.outcome)).toEqual(["complete", "failed"])
    await here.stage.expectEqual("a")
    expect(await query(here.stage.out, "FROM notes")).toEqual([{ mine: 42 }])
  })

  it("of an earlier pull, whose table someone has dropped: says so, or repairs it", async () => {
    await load()
    here.stage.config(["a"])
    await here.stage.pullExactly()
    await execute(here.stage.out, "DROP TABLE a")
    const { exitCode, stderr } = await pullTo(here.stage.out)
    expect(stderr).not.toContain("this is a bug")
    if (exitCode === 0) await here.stage.expectEqual("a")
    else await here.stage.pullExactly("--full")
  })

  it("of an earlier pull, to whose table someone has added a column: pulls on, and the column stays", async () => {
    await load()
    here.stage.config(["a"])
    await here.stage.pullExactly()
    await execute(here.stage.out, "ALTER TABLE a ADD COLUMN mine INTEGER DEFAULT 42")
    await here.stage.world.append("a", dayOf("2024-01-05", 5))
    const { exitCode, stderr } = await pullTo(here.stage.out)
    expect({ exitCode, stderr: exitCode === 0 ? "" : stderr }).toEqual({ exitCode: 0, stderr: "" })
    const [found] = await query(
      here.stage.out,
      "SELECT count(*)::INTEGER AS n, count(mine)::INTEGER AS mine FROM a",
    )
    expect(found!.n).toBe(25)
    expect(found!.mine as number).toBeGreaterThanOrEqual(20)
  })

  it("whose table someone has indexed: pulls on", async () => {
    await load()
    here.stage.config(["a"])
    await here.stage.pullExactly()
    await execute(here.stage.out, "CREATE INDEX mine ON a (page)")
    await here.stage.world.append("a", dayOf("2024-01-02T01:00:00Z", 3, 3).slice(0, 2))
    await here.stage.world.append(
      "a",
      [{ __time: "2024-01-06T00:00:00Z", page: "x", added: 1, ratio: 0, extra: "e" }],
      {
        columns: { extra: "string" },
      },
    )
    const { exitCode, stderr } = await pullTo(here.stage.out)
    expect({ exitCode, stderr: exitCode === 0 ? "" : stderr.slice(0, 300) }).toEqual({
      exitCode: 0,
      stderr: "",
    })
    await here.stage.expectEqual("a")
  })
})

describe("a full disk", () => {
  const mounts: string[] = []
  afterEach(() => {
    for (const folder of mounts.splice(0)) {
      spawnSync("umount", [folder])
      rmSync(folder, { recursive: true, force: true })
    }
  })

  /** A small file system of its own, or undefined where this process may not mount one. */
  function smallDisk(megabytes: number): string | undefined {
    const folder = mkdtempSync(join(tmpdir(), "druidsync-disk-"))
    const { status } = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m`, "tmpfs", folder])
    if (status === 0) mounts.push(folder)
    else rmSync(folder, { recursive: true, force: true })
    return status === 0 ? folder : undefined
  }

  const probe = smallDisk(1)
  if (probe !== undefined) spawnSync("umount", [probe])
  const canMount = probe !== undefined
  const why = canMount ? "" : " (skipped: this process may not mount a small file system)"

  it.skipIf(!canMount)(
    `while the file is written: exit 1, says so, what was proven stays${why}`,
    async () => {
      const disk = smallDisk(6)!
      const out = join(disk, "a.duckdb")
      await load("a", 200)
      here.stage.config(["a"])
      expect((await pullTo(out, "--spool-dir", here.stage.folder)).exitCode).toBe(0)
      // texts that no compression makes small
      const big = dayOf("2024-02-01", 3_000).map((row, i) => ({ ...row, page: noise(i) }))
      await here.stage.world.append("a", big)
      const { exitCode, stderr } = await pullTo(out, "--spool-dir", here.stage.folder)
      expect(exitCode).toBe(1)
      expect(stderr).toContain("no space left")
      expect(stderr).toContain("free space")
      const [held] = await query(out, "SELECT count(*)::INTEGER AS n FROM a")
      expect(held!.n).toBe(400)
      const [state] = await query(out, "SELECT rows::INTEGER AS n FROM _sync_state")
      expect(state!.n).toBe(400)
    },
  )

  it.skipIf(!canMount)(
    `while responses are kept: exit 1, names --spool-dir, what was proven stays${why}`,
    async () => {
      const disk = smallDisk(1)!
      await load("a", 20)
      here.stage.config(["a"])
      expect((await pullTo(here.stage.out)).exitCode).toBe(0)
      await here.stage.world.append(
        "a",
        dayOf("2024-02-01", 3_000).map((row, i) => ({ ...row, page: noise(i) })),
      )
      const { exitCode, stderr } = await pullTo(here.stage.out, "--spool-dir", disk)
      expect(exitCode).toBe(1)
      expect(stderr).toContain("no space left")
      expect(stderr).toContain("--spool-dir")
      expect((await query(here.stage.out, "SELECT count(*)::INTEGER AS n FROM a"))[0]!.n).toBe(40)
      here.stage.config(["a"])
      await here.stage.pullExactly()
    },
  )
})

/** 2,000 characters without a pattern. */
function noise(seed: number): string {
  let state = (seed + 1) * 2_654_435_761
  let text = ""
  while (text.length < 2_000) {
    state = (Math.imul(state ^ (state >>> 15), 2_246_822_519) + 0x9e37_79b9) >>> 0
    text += state.toString(36)
  }
  return text
}

it("leaves nothing beside the file after all of this", async () => {
  await load()
  here.stage.config(["a"])
  await bunSource().run(here.stage.args())
  expect(existsSync(`${here.stage.out}.druidsync`)).toBe(false)
  expect(existsSync(`${here.stage.out}.wal`)).toBe(false)
  expect(await tableNames(here.stage.out)).toContain("a")
})
