/** What a release does with files: checksums, gzip, a look at their headers, and how they are called. */
import { afterAll, beforeAll, describe, expect, it } from "bun:test"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { gunzipSync } from "node:zlib"
import { targets } from "../../scripts/build/targets.ts"
import { artifactName, releaseOptions } from "../../scripts/release/arguments.ts"
import { checksumsText } from "../../scripts/release/checksums.ts"
import { gzipFixed } from "../../scripts/release/gzip.ts"
import { inspectFile, inspectHead, mismatch } from "../../scripts/release/inspect.ts"

let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "druidsync-release-test-"))
})

afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})

function file(name: string, content: string): string {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

describe("SHA256SUMS", () => {
  it("has a line for each file, sorted by name, whatever order they come in", () => {
    const paths = [file("b", "abc"), file("a.gz", "")]
    const text =
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 *a.gz\n" +
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad *b\n"
    expect(checksumsText(paths)).toBe(text)
    expect(checksumsText(paths.toReversed())).toBe(text)
  })

  it.skipIf(Bun.which("sha256sum") === null)("is taken by sha256sum -c, which sees a changed byte", () => {
    writeFileSync(join(folder, "SHA256SUMS"), checksumsText([file("one", "1"), file("two", "2")]))
    const check = () => Bun.spawnSync(["sha256sum", "-c", "SHA256SUMS"], { cwd: folder }).exitCode
    expect(check()).toBe(0)
    file("two", "3")
    expect(check()).toBe(1)
  })

  it("refuses two files of one name", () => {
    expect(() => checksumsText([join(folder, "b"), join(folder, "b")])).toThrow("two files are called b")
  })
})

describe("gzip", () => {
  const content = Buffer.from("druidsync ".repeat(1000))

  it("gives the content back", () => {
    expect(gunzipSync(gzipFixed(content))).toEqual(content)
  })

  it("has neither time nor name nor system in its header", () => {
    expect([...gzipFixed(content).subarray(0, 10)]).toEqual([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255])
  })

  it("gives the same bytes twice", () => {
    expect(gzipFixed(content)).toEqual(gzipFixed(content))
  })
})

describe("the look at an executable", () => {
  /** An ELF header with one program header, PT_INTERP. */
  function elf(machine: number, loader: string): Buffer {
    const head = Buffer.alloc(256)
    head.set([0x7f, 0x45, 0x4c, 0x46, 2, 1])
    head.writeUInt16LE(machine, 18)
    head.writeBigUInt64LE(64n, 32)
    head.writeUInt16LE(56, 54)
    head.writeUInt16LE(1, 56)
    head.writeUInt32LE(3, 64)
    head.writeBigUInt64LE(128n, 72)
    head.writeBigUInt64LE(BigInt(loader.length + 1), 96)
    head.write(loader, 128)
    return head
  }

  function machO(cpu: number): Buffer {
    const head = Buffer.alloc(64)
    head.writeUInt32LE(0xfeedfacf, 0)
    head.writeUInt32LE(cpu, 4)
    return head
  }

  function portable(machine: number): Buffer {
    const head = Buffer.alloc(128)
    head.write("MZ")
    head.writeUInt32LE(72, 60)
    head.write("PE\0\0", 72)
    head.writeUInt16LE(machine, 76)
    return head
  }

  const heads: Record<string, Buffer> = {
    "linux-x64": elf(62, "/lib64/ld-linux-x86-64.so.2"),
    "linux-arm64": elf(183, "/lib/ld-linux-aarch64.so.1"),
    "linux-x64-musl": elf(62, "/lib/ld-musl-x86_64.so.1"),
    "linux-arm64-musl": elf(183, "/lib/ld-musl-aarch64.so.1"),
    "darwin-x64": machO(0x01000007),
    "darwin-arm64": machO(0x0100000c),
    "windows-x64": portable(34404),
    "windows-arm64": portable(43620),
  }

  it("knows every target, and takes no other one's file for it", () => {
    expect(Object.keys(heads).toSorted()).toEqual([...targets.keys()].toSorted())
    for (const target of targets.keys())
      for (const [name, head] of Object.entries(heads))
        expect(mismatch(target, inspectHead(head)) === undefined, `${name} as ${target}`).toBe(
          target === name,
        )
  })

  it("reads the program that runs this", () => {
    expect<string>(inspectFile(process.execPath).arch).toBe(process.arch)
  })

  it("refuses what is no executable, by its path", () => {
    const path = file("text", "#!/bin/sh\n")
    expect(() => inspectFile(path)).toThrow(`${path}: it is no ELF, Mach-O or PE file`)
    expect(() => inspectHead(elf(8, "/lib/ld.so"))).toThrow("a machine with the number 8")
  })
})

describe("the arguments", () => {
  it("mean every target at level 19, with the package for npm, unless they say otherwise", () => {
    const all = { targets: [...targets.keys()], level: 19, check: false, npm: true }
    expect(releaseOptions([])).toEqual(all)
    expect(releaseOptions(["--only", "darwin-arm64, linux-x64", "--level=3", "--check", "--no-npm"])).toEqual(
      {
        targets: ["linux-x64", "darwin-arm64"],
        level: 3,
        check: true,
        npm: false,
      },
    )
  })

  it("name no target or level that is not there", () => {
    expect(() => releaseOptions(["--only", "linux-x86"])).toThrow(
      'no target "linux-x86"; there are linux-x64,',
    )
    expect(() => releaseOptions(["--level", "best"])).toThrow("zstd's levels are 1 to 22")
  })

  it("are not needed to know a file's name: it says program, version and target", () => {
    expect(artifactName("druidsync", "0.1.0", "linux-x64-musl")).toBe("druidsync-0.1.0-linux-x64-musl")
    expect(artifactName("druidsync", "0.1.0", "windows-x64")).toBe("druidsync-0.1.0-windows-x64.exe")
  })
})
