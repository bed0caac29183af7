/**
 * The package for npm in use: made, installed from its `.tgz` into an empty folder, and tried there under Node, Bun and Deno.
 * `bun scripts/release/try-npm.ts [--tgz release/druidsync-0.1.0.tgz]`
 */
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { parseArgs } from "node:util"
import packageJson from "../../package.json" with { type: "json" }
import { root } from "../build/packages.ts"
import { npmPackage } from "./npm.ts"
import { output, timesText, trial } from "./trial.ts"

const { values } = parseArgs({ options: { tgz: { type: "string" } } })
const { name, version } = packageJson
const installed = (program: string) => join(root, "node_modules/.bin", program)

/** How users start it. Each is told not to fetch anything: what is tried is the package in the folder. */
const ways: readonly (readonly [name: string, command: readonly string[]])[] = [
  ["Node", ["npx", "--no", "--", name]],
  ["Bun", [installed("bun"), "x", "--bun", "--no-install", name]],
  ["Deno", [installed("deno"), "run", "-A", "--quiet", `npm:${name}@${version}`]],
]

const folder = mkdtempSync(join(tmpdir(), "druidsync-npm-"))
let failed = 0
try {
  const made =
    values.tgz === undefined ? await npmPackage(mkdtempSync(join(folder, "made-"))) : resolve(values.tgz)
  const place = join(folder, "empty")
  mkdirSync(place)
  writeFileSync(join(place, "package.json"), '{ "private": true }\n')
  const tgz = join(folder, "package.tgz")
  copyFileSync(made, tgz)
  await output(["npm", "install", "--no-audit", "--no-fund", tgz], place)
  const got = JSON.parse(readFileSync(join(place, "node_modules", name, "package.json"), "utf8"))
  if (got.version !== version) throw new Error(`installed is ${name} ${got.version}, not ${version}`)
  console.error(`${name} ${version} installed from ${made.split(/[\\/]/).at(-1)}`)
  for (const [runtime, command] of ways) {
    const result = await trial(command, { version, cwd: place }).then(timesText, (error: Error) => {
      failed++
      return `FAILED: ${error.message}`
    })
    console.error(`${runtime.padEnd(5)} ${result}`)
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
process.exitCode = failed === 0 ? 0 : 1
