/**
 * citty takes any flag and drops what it does not know; a typing error in a cron line must not pass silently. This
 * checks the raw arguments against a command's definition.
 */
import type { ArgsDef } from "citty"
import { DruidsyncError, ExitCode } from "../base/errors.ts"
import { nearest } from "../base/nearest.ts"

/** @throws DruidsyncError `usage` naming the flag, with a did-you-mean */
export function refuseUnknownFlags(rawArgs: readonly string[], args: ArgsDef): void {
  const flags = new Map<string, boolean>()
  let positionals = 0
  for (const [name, definition] of Object.entries(args)) {
    if (definition.type === "positional") {
      positionals++
      continue
    }
    const takesValue = definition.type !== "boolean"
    const { alias } = definition as { alias?: string | string[] }
    const aliases = alias === undefined ? [] : [alias].flat()
    for (const known of [name, ...aliases]) flags.set(known, takesValue)
  }
  const given = new Set<string>()
  for (let i = 0; i < rawArgs.length; i++) {
    const arg = rawArgs[i]!
    if (arg === "--") return
    if (!arg.startsWith("-") || arg === "-") {
      if (positionals-- <= 0) throw usage(`unexpected argument "${arg}"`, hintForExtra(args))
      continue
    }
    const [flag = "", inline] = splitOnce(arg.replace(/^-{1,2}/, ""))
    const takesValue = flags.get(flag)
    if (takesValue === undefined) {
      const guess = choiceNamed(flag, args) ?? nearest(flag, [...flags.keys()])
      throw usage(
        `unknown flag ${arg.split("=")[0]}`,
        guess === undefined ? undefined : `did you mean --${guess}?`,
      )
    }
    if (given.has(flag)) throw usage(`--${flag} is given twice`)
    given.add(flag)
    if (!takesValue) {
      if (inline !== undefined && inline !== "true" && inline !== "false")
        throw usage(`--${flag} takes no value`)
      continue
    }
    if (inline === undefined) {
      const value = rawArgs[++i]
      if (value === undefined || (value.startsWith("--") && flags.has(value.slice(2)))) {
        throw usage(`--${flag} needs a value`)
      }
    } else if (inline === "") throw usage(`--${flag} needs a value`)
  }
}

/** SQL without quotes comes from the shell in as many pieces as it has words. */
function hintForExtra(args: ArgsDef): string | undefined {
  const isSql = Object.values(args).some((arg) => arg.type === "positional" && arg.valueHint === "SQL")
  return isSql ? "put the SQL in quotes, so that the shell passes it on in one piece" : undefined
}

/** `format json` for a `--json` where that is a value of `--format`. */
function choiceNamed(flag: string, args: ArgsDef): string | undefined {
  const found = Object.entries(args).find(
    ([, arg]) => arg.type === "enum" && (arg.options as readonly string[] | undefined)?.includes(flag),
  )
  return found === undefined ? undefined : `${found[0]} ${flag}`
}

function splitOnce(text: string): [string, string | undefined] {
  const at = text.indexOf("=")
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)]
}

/** A usage error: exit code 2. */
export function usage(message: string, hint?: string): DruidsyncError {
  return new DruidsyncError("usage", message, {
    exitCode: ExitCode.usage,
    hint: hint ?? "see --help",
  })
}
