/** Runs a program of cases under Bun, Deno and Node. It prints one line of JSON. */
import { spawn } from "node:child_process"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"

const ROOT = join(import.meta.dirname, "../..")
const BIN = join(ROOT, "node_modules/.bin")

async function output(command: string, args: readonly string[]): Promise<string> {
  const child = spawn(command, args, { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] })
  let out = ""
  let err = ""
  child.stdout.on("data", (bytes) => {
    out += bytes
  })
  child.stderr.on("data", (bytes) => {
    err += bytes
  })
  const code = await new Promise<number | null>((done) => child.on("close", done))
  if (code !== 0) throw new Error(`${command} ended with ${code}: ${err}`)
  return out
}

/** What a program answers, by runtime. */
export const RUNTIMES: Readonly<
  Record<string, (program: string, ...args: readonly string[]) => Promise<unknown>>
> = {
  Bun: async (program, ...args) => JSON.parse(await output(join(BIN, "bun"), [program, ...args])),
  Deno: async (program, ...args) =>
    JSON.parse(await output(join(BIN, "deno"), ["run", "-A", "--no-check", program, ...args])),
  async Node(program, ...args) {
    const folder = await mkdtemp(join(tmpdir(), "druidsync-node-"))
    try {
      // Node 20 takes no types: they are taken off first.
      const bundle = join(folder, "cases.mjs")
      await output(join(BIN, "bun"), ["build", program, "--target=node", `--outfile=${bundle}`])
      return JSON.parse(await output("node", [bundle, ...args]))
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  },
}
