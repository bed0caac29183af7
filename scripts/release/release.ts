/**
 * Everything of a release, into the folder release/: `npm run release -- [--only linux-x64,darwin-arm64] [--level 19] [--check]
 * [--no-npm]`. An executable for each target, alone and as `.gz`; the package for npm; a bill of materials, the licences of
 * others, and `SHA256SUMS` over all of it. The same sources and lock file give the same bytes; `--check` builds twice to see it.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { join, relative } from "node:path"
import packageJson from "../../package.json" with { type: "json" }
import { buildExecutable, hostTarget } from "../build/build.ts"
import { embeddedNames } from "../build/native.ts"
import { packageFolder, root } from "../build/packages.ts"
import { machSignature } from "../build/signature.ts"
import { targets } from "../build/targets.ts"
import { artifactName, releaseOptions } from "./arguments.ts"
import { checksumsText, sha256Of } from "./checksums.ts"
import { nativeComponents, readLock, runtimeComponents } from "./components.ts"
import { gzipFixed } from "./gzip.ts"
import { inspectFile, mismatch } from "./inspect.ts"
import { executableLicences, installedTexts } from "./licences.ts"
import { npmPackage } from "./npm.ts"
import { type Artifact, sbomText } from "./sbom.ts"
import { timesText, trial } from "./trial.ts"

const { name, version, description, license } = packageJson
const options = releaseOptions(process.argv.slice(2))
const folder = join(root, "release")
const lock = readLock()
const runtime = runtimeComponents(lock)
const say = (text: string) => console.error(text)
const secondsSince = (started: number) => `${((performance.now() - started) / 1000).toFixed(1)} s`
const megabytes = (path: string) => `${(statSync(path).size / 1e6).toFixed(1)} MB`

/** A file with what goes before it: whatever is written here is in the checksums. */
const files: string[] = []
function write(fileName: string, content: string | Uint8Array): void {
  const path = join(folder, fileName)
  writeFileSync(path, content)
  files.push(path)
}

async function executable(target: string): Promise<Artifact> {
  const started = performance.now()
  const fileName = artifactName(name, version, target)
  const path = await buildExecutable({ target, level: options.level, outfile: join(folder, fileName) })
  const built = secondsSince(started)
  files.push(path)
  const wrong = mismatch(target, inspectFile(path))
  if (wrong !== undefined) throw new Error(`${fileName} is not for ${target}: ${wrong}`)
  if (target.startsWith("darwin")) checkSignature(path)
  write(`${fileName}.gz`, gzipFixed(readFileSync(path)))
  say(`${fileName}: ${megabytes(path)}, as .gz ${megabytes(`${path}.gz`)}, built in ${built}`)
  if (options.check) await builtAgain(target, path)
  if (target === hostTarget()) say(`  runs here: ${timesText(await trial([path], { version }))}`)
  return {
    name: fileName,
    sha256: sha256Of(path),
    native: nativeComponents(lock, target),
    parts: parts(target),
  }
}

/** @throws Error where macOS would not run it */
function checkSignature(path: string): void {
  const signature = machSignature(readFileSync(path))
  if (signature !== "valid") throw new Error(`${path}: its signature is ${signature}, macOS would not run it`)
}

/** By a process of its own, in another folder. @throws Error where it differs */
async function builtAgain(target: string, path: string): Promise<void> {
  const work = mkdtempSync(join(folder, ".again-"))
  try {
    const again = join(work, "again.exe")
    const script = join(root, "scripts/build/build.ts")
    const args = ["--target", target, "--level", String(options.level), "--outfile", again]
    const { exitCode, stderr } = Bun.spawnSync([process.execPath, script, ...args], { cwd: work })
    if (exitCode !== 0) throw new Error(`the second build of ${target} failed: ${stderr}`)
    if (sha256Of(again) !== sha256Of(path))
      throw new Error(`${target} built twice is not the same: compare the files with cmp -l`)
    say("  built again: the same bytes")
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

/** What the executable has taken from the packages of Bun and DuckDB. */
function parts(target: string): Artifact["parts"] {
  const { bunPackage, duckdbPackage } = targets.get(target)!
  const binary = target.startsWith("windows") ? "bin/bun.exe" : "bin/bun"
  const part = (of: string, file: string) => ({
    name: file,
    of,
    sha256: sha256Of(join(packageFolder(of, file), file)),
  })
  const bun = part(bunPackage, binary)
  // The one for this machine is made with the Bun that runs this, which may have come from elsewhere.
  if (target === hostTarget() && sha256Of(process.execPath) !== bun.sha256)
    throw new Error(`${process.execPath} is not the Bun of ${bunPackage} in package-lock.json: run npm ci`)
  const library = embeddedNames(packageFolder(duckdbPackage, "duckdb.node"))
  return [bun, ...library.map((file) => part(duckdbPackage, file))]
}

async function npm(): Promise<Artifact> {
  const started = performance.now()
  const path = await npmPackage(folder)
  files.push(path)
  const sha256 = sha256Of(path)
  say(`${relative(folder, path)}: ${megabytes(path)}, built in ${secondsSince(started)}`)
  if (options.check) {
    if (sha256Of(await npmPackage(folder)) !== sha256)
      throw new Error("the package for npm made twice is not the same")
    say("  built again: the same bytes")
  }
  return { name: relative(folder, path), sha256 }
}

const started = performance.now()
rmSync(folder, { recursive: true, force: true })
mkdirSync(folder)
const artifacts: Artifact[] = []
for (const target of options.targets) artifacts.push(await executable(target))
if (options.npm) artifacts.push(await npm())
const needs = Object.keys(packageJson.dependencies)
write(
  `${name}-${version}.cdx.json`,
  sbomText({ name, version, description, license, needs, runtime, artifacts }),
)
const natives = { bun: packageVersion("bun"), duckdb: packageVersion("@duckdb/node-bindings") }
write("THIRD-PARTY-LICENSES.txt", executableLicences(runtime, natives, installedTexts()))
writeFileSync(join(folder, "SHA256SUMS"), checksumsText(files))
say(`${relative(process.cwd(), folder)}: ${files.length + 1} files in ${secondsSince(started)}`)

function packageVersion(of: string): string {
  return lock.packages[`node_modules/${of}`]?.version ?? "of unknown version"
}
