/** Files are whole or not there, whatever happens while they are written. */
import { afterAll, beforeEach, describe, expect, it } from "bun:test"
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { beginsWith, makeAside, writeAside } from "../../src/base/aside.ts"

const root = mkdtempSync(join(tmpdir(), "druidsync-aside-"))
afterAll(() => rmSync(root, { recursive: true, force: true }))

let folder: string
let place: string
let aside: string
beforeEach(() => {
  folder = mkdtempSync(join(root, "case-"))
  place = join(folder, "result.txt")
  aside = join(folder, "result.txt.part")
})

const content = (path: string) => readFileSync(path, "utf8")

describe("a file that is written aside", () => {
  it("takes the place of what is there once it is whole, and not before", async () => {
    writeFileSync(place, "old")
    const result = await writeAside(place, { aside, durable: true }, async (write) => {
      await write("new, ")
      expect(content(place)).toBe("old")
      await write("whole")
      return 7
    })
    expect(result).toBe(7)
    expect(content(place)).toBe("new, whole")
    expect(readdirSync(folder)).toEqual(["result.txt"])
  })

  it("leaves what is there when the work fails, and nothing beside it", async () => {
    writeFileSync(place, "old")
    const failing = writeAside(place, { aside }, async (write) => {
      await write("half")
      throw new Error("of the work")
    })
    expect(failing).rejects.toThrow("of the work")
    await failing.catch(() => undefined)
    expect(content(place)).toBe("old")
    expect(readdirSync(folder)).toEqual(["result.txt"])
  })

  it("takes no file's place where it must be the first", async () => {
    writeFileSync(place, "theirs")
    const error = await writeAside(place, { aside, exclusive: true }, (write) => write("ours")).catch(
      (e) => e,
    )
    expect(error.code).toBe("EEXIST")
    expect(content(place)).toBe("theirs")
    expect(readdirSync(folder)).toEqual(["result.txt"])
    rmSync(place)
    await writeAside(place, { aside, exclusive: true }, (write) => write("ours"))
    expect(content(place)).toBe("ours")
    expect(existsSync(aside)).toBe(false)
  })

  it("overwrites what a run that was killed left aside", async () => {
    writeFileSync(aside, "left by the dead")
    await writeAside(place, { aside }, (write) => write("x"))
    expect(content(place)).toBe("x")
  })

  it.skipIf(process.platform === "win32")(
    "has the permissions that it should, whatever the umask",
    async () => {
      const before = process.umask(0o077)
      try {
        await writeAside(place, { aside, mode: 0o644 }, async (write) => {
          expect(statSync(aside).mode & 0o777 & ~0o644).toBe(0)
          await write("x")
        })
      } finally {
        process.umask(before)
      }
      expect(statSync(place).mode & 0o777).toBe(0o644)
    },
  )

  it("tells failures of the file from those of the work", async () => {
    const failure = () => new Error("the file's")
    const nowhere = join(folder, "none", "x")
    await expect(writeAside(nowhere, { aside: `${nowhere}.part`, failure }, async () => {})).rejects.toThrow(
      "the file's",
    )
    const own = () => Promise.reject(new Error("the work's"))
    await expect(makeAside(place, { aside, failure }, own)).rejects.toThrow("the work's")
  })
})

it("tells how a file begins, from any byte on, also of shorter ones", async () => {
  writeFileSync(place, "abcdef")
  expect(await beginsWith(place, "abc")).toBe(true)
  expect(await beginsWith(place, "cd", 2)).toBe(true)
  expect(await beginsWith(place, "abcdefg")).toBe(false)
  expect(await beginsWith(place, "cd", 40)).toBe(false)
})
