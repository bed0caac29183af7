/** Which machine an executable is for, read from its own header: a wrong file under a right name is not released. */
import { closeSync, openSync, readSync } from "node:fs"

export interface Machine {
  format: "ELF" | "Mach-O" | "PE"
  /** as Node names it */
  arch: "x64" | "arm64"
  /** ELF only: the loader that it asks for, such as `/lib/ld-musl-x86_64.so.1` */
  loader: string | undefined
}

const headBytes = 64 << 10

/** @throws Error where it is no executable of a known kind */
export function inspectFile(path: string): Machine {
  const head = Buffer.alloc(headBytes)
  const file = openSync(path, "r")
  try {
    return inspectHead(head.subarray(0, readSync(file, head, 0, headBytes, 0)))
  } catch (error) {
    throw new Error(`${path}: ${error instanceof Error ? error.message : error}`)
  } finally {
    closeSync(file)
  }
}

/** `head` is the start of the file, some kilobytes of it. @throws Error where it is no executable of a known kind */
export function inspectHead(head: Buffer): Machine {
  if (head.length >= 64) {
    if (head.readUInt32BE(0) === 0x7f454c46) return elf(head)
    if (head.readUInt32LE(0) === 0xfeedfacf) return machO(head)
    if (head.toString("latin1", 0, 2) === "MZ") return portable(head)
  }
  throw new Error("it is no ELF, Mach-O or PE file")
}

/** elf(5): class, byte order, e_machine, and the segment PT_INTERP */
function elf(head: Buffer): Machine {
  if (head[4] !== 2 || head[5] !== 1) throw new Error("an ELF file, but not 64-bit little-endian")
  const arch = archOf(head.readUInt16LE(18), { 62: "x64", 183: "arm64" })
  const offset = Number(head.readBigUInt64LE(32))
  const size = head.readUInt16LE(54)
  for (let n = 0; n < head.readUInt16LE(56); n++) {
    const at = offset + n * size
    if (head.readUInt32LE(at) !== 3) continue
    const start = Number(head.readBigUInt64LE(at + 8))
    const length = Number(head.readBigUInt64LE(at + 32))
    return {
      format: "ELF",
      arch,
      loader: head.toString("latin1", start, start + length).replace(/\0.*$/, ""),
    }
  }
  return { format: "ELF", arch, loader: undefined }
}

function machO(head: Buffer): Machine {
  return {
    format: "Mach-O",
    arch: archOf(head.readUInt32LE(4), { 16777223: "x64", 16777228: "arm64" }),
    loader: undefined,
  }
}

/** The MS-DOS header says where the PE header is, which begins with the machine. */
function portable(head: Buffer): Machine {
  const at = head.readUInt32LE(60)
  if (at + 6 > head.length || head.toString("latin1", at, at + 4) !== "PE\0\0")
    throw new Error("an MS-DOS program, not one for Windows")
  return {
    format: "PE",
    arch: archOf(head.readUInt16LE(at + 4), { 34404: "x64", 43620: "arm64" }),
    loader: undefined,
  }
}

function archOf(code: number, known: Record<number, "x64" | "arm64">): "x64" | "arm64" {
  const arch = known[code]
  if (arch === undefined) throw new Error(`it is for a machine with the number ${code}`)
  return arch
}

/** What is wrong with a file of this target (`linux-x64-musl`), or undefined. */
export function mismatch(target: string, found: Machine): string | undefined {
  const [system, arch, libc] = target.split("-")
  const format = system === "linux" ? "ELF" : system === "darwin" ? "Mach-O" : "PE"
  if (found.format !== format) return `it is ${found.format}, not ${format}`
  if (found.arch !== arch) return `it is for ${found.arch}, not ${arch}`
  if (format !== "ELF") return undefined
  const isMusl = found.loader?.includes("musl") ?? false
  return isMusl === (libc === "musl") ? undefined : `its loader is ${found.loader}`
}
