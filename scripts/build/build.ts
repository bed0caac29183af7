/**
 * Makes the one executable: `npm run build -- [--target linux-x64] [--outfile dist/druidsync]
 * [--entry src/main.ts] [--level 12]`. The same sources, packages and options give the same bytes.
 */

import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs"
import { dirname, join, relative, resolve } from "node:path"
import { parseArgs } from "node:util"
import packageJson from "../../package.json" with { type: "json" }
import { nativePlugin } from "./native.ts"
import { locked, packageFolder, root } from "./packages.ts"
import { adHocSigned, machSignature } from "./signature.ts"
import { targets } from "./targets.ts"

export interface BuildOptions {
  /** a key of `targets`, with or without Bun's prefix `bun-`; this machine if not given */
  target?: string | undefined
  outfile?: string | undefined
  entry?: string | undefined
  /** zstd level of the embedded library; 19 is for releases: 2 MB less, a minute more */
  level?: number | undefined
}

/** Builds, and gives back the path of the executable. Throws if anything is not as it should be. */
export async function buildExecutable(options: BuildOptions): Promise<string> {
  const host = hostTarget()
  const name = options.target?.replace(/^bun-/, "") ?? host
  const target = targets.get(name)
  if (target === undefined)
    throw new Error(`no target "${name}"; there are ${[...targets.keys()].join(", ")}`)
  const wanted = locked("bun").version
  if (Bun.version !== wanted) {
    throw new Error(`this is Bun ${Bun.version}, package-lock.json says ${wanted}: use npm run build`)
  }

  const windows = name.startsWith("windows")
  const suffix = windows ? ".exe" : ""
  const defaultName = name === host ? "dist/druidsync" : `dist/druidsync-${name}`
  const path = resolve(options.outfile ?? join(root, defaultName))
  const outfile = path.endsWith(suffix) ? path : path + suffix
  const binary = windows ? "bin/bun.exe" : "bin/bun"
  mkdirSync(dirname(outfile), { recursive: true })
  // The name it is built under is written into it, so that is always the same one. Built aside and renamed,
  // because one that is running cannot be written to.
  const work = mkdtempSync(join(dirname(outfile), ".build-"))
  const temporary = join(work, `druidsync${suffix}`)
  const entry = resolve(options.entry ?? join(root, "src/main.ts"))
  const before = process.cwd()
  // The paths in the source map are relative to the working directory.
  process.chdir(root)
  try {
    const result = await Bun.build({
      entrypoints: [entry],
      root,
      target: "bun",
      format: "esm",
      plugins: [nativePlugin(target.duckdbPackage, options.level ?? 12)],
      loader: { ".zst": "file" },
      env: "disable",
      define: {
        DRUIDSYNC_VERSION: JSON.stringify(packageJson.version),
        // else the bundler takes it from the environment of whoever builds
        "process.env.NODE_ENV": '"production"',
      },
      minify: { whitespace: true, syntax: true, identifiers: false },
      sourcemap: "linked",
      bytecode: true,
      compile: {
        target: target.bun as Bun.Build.CompileTarget,
        outfile: temporary,
        ...(name === host ? {} : { executablePath: join(packageFolder(target.bunPackage, binary), binary) }),
        // The folder it is run from is the user's: settings of some other project there are not ours.
        autoloadDotenv: false,
        autoloadBunfig: false,
        autoloadTsconfig: false,
        autoloadPackageJson: false,
      },
    })
    for (const log of result.logs) console.error(String(log))
    if (name.startsWith("darwin")) sign(temporary)
    renameSync(temporary, outfile)
  } finally {
    process.chdir(before)
    rmSync(work, { recursive: true, force: true })
  }
  return outfile
}

/** macOS may refuse a program whose signature does not hold. */
function sign(path: string): void {
  const file = readFileSync(path)
  if (machSignature(file) !== "valid") writeFileSync(path, adHocSigned(file, "druidsync"))
}

/** The target that runs here. npm has found out already which C library there is. */
export function hostTarget(): string {
  const platform = process.platform === "win32" ? "windows" : process.platform
  const name = `${platform}-${process.arch}`
  if (platform !== "linux") return name
  const installed = (target: string) => {
    const folder = join(root, "node_modules", targets.get(target)?.duckdbPackage ?? "none")
    return statSync(folder, { throwIfNoEntry: false }) !== undefined
  }
  return !installed(name) && installed(`${name}-musl`) ? `${name}-musl` : name
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      target: { type: "string" },
      outfile: { type: "string" },
      entry: { type: "string" },
      level: { type: "string" },
    },
  })
  const started = performance.now()
  const outfile = await buildExecutable({
    ...values,
    level: values.level === undefined ? undefined : Number(values.level),
  })
  const megabytes = (statSync(outfile).size / 1e6).toFixed(1)
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  console.error(`${relative(process.cwd(), outfile)}: ${megabytes} MB, built in ${seconds} s`)
}
