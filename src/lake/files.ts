/** What lies in a table's folder: manifests of all shares, and files by name. Looks only at folders that an export makes. */
import { join } from "node:path"
import { DruidsyncError } from "../base/errors.ts"
import type { Disk } from "./disk.ts"
import { isFileOf, isPartitionFolder, isTemporaryOf, MANIFESTS } from "./layout.ts"
import { type Manifest, parseManifest } from "./manifest.ts"

export function manifestPath(folder: string, share: string): string {
  return join(folder, MANIFESTS, `${share}.json`)
}

/**
 * The manifest of one share.
 * @throws DruidsyncError `foreign` (exit 2) if something else is in its place
 */
export async function readManifest(disk: Disk, folder: string, share: string): Promise<Manifest | undefined> {
  const path = manifestPath(folder, share)
  const found = await disk.look(path)
  if (found === undefined) return undefined
  const manifest = found.kind === "file" ? parseManifest(await disk.read(path)) : undefined
  if (manifest !== undefined && manifest.share === share) return manifest
  throw new DruidsyncError("foreign", `${path} is not a manifest that this druidsync understands`, {
    hint: "use the druidsync that wrote it, or another --to; nothing was written",
  })
}

/** The manifests of the other shares, as far as they can be read. We do not wait for an export that is writing one. */
export async function otherManifests(disk: Disk, folder: string, share: string): Promise<Manifest[]> {
  const found: Manifest[] = []
  for (const { name, kind } of await disk.list(join(folder, MANIFESTS))) {
    if (kind !== "file" || !name.endsWith(".json") || name === `${share}.json` || name.startsWith("."))
      continue
    const manifest = parseManifest(await disk.read(join(folder, MANIFESTS, name)))
    if (manifest !== undefined && `${manifest.share}.json` === name) found.push(manifest)
  }
  return found
}

/** A file below a table's folder. */
export interface LakeFile {
  /** from the table's folder, with `/` */
  readonly path: string
  readonly name: string
}

/** Every file in the folders of partitions, and in the table's folder itself; links and other folders are passed over. */
export async function filesIn(disk: Disk, folder: string): Promise<LakeFile[]> {
  const found: LakeFile[] = []
  const walk = async (steps: readonly string[]): Promise<void> => {
    for (const { name, kind } of await disk.list(join(folder, ...steps))) {
      if (kind === "file") found.push({ path: [...steps, name].join("/"), name })
      else if (kind === "folder" && steps.length < 3 && isPartitionFolder(name)) await walk([...steps, name])
    }
  }
  await walk([])
  return found
}

/**
 * Deletes a share's files that its manifest does not have: partitions without rows, and what runs left behind that died.
 * The manifest on the disk already lacks them.
 * @param known the paths that it has
 * @returns paths of what was deleted, temporary files apart
 */
export async function sweep(
  disk: Disk,
  folder: string,
  share: string,
  known: { has(path: string): boolean },
): Promise<string[]> {
  const swept: string[] = []
  for (const { path, name } of await filesIn(disk, folder)) {
    const isTemporary = isTemporaryOf(share, name)
    if (!isTemporary && (!isFileOf(share, name) || known.has(path))) continue
    await disk.remove(join(folder, path))
    if (!isTemporary) swept.push(path)
    // Folders that are empty now; not others, which another share may have made a moment ago.
    const steps = path.split("/").slice(0, -1)
    while (steps.length > 0 && (await disk.removeFolder(join(folder, ...steps)))) steps.pop()
  }
  for (const { name } of await disk.list(join(folder, MANIFESTS)))
    if (isTemporaryOf(share, name)) await disk.remove(join(folder, MANIFESTS, name))
  return swept
}
