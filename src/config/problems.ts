/**
 * Collects everything that is wrong with a configuration and says it in one error. It never repeats the value of
 * a secret key, and of values elsewhere only short scalars, with anything that looks like a login cut out.
 */

import { DruidsyncError } from "../base/errors.ts"
import { kebab } from "../base/names.ts"

/** Where in the configuration: keys and array indices from the top. */
export type Path = readonly (string | number)[]

/** The problems found so far. */
export class Problems {
  readonly #lines: string[] = []
  readonly #flags: ReadonlySet<string>

  /** @param flags top-level keys that came from the command line, to be named as flags */
  constructor(flags: Iterable<string> = []) {
    this.#flags = new Set(flags)
  }

  /** Adds one. `text` is a clause that follows "path: ". */
  add(path: Path, text: string): void {
    this.#lines.push(path.length === 0 ? text : `${this.#label(path)}: ${text}`)
  }

  get isEmpty(): boolean {
    return this.#lines.length === 0
  }

  /** Throws them all as one error: a line for one, a list for several. */
  throwIfAny(configPath: string): void {
    if (this.isEmpty) return
    const lines = this.#lines
    const isOne = lines.length === 1
    const body = isOne
      ? ` ${lines[0]}`
      : ` ${lines.length} problems\n${lines.map((line) => `  ${line}`).join("\n")}`
    throw configError(`${configPath}:${body}`)
  }

  #label(path: Path): string {
    const [first, ...rest] = path
    const isFlag = typeof first === "string" && this.#flags.has(first)
    return isFlag ? `--${kebab(first)}${pathText(rest, true)}` : pathText(path)
  }
}

/** The one shape of a configuration error: nothing was asked of Druid. */
export function configError(message: string, hint?: string): DruidsyncError {
  return new DruidsyncError("config", message, {
    ...(hint === undefined ? {} : { hint }),
  })
}

/** `datasources[1].since`, and `context["a b"]` where a key is not a plain word. */
export function pathText(path: Path, isTail = false): string {
  return path
    .map((part, i) => {
      if (typeof part === "number") return `[${part}]`
      if (!/^[A-Za-z_$][\w$]*$/.test(part)) return `[${short(part)}]`
      return i === 0 && !isTail ? part : `.${part}`
    })
    .join("")
}

/** What was found, in words that are safe to print: scalars short and escaped, of the rest only the kind. */
export function shown(value: unknown): string {
  if (value === undefined) return "nothing"
  if (value === null || typeof value === "number" || typeof value === "boolean") return String(value)
  if (typeof value !== "string") return kindOf(value)
  if (value === "") return "an empty text"
  return short(value.replace(/^([a-z][a-z0-9+.-]*:\/\/)?.*@/is, "$1[hidden]@"))
}

/** The kind of a JSON value, for keys whose value must not be shown. */
export function kindOf(value: unknown): string {
  if (value === undefined) return "nothing"
  if (value === null) return "null"
  if (Array.isArray(value)) return value.length === 0 ? "an empty array" : "an array"
  if (typeof value === "object") return "an object"
  if (typeof value === "string") return value === "" ? "an empty text" : "a text"
  return `a ${typeof value}`
}

/** A text in double quotes on one line, cut where it is long, with invisible characters as escapes. */
export function short(text: string): string {
  const points = [...text.slice(0, 200)]
  const cut = points.length > 60 ? `${points.slice(0, 59).join("")}…` : text
  return JSON.stringify(cut).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (char) => {
    return `\\u${char.codePointAt(0)!.toString(16).padStart(4, "0")}`
  })
}
