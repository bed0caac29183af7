/** The one executable, built from a small program: what it needs, what it leaves, what it refuses to load. */

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, setDefaultTimeout } from "bun:test"
import { createHash } from "node:crypto"
import {
  chmodSync,
  chownSync,
  closeSync,
  copyFileSync,
  cpSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import packageJson from "../../package.json" with { type: "json" }
import { root } from "../../scripts/build/packages.ts"

const isRoot = process.getuid!() === 0
/** Tests run as root in a container; permissions mean something only to another user. */
const nobody = 65534

let base: string
let executable: string
/** a cache folder as a good first start leaves it */
let pristine: string
/** `native-…`, the folder's name */
let native: string
let cache: string
let empty: string

// a start of 70 MB is quick, but not on a disk that others are busy with
setDefaultTimeout(60_000)

/** In memory where programs may be run from there: each test writes the library anew. */
function fastFolder(): string {
  const memory = "/dev/shm"
  const probe = join(memory, `druidsync-probe-${process.pid}`)
  try {
    copyFileSync("/bin/true", probe)
    return Bun.spawnSync([probe]).exitCode === 0 ? memory : tmpdir()
  } catch {
    return tmpdir() // no such folder, not writable, or mounted noexec: the disk does as well
  } finally {
    rmSync(probe, { force: true })
  }
}

function build(outfile: string): void {
  const command = [process.execPath, "scripts/build/build.ts", "--entry", "test/build/spike.ts"]
  const { exitCode, stderr } = Bun.spawnSync([...command, "--outfile", outfile], { cwd: root })
  if (exitCode !== 0) throw new Error(stderr.toString())
}

interface Outcome {
  exitCode: number | null
  stdout: string
  stderr: string
}

interface Surroundings {
  env?: Record<string, string>
  /** run without root's rights */
  unprivileged?: boolean
}

function command(args: string[], { unprivileged }: Surroundings): string[] {
  const drop = ["/usr/bin/setpriv", `--reuid=${nobody}`, `--regid=${nobody}`, "--clear-groups"]
  return [...(unprivileged && isRoot ? drop : []), executable, ...args]
}

function run(args: string[], surroundings: Surroundings = {}): Outcome {
  const { exitCode, stdout, stderr } = Bun.spawnSync(command(args, surroundings), {
    cwd: empty,
    env: surroundings.env ?? { DRUIDSYNC_CACHE_DIR: cache },
  })
  return { exitCode, stdout: stdout.toString(), stderr: stderr.toString() }
}

const works: Outcome = { exitCode: 0, stdout: "[[42]]\n", stderr: "" }

function sha256(path: string): string {
  return createHash("sha256").update(readFileSync(path)).digest("hex")
}

/** Gives the folder and what is in it to the unprivileged user. */
function give(path: string): void {
  if (!isRoot) return
  chownSync(path, nobody, nobody)
  if (!lstatSync(path).isDirectory()) return
  for (const name of readdirSync(path)) give(join(path, name))
}

function library(name = "libduckdb.so"): string {
  return join(cache, native, name)
}

function expectIntact(): void {
  for (const name of ["duckdb.node", "libduckdb.so"]) {
    expect(sha256(library(name))).toBe(sha256(join(pristine, native, name)))
    expect(statSync(library(name)).mode & 0o777).toBe(0o600)
  }
  expect(readdirSync(join(cache, native)).toSorted()).toEqual(["checked.json", "duckdb.node", "libduckdb.so"])
  expect(statSync(join(cache, native)).mode & 0o777).toBe(0o700)
}

beforeAll(() => {
  base = mkdtempSync(join(fastFolder(), "druidsync-build-test-"))
  chmodSync(base, 0o755)
  executable = join(base, "druidsync")
  build(executable)
  empty = join(base, "empty")
  mkdirSync(empty)
  pristine = join(base, "pristine")
  cache = pristine
  expect(run(["sql"])).toEqual(works)
  native = readdirSync(pristine)[0]!
})

afterEach(() => {
  rmSync(cache, { recursive: true, force: true })
})

afterAll(() => {
  rmSync(base, { recursive: true, force: true })
})

beforeEach(() => {
  cache = mkdtempSync(join(base, "cache-"))
  chmodSync(cache, 0o755)
})

describe("the executable", () => {
  it("runs from an empty folder with an empty environment, and leaves that folder empty", () => {
    expect(run(["sql", "select version()"])).toEqual({ ...works, stdout: '[["v1.5.6"]]\n' })
    expect(readdirSync(empty)).toEqual([])
    expectIntact()
  })

  it("tells its version without touching DuckDB or the cache", () => {
    expect(run(["--version"])).toEqual({ ...works, stdout: `${packageJson.version}\n` })
    expect(readdirSync(cache)).toEqual([])
  })

  it("reads JSON, with the extension that is built in", () => {
    const file = join(base, "rows.json")
    writeFileSync(file, '["a",1]\n["b",9007199254740993]\n')
    const options = "records = false, columns = {json: 'VARCHAR[]'}, format = 'newline_delimited'"
    const sql = `select json[1], json[2]::bigint from read_json('${file}', ${options})`
    expect(run(["sql", sql]).stdout).toBe('[["a","1"],["b","9007199254740993"]]\n')
  })

  it("ignores the settings of Bun that lie in the folder it is run from", () => {
    const folder = mkdtempSync(join(base, "project-"))
    writeFileSync(join(folder, "evil.ts"), 'require("node:fs").writeFileSync("was-here", "")')
    writeFileSync(join(folder, "bunfig.toml"), 'preload = ["./evil.ts"]')
    writeFileSync(join(folder, ".env"), `DRUIDSYNC_CACHE_DIR=${join(folder, "elsewhere")}`)
    Bun.spawnSync(command(["sql"], {}), { cwd: folder, env: { XDG_CACHE_HOME: cache } })
    expect(readdirSync(folder).toSorted()).toEqual([".env", "bunfig.toml", "evil.ts"])
  })

  it("is the same to the byte when built again", () => {
    const again = join(base, "another-name")
    build(again)
    expect(sha256(again)).toBe(sha256(executable))
  })
})

describe("a planted library", () => {
  beforeEach(() => {
    cpSync(pristine, cache, { recursive: true })
    chmodSync(join(cache, native), 0o700)
  })

  it("that is another file is replaced", () => {
    writeFileSync(library(), "not a library")
    expect(run(["sql"])).toEqual(works)
    expectIntact()
  })

  it("that was cut short is replaced", () => {
    truncateSync(library(), 1_000_000)
    expect(run(["sql"])).toEqual(works)
    expectIntact()
  })

  it("that has the same size and differs in one byte is replaced", () => {
    const { mtime, size } = statSync(library())
    const file = openSync(library(), "r+")
    writeSync(file, "x", size - 1)
    closeSync(file)
    utimesSync(library(), mtime, mtime)
    expect(sha256(library())).not.toBe(sha256(join(pristine, native, "libduckdb.so")))
    expect(run(["sql"])).toEqual(works)
    expectIntact()
  })

  it("in place of the addon is replaced", () => {
    copyFileSync("/bin/true", library("duckdb.node"))
    expect(run(["sql"])).toEqual(works)
    expectIntact()
  })

  it("behind a symbolic link is replaced, and what the link names is left alone", () => {
    const elsewhere = join(base, "elsewhere")
    writeFileSync(elsewhere, "mine")
    rmSync(library())
    symlinkSync(elsewhere, library())
    expect(run(["sql"])).toEqual(works)
    expect(readFileSync(elsewhere, "utf8")).toBe("mine")
    expectIntact()
  })

  it("that is a pipe does not stop the start", () => {
    rmSync(library())
    Bun.spawnSync(["mkfifo", library()])
    expect(run(["sql"])).toEqual(works)
    expectIntact()
  })

  it("that is a folder is replaced", () => {
    rmSync(library())
    mkdirSync(join(library(), "deep"), { recursive: true })
    expect(run(["sql"])).toEqual(works)
    expectIntact()
  })

  it("that others may write to is replaced, though its content is right", () => {
    chmodSync(library(), 0o666)
    expect(run(["sql"])).toEqual(works)
    expectIntact()
  })

  it("in LD_LIBRARY_PATH is not loaded", () => {
    const folder = mkdtempSync(join(base, "ld-"))
    writeFileSync(join(folder, "libduckdb.so"), "not a library")
    const env = { DRUIDSYNC_CACHE_DIR: cache, LD_LIBRARY_PATH: folder }
    expect(run(["sql"], { env })).toEqual(works)
  })
})

describe("a cache folder", () => {
  it("open to others is made private, and what is in it is checked", () => {
    cpSync(pristine, cache, { recursive: true })
    writeFileSync(library(), "not a library")
    chmodSync(join(cache, native), 0o777)
    expect(run(["sql"])).toEqual(works)
    expectIntact()
  })

  it("that is a symbolic link is refused, in words", () => {
    symlinkSync(join(pristine, native), join(cache, native))
    const { exitCode, stdout, stderr } = run(["sql"])
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" })
    expect(stderr).toContain(`${native} is a symbolic link`)
    expect(stderr).toContain("set DRUIDSYNC_CACHE_DIR to a folder of your own")
  })

  it.if(isRoot)("of another user is refused, in words", () => {
    cpSync(pristine, cache, { recursive: true })
    give(cache)
    chownSync(join(cache, native), 1234, 1234)
    chmodSync(join(cache, native), 0o755)
    const { exitCode, stderr } = run(["sql"], { unprivileged: true, env: { DRUIDSYNC_CACHE_DIR: cache } })
    expect(exitCode).toBe(1)
    expect(stderr).toContain("can be written to by another user (owner 1234, mode 0755)")
  })

  it("that is filled and read-only is used as it is", () => {
    cpSync(pristine, cache, { recursive: true })
    give(cache)
    chmodSync(join(cache, native), 0o500)
    chmodSync(cache, 0o555)
    expect(run(["sql"], { unprivileged: true })).toEqual(works)
    chmodSync(cache, 0o755)
  })

  it("that is empty and read-only is an error where it was asked for", () => {
    chmodSync(cache, 0o555)
    const { exitCode, stderr } = run(["sql"], { unprivileged: true })
    expect(exitCode).toBe(1)
    expect(stderr).toMatch(/^file: cannot load DuckDB's native library \(.*EACCES/)
    chmodSync(cache, 0o755)
  })

  it("that cannot be written to is passed over for the next one, and the last leaves nothing behind", () => {
    const [xdg, home, temp] = ["xdg", "home", "temp"].map((name) => {
      const path = join(cache, name)
      mkdirSync(path)
      give(path)
      return path
    }) as [string, string, string]
    const env = { XDG_CACHE_HOME: xdg, HOME: home, TMPDIR: temp }
    const uid = isRoot ? nobody : process.getuid!()
    const kept = [
      [xdg, "druidsync"],
      [join(home, ".cache"), "druidsync"],
      [temp, `druidsync-${uid}`],
    ] as const
    for (const [folder, name] of kept) {
      expect(run(["sql"], { env, unprivileged: true })).toEqual(works)
      expect(readdirSync(folder)).toEqual([name])
      expect(readdirSync(join(folder, name))).toEqual([native])
      // for the next round
      rmSync(join(folder, name), { recursive: true })
      writeFileSync(join(folder, name), "a file is in the way")
    }
    expect(run(["sql"], { env, unprivileged: true })).toEqual(works)
    expect(readdirSync(temp)).toEqual([`druidsync-${uid}`])
  })

  it.if(isRoot)("is found for a user without a home or a name", () => {
    chmodSync(cache, 0o777)
    const unnamed = [
      "/usr/bin/setpriv",
      "--reuid=54321",
      "--regid=54321",
      "--clear-groups",
      executable,
      "sql",
    ]
    const { stdout } = Bun.spawnSync(unnamed, { cwd: empty, env: { TMPDIR: cache } })
    expect(stdout.toString()).toBe(works.stdout)
    expect(readdirSync(cache)).toEqual(["druidsync-54321"])
  })

  it("is filled by several first starts at once", async () => {
    const starts = Array.from({ length: 4 }, () =>
      Bun.spawn(command(["sql"], {}), { cwd: empty, env: { DRUIDSYNC_CACHE_DIR: cache }, stdout: "pipe" }),
    )
    for (const start of starts) {
      expect(await new Response(start.stdout).text()).toBe("[[42]]\n")
      expect(await start.exited).toBe(0)
    }
    expectIntact()
  })

  it("is filled after a first start that was killed, and its leftovers are removed when they are old", () => {
    mkdirSync(join(cache, native), { mode: 0o700 })
    const [old, young] = [library(".libduckdb.so.1.tmp"), library(".libduckdb.so.2.tmp")]
    writeFileSync(old, "half of it")
    writeFileSync(young, "half of it")
    utimesSync(old, 0, 0)
    expect(run(["sql"])).toEqual(works)
    expect(readdirSync(join(cache, native)).filter((name) => name.endsWith(".tmp"))).toEqual([
      ".libduckdb.so.2.tmp",
    ])
    rmSync(young)
    expectIntact()
  })
})
