/** What a release is told: `--only linux-x64,darwin-arm64 --level 19 --check --no-npm`. */
import { parseArgs } from "node:util"
import { targets } from "../build/targets.ts"

export interface ReleaseOptions {
  /** the targets to build, in the order of `targets` */
  targets: readonly string[]
  /** zstd's, of the embedded library */
  level: number
  /** build everything twice and compare */
  check: boolean
  /** make the package for npm as well */
  npm: boolean
}

/** @throws Error for a target or level that is not there */
export function releaseOptions(args: readonly string[]): ReleaseOptions {
  const { values } = parseArgs({
    args: [...args],
    allowNegative: true,
    options: {
      only: { type: "string" },
      level: { type: "string", default: "19" },
      check: { type: "boolean", default: false },
      npm: { type: "boolean", default: true },
    },
  })
  const wanted = values.only?.split(",").map((name) => name.trim())
  const unknown = wanted?.filter((name) => !targets.has(name)) ?? []
  if (unknown.length > 0)
    throw new Error(`no target "${unknown.join('", "')}"; there are ${[...targets.keys()].join(", ")}`)
  const level = Number(values.level)
  if (!Number.isInteger(level) || level < 1 || level > 22)
    throw new Error(`--level ${values.level}: zstd's levels are 1 to 22`)
  return {
    targets: [...targets.keys()].filter((name) => wanted === undefined || wanted.includes(name)),
    level,
    check: values.check,
    npm: values.npm,
  }
}

/** `druidsync-0.1.0-linux-x64`, with `.exe` for Windows */
export function artifactName(name: string, version: string, target: string): string {
  return `${name}-${version}-${target}${target.startsWith("windows") ? ".exe" : ""}`
}
