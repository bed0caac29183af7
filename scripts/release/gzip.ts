/** gzip without what differs from one machine and moment to the next: no time, no name, no operating system. */
import { gzipSync } from "node:zlib"

/** Level 6: what is inside is compressed already, so a higher one takes long and wins nothing. */
const level = 6

/** The same bytes for the same content, wherever and whenever. The file's name is that of the `.gz` without its end. */
export function gzipFixed(content: Uint8Array): Uint8Array {
  const packed = gzipSync(content, { level })
  // RFC 1952: FLG, four bytes of MTIME, XFL, OS. 255 is "unknown".
  if (packed[0] !== 0x1f || packed[1] !== 0x8b || packed[3] !== 0)
    throw new Error("this is no plain gzip header: the runtime writes it differently now")
  packed.fill(0, 4, 9)
  packed[9] = 255
  return packed
}
