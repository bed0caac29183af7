/**
 * The executables that this machine cannot run by itself: linux-arm64 under qemu-user, and those for musl where its loader is.
 * `bun scripts/release/try-arm64.ts [--folder release] [--require linux-arm64]` tries what is there and says what is missing;
 * what is required must have been tried.
 */
import { existsSync } from "node:fs"
import { join, resolve } from "node:path"
import { parseArgs } from "node:util"
import packageJson from "../../package.json" with { type: "json" }
import { root } from "../build/packages.ts"
import { artifactName } from "./arguments.ts"
import { timesText, trial } from "./trial.ts"

interface Way {
  target: string
  /** what goes before the executable */
  command: readonly string[]
  env?: Record<string, string>
  /** what has to be there, and how it comes there */
  needs: readonly (readonly [path: string, how: string])[]
}

const { values } = parseArgs({
  options: {
    folder: { type: "string", default: join(root, "release") },
    require: { type: "string", multiple: true, default: [] },
  },
})
const { name, version } = packageJson
const qemu = "/usr/bin/qemu-aarch64-static"
/** the C libraries of arm64, as Debian's packages for cross-compilers lay them out */
const sysroot = "/usr/aarch64-linux-gnu"
const isArm = process.arch === "arm64"
const emulated: Way["needs"] = isArm ? [] : [[qemu, "apt-get install qemu-user-static"]]

const ways: readonly Way[] = [
  {
    target: "linux-arm64",
    command: isArm ? [] : [qemu, "-L", sysroot],
    needs: [
      ...emulated,
      ...(isArm
        ? []
        : ([
            [`${sysroot}/lib/ld-linux-aarch64.so.1`, "apt-get install libc6-arm64-cross"],
            [`${sysroot}/lib/libstdc++.so.6`, "apt-get install libstdc++6-arm64-cross"],
          ] as const)),
    ],
  },
  ...(["x64", "arm64"] as const).map((arch): Way => {
    const loader = `/lib/ld-musl-${arch === "x64" ? "x86_64" : "aarch64"}.so.1`
    const foreign = arch !== process.arch
    return {
      target: `linux-${arch}-musl`,
      command: foreign ? [qemu] : [],
      needs: [
        ...(foreign ? [[qemu, "apt-get install qemu-user-static"] as const] : []),
        [loader, `apt-get install musl:${arch === "x64" ? "amd64" : "arm64"}`],
      ],
    }
  }),
]

let failed = 0
for (const { target, command, env, needs } of ways) {
  const executable = resolve(values.folder, artifactName(name, version, target))
  const missing = [...needs, [executable, `npm run release -- --only ${target}`] as const].filter(
    ([path]) => !existsSync(path),
  )
  if (missing.length > 0) {
    if (values.require.includes(target)) failed++
    say(target, `not tried: ${missing.map(([path, how]) => `${path} is not there (${how})`).join(", ")}`)
    continue
  }
  try {
    say(target, timesText(await trial([...command, executable], { version, env })))
  } catch (error) {
    failed++
    say(target, `FAILED: ${error instanceof Error ? error.message : error}`)
  }
}
process.exitCode = failed === 0 ? 0 : 1

function say(target: string, text: string): void {
  console.error(`${target.padEnd(16)} ${text}`)
}
