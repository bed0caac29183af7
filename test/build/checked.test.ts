/** Which unpacked files are hashed again: all that may have changed, and no others. */

import { afterEach, beforeEach, describe, expect, it } from "bun:test"
import { createHash } from "node:crypto"
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { CheckedFiles } from "../../src/store/native/checked.ts"

const TEXT = "the library"
const OTHER = "the lobrary"
const DIFFERS = "has other content than the one built in"

describe("CheckedFiles", () => {
  let folder: string
  let path: string
  let note: string
  const file = {
    name: "libthing.so",
    sha256: createHash("sha256").update(TEXT).digest("hex"),
    bytes: TEXT.length,
  }

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "druidsync-checked-test-"))
    path = join(folder, file.name)
    note = join(folder, "checked.json")
    writeFileSync(path, TEXT, { mode: 0o600 })
  })
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true })
  })

  /** As a start does it. */
  function start(expected = file): string | undefined {
    const files = new CheckedFiles(folder)
    const difference = files.differenceOf(path, expected)
    files.note()
    return difference
  }

  /** A note that says of the file as it is now that it was hashed and found right: what is believed shows whether it is read. */
  function noteAsRight(): void {
    const right = createHash("sha256").update(readFileSync(path)).digest("hex")
    expect(start({ ...file, sha256: right })).toBeUndefined()
    writeFileSync(note, readFileSync(note, "utf8").replace(right, file.sha256))
  }

  it("is content with the file that was built in, and says what is wrong with another", () => {
    expect(start()).toBeUndefined()
    writeFileSync(path, OTHER)
    expect(start()).toBe(DIFFERS)
    writeFileSync(path, "short")
    expect(start()).toBe("has 5 bytes, not 11")
  })

  it("does not read a file again that is as it was when it was hashed", () => {
    writeFileSync(path, OTHER)
    noteAsRight()
    expect(start()).toBeUndefined()
  })

  it("hashes a file again that was written to, though its size and its time are what they were", () => {
    expect(start()).toBeUndefined()
    const { atime, mtime } = statSync(path)
    writeFileSync(path, OTHER)
    utimesSync(path, atime, mtime)
    expect(start()).toBe(DIFFERS)
  })

  it("hashes a file again that took the place of the one that was hashed", () => {
    expect(start()).toBeUndefined()
    rmSync(path)
    writeFileSync(path, OTHER, { mode: 0o600 })
    expect(start()).toBe(DIFFERS)
  })

  it("does not believe a note about another version's file of the same name", () => {
    expect(start()).toBeUndefined()
    expect(start({ ...file, sha256: "0".repeat(64) })).toBe(DIFFERS)
  })

  it.skipIf(process.platform === "win32")("does not believe a note that others can write to", () => {
    writeFileSync(path, OTHER)
    noteAsRight()
    chmodSync(note, 0o666)
    expect(start()).toBe(DIFFERS)
  })

  it.each(["", "{}", "[1]", "not JSON", "x".repeat(20_000)])(
    "hashes where the note is damaged: %p",
    (text) => {
      writeFileSync(path, OTHER)
      writeFileSync(note, text, { mode: 0o600 })
      expect(start()).toBe(DIFFERS)
    },
  )
})
