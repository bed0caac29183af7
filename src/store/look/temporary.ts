/** A desk for those who only look: its folder is made where the first answer comes, in the system's folder for such, and removed. */
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { SegmentsDesk } from "../../base/segments-look.ts"
import type { Engine } from "../engine.ts"
import { segmentsDesk } from "./desk.ts"

/**
 * Runs `work` with a desk.
 * @param place folder to make it in. Default: the system's for temporary files
 */
export async function withTemporaryDesk<T>(
  engine: Engine,
  place: string | undefined,
  work: (desk: SegmentsDesk) => Promise<T>,
): Promise<T> {
  let folder: Promise<string> | undefined
  const desk = segmentsDesk(await engine.beside(), () => {
    folder ??= mkdtemp(join(place ?? tmpdir(), "druidsync-"))
    return folder
  })
  try {
    return await work(desk)
  } finally {
    const made = await folder?.catch(() => undefined)
    if (made !== undefined) await rm(made, { recursive: true, force: true })
  }
}
