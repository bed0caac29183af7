/** A Python of its own with what the other ways need, made once. */
import { existsSync, mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { measureOk } from "./measure.ts"

const PACKAGES = ["dlt[duckdb]", "pydruid[sqlalchemy]", "pandas", "pyarrow", "duckdb>=1.5,<2"]

/** @returns the interpreter; undefined where there is no python3 or its packages cannot be had */
export async function python(folder: string, say: (text: string) => void): Promise<string | undefined> {
  const interpreter = join(folder, "bin", "python")
  const complete = join(folder, ".complete")
  if (existsSync(complete)) return interpreter
  say(`making a Python environment with ${PACKAGES.join(", ")}`)
  mkdirSync(folder, { recursive: true })
  try {
    if (!existsSync(join(folder, "bin", "pip"))) await measureOk(["python3", "-m", "venv", folder])
    await measureOk([interpreter, "-m", "pip", "install", "--quiet", ...PACKAGES])
  } catch (error) {
    say(`left out what needs Python: ${String(error).split("\n").slice(0, 3).join(" ")}`)
    return undefined
  }
  writeFileSync(complete, PACKAGES.join("\n"))
  return interpreter
}
