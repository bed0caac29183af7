/** A copy of a file that can be stopped: a run that is given a time must end in it, however big its file is. */
import { constants } from "node:fs"
import { copyFile, open } from "node:fs/promises"

/** Bytes between two looks at the signal. */
const PIECE = 8 << 20
/** Bytes that may wait for the disk: the caller, which syncs the file, waits for the rest. */
const UNSYNCED = 64 << 20

/**
 * Copies a file: by reference where the file system can, else piece by piece.
 * @param to where nothing is yet; what is there after an error is for the caller to remove
 * @throws the system's error; the signal's reason
 */
export async function copyWhole(from: string, to: string, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted()
  const isCloned = await copyFile(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE_FORCE).then(
    () => true,
    // Most file systems cannot; whatever else is wrong is met again below.
    () => false,
  )
  if (isCloned) return
  const source = await open(from, "r")
  try {
    const target = await open(to, "wx", 0o600)
    try {
      const piece = Buffer.allocUnsafe(PIECE)
      let unsynced = 0
      for (;;) {
        signal?.throwIfAborted()
        const { bytesRead } = await source.read(piece, 0, PIECE, null)
        if (bytesRead === 0) return
        for (let at = 0; at < bytesRead; )
          at += (await target.write(piece, at, bytesRead - at, null)).bytesWritten
        unsynced += bytesRead
        if (unsynced < UNSYNCED) continue
        await target.datasync()
        unsynced = 0
      }
    } finally {
      await target.close()
    }
  } finally {
    await source.close()
  }
}
