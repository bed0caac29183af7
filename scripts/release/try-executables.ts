/**
 * The executables of a release in use, as far as this machine can run them: its own target, linux-x64 on a processor of 2008,
 * linux-arm64 under qemu-user, and musl's.
 * `bun scripts/release/try-executables.ts [--folder release] [--require linux-arm64] [--musl-libraries /usr/lib]` tries what is
 * there and says what is missing; what is required must have been tried. Musl's need Alpine's libstdc++.
 */
import { chmodSync, existsSync } from "node:fs"
import { join, resolve } from "node:path"
import { parseArgs } from "node:util"
import packageJson from "../../package.json" with { type: "json" }
import { hostTarget } from "../build/build.ts"
import { root } from "../build/packages.ts"
import { artifactName } from "./arguments.ts"
import { timesText, trial } from "./trial.ts"

interface Way {
  target: string
  /** what it is called here where that is not the target */
  label?: string
  /** what goes before the executable */
  command: readonly string[]
  env?: Record<string, string>
  /** what has to be there, and how it comes there */
  needs: readonly (readonly [path: string, how: string])[]
  /** once all that is there: why it will not do */
  obstacle?: () => string | undefined
}

const { values } = parseArgs({
  options: {
    folder: { type: "string", default: join(root, "release") },
    require: { type: "string", multiple: true, default: [] },
    "musl-libraries": { type: "string", default: "/usr/lib" },
  },
})
const { name, version } = packageJson
const qemu = { x64: "/usr/bin/qemu-x86_64-static", arm64: "/usr/bin/qemu-aarch64-static" }
type Arch = keyof typeof qemu

function emulator(arch: Arch): readonly string[] {
  return arch === process.arch ? [] : [qemu[arch]]
}

function glibc(arch: Arch): Way {
  const sysroot = `/usr/${arch === "x64" ? "x86_64" : "aarch64"}-linux-gnu`
  const loader = arch === "x64" ? "ld-linux-x86-64.so.2" : "ld-linux-aarch64.so.1"
  const debian = arch === "x64" ? "amd64" : "arm64"
  const [program] = emulator(arch)
  return {
    target: `linux-${arch}`,
    // Where Debian's packages for cross-compilers put the libraries of the other machine.
    command: program === undefined ? [] : [program, "-L", sysroot],
    needs:
      program === undefined
        ? []
        : [
            [program, "apt-get install qemu-user-static"],
            [`${sysroot}/lib/${loader}`, `apt-get install libc6-${debian}-cross`],
            [`${sysroot}/lib/libstdc++.so.6`, `apt-get install libstdc++6-${debian}-cross`],
          ],
  }
}

/**
 * A processor without AVX, as in machines before 2011 and in many virtual ones: qemu's Nehalem refuses such an instruction.
 * Bun's own package for x64 has the bytes of its `baseline` one, so there is no second executable.
 */
const nehalem: Way = {
  target: "linux-x64",
  label: "linux-x64-nehalem",
  command: [qemu.x64, "-cpu", "Nehalem"],
  needs: [[qemu.x64, "apt-get install qemu-user-static"]],
}

function musl(arch: Arch): Way {
  const libraries = resolve(values["musl-libraries"])
  const command = emulator(arch)
  const loader = `/lib/ld-musl-${arch === "x64" ? "x86_64" : "aarch64"}.so.1`
  return {
    target: `linux-${arch}-musl`,
    command,
    obstacle: () => tooOld([...command, loader]),
    env: { LD_LIBRARY_PATH: libraries },
    needs: [
      ...command.map((program) => [program, "apt-get install qemu-user-static"] as const),
      [loader, "apt-get install musl"],
      [`${libraries}/libstdc++.so.6`, "Alpine's libstdc++ and libgcc, in --musl-libraries DIR"],
    ],
  }
}

/** Bun's binary has relocations of the kind RELR, which older ones pass over in silence: it then crashes at its first step. */
function tooOld(loader: readonly string[]): string | undefined {
  const text = Bun.spawnSync([...loader]).stderr.toString()
  const found = /^Version (\d+\.\d+\.\d+)/m.exec(text)?.[1]
  if (found === undefined || Bun.semver.satisfies(found, ">=1.2.4")) return undefined
  return `musl ${found} is too old: 1.2.4, as in Alpine 3.18, is the first that can load it`
}

const own: Way = { target: hostTarget(), command: [], needs: [] }
const foreign = process.platform === "linux" ? [glibc("x64"), glibc("arm64"), musl("x64"), musl("arm64")] : []
const old = own.target === nehalem.target ? [nehalem] : []
const ways = [own, ...old, ...foreign.filter(({ target }) => target !== own.target)]

const tried: string[] = []
let failed = 0
for (const { target, label = target, command, env, needs, obstacle } of ways) {
  const executable = resolve(values.folder, artifactName(name, version, target))
  const missing = [...needs, [executable, `npm run release -- --only ${target}`] as const].filter(
    ([path]) => !existsSync(path),
  )
  if (missing.length > 0) {
    say(label, `not tried: ${missing.map(([path, how]) => `${path} is not there (${how})`).join(", ")}`)
    continue
  }
  const why = obstacle?.()
  if (why !== undefined) {
    say(label, `not tried: ${why}`)
    continue
  }
  tried.push(label)
  // A download has lost its permissions.
  chmodSync(executable, 0o755)
  try {
    say(label, timesText(await trial([...command, executable], { version, env })))
  } catch (error) {
    failed++
    say(label, `FAILED: ${error instanceof Error ? error.message : error}`)
  }
}
for (const target of values.require.filter((one) => !tried.includes(one))) {
  failed++
  say(target, "FAILED: it is required, and was not tried")
}
process.exitCode = failed === 0 ? 0 : 1

function say(label: string, text: string): void {
  console.error(`${label.padEnd(17)} ${text}`)
}
