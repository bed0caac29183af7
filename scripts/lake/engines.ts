/**
 * Four shares of a datasource with every kind of column, exported into one lake, and read by DuckDB, polars and Spark:
 *
 *     bun scripts/lake/engines.ts [--rows 2000] [--keep]
 *
 * The Druid is the tests' fake. Needs python3 and Java; polars, pyspark and duckdb come into an environment of its own
 * below `.druid`. Exit 1 where an engine sees other rows than the DuckDB files have.
 */
import { spawnSync } from "node:child_process"
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { parseArgs } from "node:util"
import { startFakeDruid } from "../../test/support/fake-druid/fake-druid.ts"
import { measureOk } from "../bench/measure.ts"

const { values } = parseArgs({
  options: { rows: { type: "string", default: "2000" }, keep: { type: "boolean", default: false } },
})
const SHARES = 4
const DAYS = 70
const PACKAGES = ["polars", "pyspark", "duckdb>=1.5,<2"]
const root = resolve(import.meta.dirname, "../..")
const folder = join(root, ".druid", `lake-${process.pid}`)

/** @returns the interpreter of an environment that has the packages */
async function python(): Promise<string> {
  const venv = join(root, ".druid", "lake-venv")
  const interpreter = join(venv, "bin", "python")
  const complete = join(venv, ".complete")
  if (existsSync(complete)) return interpreter
  console.error(`making a Python environment with ${PACKAGES.join(", ")}`)
  if (!existsSync(interpreter)) await measureOk(["python3", "-m", "venv", venv])
  await measureOk([interpreter, "-m", "pip", "install", "--quiet", ...PACKAGES])
  writeFileSync(complete, PACKAGES.join("\n"))
  return interpreter
}

function druidsync(...args: string[]): void {
  const { status, stderr, stdout } = spawnSync(process.execPath, [join(root, "src/main.ts"), ...args], {
    encoding: "utf8",
  })
  if (status !== 0) throw new Error(`druidsync ${args.join(" ")}: exit ${status}\n${stderr}${stdout}`)
}

const texts = [null, "", "x", 'a "b", c', "two\nlines", "ünïcödé 😀", "NULL", "\u0000"]
const doubles = [0, -0, 0.1, Number.NaN, Number.POSITIVE_INFINITY, null, 1e300, -5e-324]

/** The values of one row: each column goes through its own list, so that they meet in all combinations. */
function row(n: number, time: number) {
  return {
    __time: time,
    id: BigInt(n),
    big: n % 5 === 0 ? 9223372036854775807n - BigInt(n) : null,
    text: texts[n % texts.length]!,
    double: doubles[(n * 3) % doubles.length]!,
    float: n % 4 === 0 ? -0 : n % 4 === 1 ? null : Math.fround(n / 8),
    tags: n % 3 === 0 ? null : n % 3 === 1 ? [] : ["a", null, "", `t${n}`],
    longs: n % 3 === 0 ? [BigInt(n), null] : null,
    json: n % 2 === 0 ? `{"n":${n},"big":9007199254740993,"s":""}` : null,
    sketch: Buffer.from([n & 255, 0, 255, (n >> 8) & 255]).toString("base64"),
    year: BigInt(n % 7),
  }
}

const SCHEMA = {
  id: "LONG",
  big: "LONG",
  text: "STRING",
  double: "DOUBLE",
  float: "FLOAT",
  tags: "ARRAY<STRING>",
  longs: "ARRAY<LONG>",
  json: "COMPLEX<json>",
  sketch: "COMPLEX<HLLSketch>",
  year: "LONG",
} as const

const fake = await startFakeDruid()
try {
  mkdirSync(folder, { recursive: true })
  // Months meet in the middle of a day's neighbours: 2016-05-20 and 70 days on.
  const first = Date.UTC(2016, 4, 20)
  fake.world.define("events", SCHEMA)
  const perDay = Math.ceil(Number(values.rows) / DAYS)
  for (let day = 0; day < DAYS; day++) {
    const rows = Array.from({ length: perDay }, (_, n) =>
      row(
        day * perDay + n,
        first + day * 86_400_000 + Math.floor((n * 86_399_999) / Math.max(1, perDay - 1)),
      ),
    )
    fake.world.append("events", rows as never)
  }
  fake.world.settle("events")
  const { hostname, port } = new URL(fake.url)
  const config = join(folder, "c.json")
  writeFileSync(config, JSON.stringify({ host: hostname, port: Number(port), datasources: "events" }), {
    mode: 0o600,
  })
  const files: string[] = []
  const lake = join(folder, "lake")
  for (let share = 1; share <= SHARES; share++) {
    const out = join(folder, `shard-${share}.duckdb`)
    await sharing(["pull", "-c", config, "-o", out, "--shard", `${share}/${SHARES}`, "-q"])
    await sharing(["export", "-o", out, "--to", lake, "-q"])
    await sharing(["verify", "-o", out, "--lake", lake, "--deep", "-q"])
    files.push(out)
  }
  const interpreter = await python()
  const { status } = spawnSync(
    interpreter,
    [join(import.meta.dirname, "engines.py"), join(lake, "events"), "events", ...files],
    { stdio: "inherit" },
  )
  process.exitCode = status ?? 1
} finally {
  await fake.stop()
  if (!values.keep) rmSync(folder, { recursive: true, force: true })
}

/** The fake answers in this process, so a pull cannot be waited for without letting it. */
async function sharing(args: string[]): Promise<void> {
  if (args[0] !== "pull") return druidsync(...args)
  await measureOk([process.execPath, join(root, "src/main.ts"), ...args])
}
