/** A copy that can be stopped between two pieces, and is the same byte for byte where it is not. */
import { afterEach, beforeEach, describe, expect, it } from "bun:test"
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { copyWhole } from "../../src/store/file/copy.ts"

/** More than two pieces, and no whole number of them. */
const BYTES = (20 << 20) + 12_345

let folder: string
const from = () => join(folder, "from")
const to = () => join(folder, "to")
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "druidsync-copy-"))
  writeFileSync(from(), Buffer.alloc(BYTES, "what a file holds, "))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** Is aborted when it is looked at for the n-th time. */
function abortedAtLook(n: number): AbortSignal {
  const controller = new AbortController()
  const { signal } = controller
  let looks = 0
  const throwIfAborted = () => {
    if (++looks === n) controller.abort(new Error("the time is over"))
    AbortSignal.prototype.throwIfAborted.call(signal)
  }
  return Object.assign(signal, { throwIfAborted })
}

describe("a copy", () => {
  it("is the same byte for byte", async () => {
    await copyWhole(from(), to())
    expect(readFileSync(to()).equals(readFileSync(from()))).toBe(true)
  })

  it("ends between two pieces when its signal is aborted", async () => {
    const outcome = await copyWhole(from(), to(), abortedAtLook(3)).catch((error: Error) => error.message)
    // A file system that clones has it whole at once.
    if (outcome === undefined) expect(statSync(to()).size).toBe(BYTES)
    else {
      expect(outcome).toBe("the time is over")
      expect(statSync(to()).size).toBe(8 << 20)
    }
  })

  it("is put over nothing that is there", async () => {
    writeFileSync(to(), "mine")
    expect(await copyWhole(from(), to()).catch((error) => error.code)).toBe("EEXIST")
    expect(readFileSync(to(), "utf8")).toBe("mine")
  })
})
