/** An engine, a folder, and files of a test's own; and Druid's way to write values. */
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Column } from "../../src/base/domain.ts"
import { type Engine, openEngine } from "../../src/store/engine.ts"
import { type DatabaseFile, databaseFile, type FileOptions } from "../../src/store/file/file.ts"
import { duckdbTypeOf } from "../../src/store/rows/types.ts"

export class Store {
  readonly engine: Engine
  readonly folder: string

  private constructor(engine: Engine, folder: string) {
    this.engine = engine
    this.folder = folder
  }

  static async open(): Promise<Store> {
    const engine = await openEngine({ memoryLimit: "1GB", threads: 2 })
    return new Store(engine, await mkdtemp(join(tmpdir(), "druidsync-store-")))
  }

  get path(): string {
    return join(this.folder, "out.duckdb")
  }

  file(given: Partial<FileOptions> = {}): DatabaseFile {
    return databaseFile(this.engine, {
      path: this.path,
      lockWaitMs: 0,
      clock: { nowMs: () => 0, sleep: () => Promise.resolve() },
      ...given,
    })
  }

  /** A spool file of these lines, ended as Druid ends a response. */
  async spool(lines: readonly string[], name = "spool.jsonl"): Promise<string> {
    const path = join(this.folder, name)
    await writeFile(path, `${lines.map((line) => `${line}\n`).join("")}\n`)
    return path
  }

  async close(): Promise<void> {
    this.engine.close()
    await rm(this.folder, { recursive: true, force: true })
  }
}

export function column(name: string, druidType: string, given: Partial<Column> = {}): Column {
  const multiValue = given.multiValue ?? false
  return {
    name,
    target: name,
    druidType,
    sqlType: "",
    multiValue,
    duckdbType: duckdbTypeOf(name, druidType, multiValue).duckdbType,
    ...given,
  }
}

/** A string as Druid's JSON writer prints it: controls escaped, non-BMP as escaped pairs, the rest raw. */
export function druidString(text: string): string {
  let out = '"'
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    const char = text[i]!
    if (char === '"' || char === "\\") out += `\\${char}`
    else if (char === "\n") out += "\\n"
    else if (char === "\r") out += "\\r"
    else if (char === "\t") out += "\\t"
    else if (unit < 0x20 || (unit >= 0xd800 && unit <= 0xdfff)) {
      out += `\\u${unit.toString(16).toUpperCase().padStart(4, "0")}`
    } else out += char
  }
  return `${out}"`
}

/** A double as Java prints it: `1.0`, `-0.0`, `4.9E-324`; what is no number as a string. */
export function druidDouble(value: number): string {
  if (Number.isNaN(value)) return '"NaN"'
  if (!Number.isFinite(value)) return value > 0 ? '"Infinity"' : '"-Infinity"'
  return javaNumber(Object.is(value, -0) ? "-0" : String(value))
}

/** A float with as many digits as tell it from its neighbours. */
export function druidFloat(value: number): string {
  if (!Number.isFinite(value) || value === 0) return druidDouble(value)
  for (let digits = 1; digits < 10; digits++) {
    const text = value.toPrecision(digits)
    if (Math.fround(Number(text)) === value) return javaNumber(String(Number(text)))
  }
  return javaNumber(String(value))
}

function javaNumber(text: string): string {
  const [mantissa = "", exponent] = text.split("e")
  const withPoint = mantissa.includes(".") ? mantissa : `${mantissa}.0`
  return exponent === undefined ? withPoint : `${withPoint}E${exponent.replace("+", "")}`
}
