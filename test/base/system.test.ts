/** What the operating system refuses, in words: the pure part, and that it is used wherever a user names a file. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "bun:test"
import { mkdir, writeFile } from "node:fs/promises"
import { refusalOf, whyOf } from "../../src/base/system.ts"
import { Desk } from "../commands/support.ts"
import { type FakeDruid, startFakeDruid } from "../support/fake-druid/fake-druid.ts"

const SLOW = 30_000

describe("what the operating system refuses", () => {
  const failing = (code: string) => Object.assign(new Error(`${code}: raw words, open '/x'`), { code })

  it.each([
    ["ENOENT", "there is no such file"],
    ["ENOTDIR", "a part of its path is a file, not a folder"],
    ["EISDIR", "it is a folder"],
    ["EACCES", "permission denied"],
    ["EPERM", "permission denied"],
    ["EROFS", "its disk is read-only"],
    ["ENOSPC", "no space left on its disk"],
    ["EDQUOT", "no space left on its disk"],
    ["ELOOP", "its symbolic links go round in circles"],
  ])("%s: %s", (code, why) => {
    expect(whyOf(failing(code), "file")).toBe(why)
    const refusal = refusalOf(failing(code), "file", "--out")!
    expect(refusal.hint).not.toBe("")
    expect(refusal.hint).not.toContain(code)
  })

  it("is found in DuckDB's message, too", () => {
    const duckdb = (text: string) => new Error(`IO Error: Cannot open file "/x/y.duckdb": ${text}`)
    expect(whyOf(duckdb("No such file or directory"), "place")).toBe("there is no such folder")
    expect(whyOf(duckdb("Permission denied"), "place")).toBe("permission denied")
    expect(whyOf(duckdb("Read-only file system"), "place")).toBe("its disk is read-only")
  })

  it("says of a place that its folder is missing, and names the flag", () => {
    expect(refusalOf(failing("ENOENT"), "place", "--to")).toEqual({
      why: "there is no such folder",
      hint: "make the folder first, or check --to",
    })
  })

  it("leaves other errors as they are", () => {
    expect(refusalOf(new Error("else"), "file", "--out")).toBeUndefined()
    expect(whyOf(new Error("else\nand more"), "file")).toBe("else")
    expect(whyOf(failing("EXOTIC"), "file")).toStartWith("EXOTIC")
  })
})

describe("a file that cannot be had", () => {
  let fake: FakeDruid
  let desk: Desk
  beforeAll(async () => {
    fake = await startFakeDruid()
    fake.world.append("w", [{ __time: "2016-06-27T01:00" }])
    fake.world.settle()
  })
  afterAll(() => fake.stop())
  beforeEach(async () => {
    desk = await Desk.open()
    await desk.configure(fake, ["w"])
    await writeFile(desk.path("file"), "x")
    await mkdir(desk.path("folder"))
  })
  afterEach(() => desk.close())

  const RAW = /\b(ENOENT|EACCES|EISDIR|ENOTDIR|EROFS)\b|no such file or directory|syscall/
  const PULL = "pull -c $c -o $out --quiet"

  it.each([
    ["pull -c DESK/no.json -o $out", "cannot read the configuration /desk/no.json: there is no such file"],
    ["pull -c DESK/folder -o $out", "cannot read the configuration /desk/folder: it is a folder"],
    ["pull -c DESK/file/c.json -o $out", "/desk/file/c.json: a part of its path is a file"],
    ["pull -c $c -o DESK/no/a.duckdb", "/desk/no/a.duckdb cannot be written: there is no such folder"],
    ["pull -c $c -o DESK/file/a.duckdb", "cannot be written: a part of its path is a file, not a folder"],
    [
      `${PULL} --metrics DESK/no/m.prom`,
      "metrics cannot be written to /desk/no/m.prom: there is no such folder",
    ],
    [
      `${PULL} --spool-dir DESK/file/spool`,
      "/desk/file/spool cannot be written: a part of its path is a file",
    ],
    [
      `${PULL} --publish DESK/no/p.duckdb`,
      "the copy cannot be published at /desk/no/p.duckdb: there is no such folder",
    ],
  ])(
    "%s: %s",
    async (line, said) => {
      const { code, stderr } = await desk.run(line.replaceAll("DESK", desk.folder))
      expect(code).not.toBe(0)
      expect(stderr).toContain(said)
      expect(stderr).toMatch(/\n {2}→ \S/)
      expect(stderr).not.toMatch(RAW)
    },
    SLOW,
  )

  it(
    "--spool-dir is named in the hint where it is the one",
    async () => {
      const { stderr } = await desk.run(`${PULL} --spool-dir ${desk.path("file")}/spool`)
      expect(stderr).toContain("→ check --spool-dir\n")
    },
    SLOW,
  )

  it.each([
    ["--to DESK/no/r.csv SELECT", "/desk/no/r.csv cannot be written: there is no such folder"],
    ["--to DESK/no/r.parquet SELECT", "/desk/no/r.parquet cannot be written: there is no such folder"],
    ["--file DESK/no.sql", "--file /desk/no.sql cannot be read: there is no such file"],
    ["--file DESK/folder", "--file /desk/folder cannot be read: it is a folder"],
  ])(
    "query %s: %s",
    async (flags, said) => {
      expect((await desk.run(PULL)).code).toBe(0)
      const words = flags.replaceAll("DESK", desk.folder).replace("SELECT", "SELECT#1").split(" ")
      const { code, stderr } = await desk.run([
        "query",
        "-o",
        desk.out,
        ...words.map((word) => word.replace("#", " ")),
      ])
      expect(code).not.toBe(0)
      expect(stderr).toContain(said)
      expect(stderr).toMatch(/\n {2}→ \S/)
      expect(stderr).not.toMatch(RAW)
    },
    SLOW,
  )
})
