/** Making what was written outlive a power cut. */
import { open } from "node:fs/promises"

/** Waits until the disk has the file. */
export async function syncFile(path: string): Promise<void> {
  const handle = await open(path, "r+")
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** So that a rename in it, too, outlives a power cut. Not every system can; the file is whole either way. */
export async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, "r").catch(() => undefined)
  await handle?.sync().catch(() => undefined)
  await handle?.close()
}
