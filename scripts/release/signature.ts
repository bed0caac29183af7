/**
 * Whether a Mach-O file's signature still holds. macOS ends a program of Apple silicon whose signature does not, and machines of a
 * CI may be laxer than those of users; Bun signs what it compiles, and versions of it have got that wrong
 * (oven-sh/bun issues 29306 and 39764), so each page is hashed here. Layout: Apple's cs_blobs.h.
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

/** LC_CODE_SIGNATURE */
function signaturePlace(file: Buffer): { start: number; end: number } | undefined {
  let at = 32
  for (let n = 0; n < file.readUInt32LE(16); n++) {
    if (file.readUInt32LE(at) === 0x1d) {
      const start = file.readUInt32LE(at + 8)
      return { start, end: start + file.readUInt32LE(at + 12) }
    }
    at += file.readUInt32LE(at + 4)
  }
  return undefined
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
