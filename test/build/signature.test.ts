/** The check of macOS signatures, on a Mach-O file of a few hundred bytes, signed here. */
import { describe, expect, it } from "bun:test"
import { createHash } from "node:crypto"
import { adHocSigned, machSignature } from "../../scripts/build/signature.ts"

const limit = 200
const page = 64

/** Header, LC_CODE_SIGNATURE, content up to `limit`, then a signature with pages of 64 bytes, the last one a part of one. */
function signed(): Buffer {
  const slots = Math.ceil(limit / page)
  const length = 20 + 44 + slots * 32
  const file = Buffer.alloc(limit + length, 7)
  file.writeUInt32LE(1, 16)
  for (const [at, value] of [0x1d, 16, limit, length].entries()) file.writeUInt32LE(value, 32 + 4 * at)
  for (const [at, value] of [0xfade0cc0, length, 1, 0, 20].entries())
    file.writeUInt32BE(value, limit + 4 * at)
  const blob = limit + 20
  file.fill(0, blob, blob + 44)
  file.writeUInt32BE(0xfade0c02, blob)
  file.writeUInt32BE(44, blob + 16)
  file.writeUInt32BE(slots, blob + 28)
  file.writeUInt32BE(limit, blob + 32)
  file.set([32, 2, 0, 6], blob + 36)
  for (let n = 0; n < slots; n++) {
    const content = file.subarray(n * page, Math.min((n + 1) * page, limit))
    createHash("sha256")
      .update(content)
      .digest()
      .copy(file, blob + 44 + n * 32)
  }
  return file
}

function changed(change: (file: Buffer) => void): Buffer {
  const file = signed()
  change(file)
  return file
}

describe("a signature for macOS", () => {
  it("holds while nothing is changed", () => {
    expect(machSignature(signed())).toBe("valid")
  })

  it("is broken by one byte, in the first page and in the last", () => {
    expect(machSignature(changed((file) => file.writeUInt8(1, 50)))).toBe("broken")
    expect(machSignature(changed((file) => file.writeUInt8(1, limit - 1)))).toBe("broken")
  })

  it("is broken by what follows it, and by covering less than all before it", () => {
    expect(machSignature(Buffer.concat([signed(), Buffer.alloc(1)]))).toBe("broken")
    expect(machSignature(changed((file) => file.writeUInt32BE(limit - page, limit + 20 + 32)))).toBe("broken")
  })

  it("is replaced by one without a name where it does not hold, whatever its length", () => {
    const broken = changed((file) => file.writeUInt8(1, 50))
    const repaired = adHocSigned(broken, "druidsync")
    expect(machSignature(repaired)).toBe("valid")
    expect(repaired.subarray(48, limit).equals(broken.subarray(48, limit))).toBe(true)
    expect(repaired.includes("druidsync\0")).toBe(true)
    expect(adHocSigned(repaired, "druidsync").equals(repaired)).toBe(true)
    expect(
      machSignature(Buffer.concat([repaired.subarray(0, 60), Buffer.alloc(1), repaired.subarray(61)])),
    ).toBe("broken")
  })

  it("is not replaced where there is none at the end of the file", () => {
    expect(() => adHocSigned(Buffer.concat([signed(), Buffer.alloc(1)]), "x")).toThrow(
      "no signature at the end",
    )
    expect(() =>
      adHocSigned(
        changed((file) => file.writeUInt32LE(0x1b, 32)),
        "x",
      ),
    ).toThrow("no signature")
  })

  it("may not be there", () => {
    expect(machSignature(changed((file) => file.writeUInt32LE(0x1b, 32)))).toBe("none")
  })
})
