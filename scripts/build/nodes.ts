/**
 * Node itself, as npm has it: the oldest release that `engines` in package.json promises to run on, and the newest one.
 * `nodes.json` names their packages by version and hash; a new release of Node is a change there.
 */
import { join } from "node:path"
import nodes from "./nodes.json" with { type: "json" }
import { fetchedFolder, type Locked } from "./packages.ts"

const name = `node-${process.platform}-${process.arch}`

/** Whether they are named for this machine. */
export const hasNodes = Object.hasOwn(nodes.oldest, name) && Object.hasOwn(nodes.newest, name)

/** The path of a Node for this machine, fetched once. @throws Error where none is named for it */
export function nodeProgram(age: keyof typeof nodes): string {
  const found = (nodes[age] as Readonly<Record<string, Locked>>)[name]
  if (found === undefined) throw new Error(`scripts/build/nodes.json names no ${age} ${name}`)
  return join(fetchedFolder(name, found, "bin/node"), "bin/node")
}
