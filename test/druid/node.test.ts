import { expect, it } from "bun:test"
import { execFile } from "node:child_process"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"

const run = promisify(execFile)

const PROGRAM = `
import { mergedColumns } from ${JSON.stringify(join(import.meta.dirname, "../../src/druid/segment-columns.ts"))}
const settled = new Map([["a", { multiValue: false, types: new Set(["LONG"]) }]])
const live = new Map([["a", { multiValue: true, types: new Set(["STRING"]) }]])
const { multiValue, types } = mergedColumns([settled, live]).get("a")
console.log(JSON.stringify({ multiValue, types: [...types] }))
`

it("merges a column of settled and live segments under Node as under Bun", async () => {
  const folder = await mkdtemp(join(tmpdir(), "druidsync-node-"))
  try {
    await Bun.write(join(folder, "program.ts"), PROGRAM)
    const bundle = join(folder, "program.mjs")
    await run(process.execPath, ["build", join(folder, "program.ts"), "--target=node", `--outfile=${bundle}`])
    const { stdout } = await run("node", [bundle])
    expect(JSON.parse(stdout)).toEqual({ multiValue: true, types: ["LONG", "STRING"] })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
