/**
 * The files of a lake: the few steps that an export takes. Each happens completely or not at all, and none follows a symbolic
 * link below the lake's folder. It is an interface so that a test can simulate a crash at any step.
 */
import { createHash } from "node:crypto"
import { createReadStream } from "node:fs"
import { lstat, mkdir, readdir, readFile, rename, rm, rmdir, writeFile } from "node:fs/promises"
import { dirname } from "node:path"
import { syncFile, syncFolder } from "../base/aside.ts"

export type Kind = "file" | "folder" | "other"

export interface Entry {
  readonly name: string
  readonly kind: Kind
}

export interface Disk {
  /** makes one folder in one that is there; a folder that is there already is fine */
  makeFolder(path: string): Promise<void>
  /** by name; nothing where there is no such folder */
  list(path: string): Promise<readonly Entry[]>
  /** what is there, links not followed; undefined for nothing */
  look(path: string): Promise<{ readonly kind: Kind; readonly bytes: number } | undefined>
  read(path: string): Promise<string>
  /** makes a new file with this text; resolves when it is on the disk */
  write(path: string, text: string): Promise<void>
  /** waits until a file that is written is on the disk */
  sync(path: string): Promise<void>
  /** replaces what is there in one step; resolves when the new name is on the disk */
  rename(from: string, to: string): Promise<void>
  remove(path: string): Promise<void>
  /** @returns false if it is not empty, or not there */
  removeFolder(path: string): Promise<boolean>
  /** lower-case hex digits */
  sha256(path: string): Promise<string>
}

const kindOf = (found: { isFile(): boolean; isDirectory(): boolean }): Kind =>
  found.isFile() ? "file" : found.isDirectory() ? "folder" : "other"

const isMissing = (error: unknown) => ["ENOENT", "ENOTDIR"].includes((error as { code?: string }).code ?? "")

/** The disk itself. */
export const realDisk: Disk = {
  async makeFolder(path) {
    try {
      await mkdir(path)
    } catch (error) {
      if ((error as { code?: string }).code !== "EEXIST" || !(await lstat(path)).isDirectory()) throw error
    }
  },
  async list(path) {
    try {
      const found = await readdir(path, { withFileTypes: true })
      return found
        .map((one) => ({ name: one.name, kind: kindOf(one) }))
        .sort((a, b) => (a.name < b.name ? -1 : 1))
    } catch (error) {
      if (isMissing(error)) return []
      throw error
    }
  },
  async look(path) {
    try {
      const found = await lstat(path)
      return { kind: kindOf(found), bytes: found.size }
    } catch (error) {
      if (isMissing(error)) return undefined
      throw error
    }
  },
  read: (path) => readFile(path, "utf8"),
  async write(path, text) {
    await writeFile(path, text, { flag: "wx" })
    await syncFile(path)
  },
  sync: syncFile,
  async rename(from, to) {
    await rename(from, to)
    await syncFolder(dirname(to))
  },
  remove: (path) => rm(path, { force: true }),
  removeFolder: (path) =>
    rmdir(path).then(
      () => true,
      (error) => {
        if (isMissing(error) || ["ENOTEMPTY", "EEXIST"].includes((error as { code?: string }).code ?? ""))
          return false
        throw error
      },
    ),
  async sha256(path) {
    const hash = createHash("sha256")
    for await (const piece of createReadStream(path)) hash.update(piece as Uint8Array)
    return hash.digest("hex")
  },
}
