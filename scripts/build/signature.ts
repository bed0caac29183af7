/**
 * Signatures of Mach-O files: whether one still holds, and a new one without a name ("ad hoc"). macOS ends a program of Apple silicon whose signature does not, and machines of a
 * CI may be laxer than those of users; Bun signs what it compiles, and versions of it have got that wrong
 * (oven-sh/bun issues 29306 and 39764), so each page is hashed here. What it makes for darwin-x64 keeps the signature of
 * the Bun that it was made from, which covers other bytes. Layout: Apple's cs_blobs.h.
 */
import { createHash } from "node:crypto"

export type Signature = "valid" | "broken" | "none"

/** `file` is all of a 64-bit little-endian Mach-O file. */
export function machSignature(file: Buffer): Signature {
  const place = signaturePlace(file)
  if (place === undefined) return "none"
  const { start, end } = place
  // The kernel wants it at the very end.
  if (end !== file.length || file.readUInt32BE(start) !== 0xfade0cc0) return "broken"
  for (let n = 0; n < file.readUInt32BE(start + 8); n++) {
    const blob = start + file.readUInt32BE(start + 16 + 8 * n)
    if (file.readUInt32BE(blob) === 0xfade0c02) return directoryHolds(file, blob, start) ? "valid" : "broken"
  }
  return "broken"
}

const LC_SEGMENT_64 = 0x19
const LC_CODE_SIGNATURE = 0x1d

/** Offsets of the load commands of a kind. */
function* commands(file: Buffer, kind: number): Generator<number> {
  let at = 32
  for (let n = 0; n < file.readUInt32LE(16); n++) {
    if (file.readUInt32LE(at) === kind) yield at
    at += file.readUInt32LE(at + 4)
  }
}

function signaturePlace(file: Buffer): { start: number; end: number } | undefined {
  const [at] = commands(file, LC_CODE_SIGNATURE)
  if (at === undefined) return undefined
  const start = file.readUInt32LE(at + 8)
  return { start, end: start + file.readUInt32LE(at + 12) }
}

/** The CodeDirectory has a SHA-256 for each page of all that is before the signature; the last page may be a part of one. */
function directoryHolds(file: Buffer, blob: number, signature: number): boolean {
  const hashes = blob + file.readUInt32BE(blob + 16)
  const slots = file.readUInt32BE(blob + 28)
  const limit = file.readUInt32BE(blob + 32)
  const size = file[blob + 36]!
  const page = 2 ** file[blob + 39]!
  if (size !== 32 || file[blob + 37] !== 2 || limit !== signature || slots !== Math.ceil(limit / page))
    return false
  for (let n = 0; n < slots; n++) {
    const content = file.subarray(n * page, Math.min((n + 1) * page, limit))
    const wanted = file.subarray(hashes + n * size, hashes + (n + 1) * size)
    if (!createHash("sha256").update(content).digest().equals(wanted)) return false
  }
  return true
}

const PAGE_BITS = 12
const PAGE = 1 << PAGE_BITS
/** of a CodeDirectory of version 0x20400 */
const DIRECTORY_BYTES = 88
const SUPER_BLOB_BYTES = 20

/**
 * The file with an ad-hoc signature in place of the one that it has at its end, as `codesign --sign -` makes it, without
 * the hardened runtime. The same bytes for the same file.
 * @param identifier what the signature calls the program
 * @throws Error where the file has no signature at its end to be replaced
 */
export function adHocSigned(file: Buffer, identifier: string): Buffer {
  const place = signaturePlace(file)
  if (place === undefined || place.end !== file.length)
    throw new Error("no signature at the end of the file to be replaced")
  const limit = place.start
  const name = Buffer.from(`${identifier}\0`, "utf8")
  const slots = Math.ceil(limit / PAGE)
  const directoryBytes = DIRECTORY_BYTES + name.length + slots * 32
  const bytes = SUPER_BLOB_BYTES + directoryBytes
  const signed = Buffer.concat([file.subarray(0, limit), Buffer.alloc(bytes)])

  // The header tells the signature's length, and is signed too: it comes first.
  const [command] = commands(signed, LC_CODE_SIGNATURE)
  signed.writeUInt32LE(bytes, command! + 12)
  let code = { start: 0n, bytes: 0n }
  for (const at of commands(signed, LC_SEGMENT_64)) {
    const segment = signed.toString("latin1", at + 8, at + 24).replace(/\0+$/, "")
    if (segment === "__TEXT")
      code = { start: signed.readBigUInt64LE(at + 40), bytes: signed.readBigUInt64LE(at + 48) }
    if (segment !== "__LINKEDIT") continue
    const inFile = BigInt(limit + bytes) - signed.readBigUInt64LE(at + 40)
    const page = 16_384n
    signed.writeBigUInt64LE(((inFile + page - 1n) / page) * page, at + 32)
    signed.writeBigUInt64LE(inFile, at + 48)
  }

  const directory = limit + SUPER_BLOB_BYTES
  const words = (at: number, values: readonly number[]) => {
    for (const [n, value] of values.entries()) signed.writeUInt32BE(value, at + 4 * n)
  }
  words(limit, [0xfade0cc0, bytes, 1, 0, SUPER_BLOB_BYTES])
  const [version, adHoc] = [0x20400, 2]
  const hashes = DIRECTORY_BYTES + name.length
  words(directory, [0xfade0c02, directoryBytes, version, adHoc, hashes, DIRECTORY_BYTES, 0, slots, limit])
  // SHA-256: its size and its number; then the platform, and the size of a page
  signed.set([32, 2, 0, PAGE_BITS], directory + 36)
  signed.writeBigUInt64BE(code.start, directory + 64)
  signed.writeBigUInt64BE(code.bytes, directory + 72)
  signed.writeBigUInt64BE(1n, directory + 80)
  name.copy(signed, directory + DIRECTORY_BYTES)
  for (let n = 0; n < slots; n++) {
    const content = signed.subarray(n * PAGE, Math.min((n + 1) * PAGE, limit))
    createHash("sha256")
      .update(content)
      .digest()
      .copy(signed, directory + hashes + n * 32)
  }
  return signed
}
