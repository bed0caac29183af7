/** Checks a call of druidsync against the definitions of its commands, without running it. */
import { VERBS } from "../../src/commands/index.ts"
import { readArgs, valuesOf } from "../../src/kit/args.ts"
import { aliasesOf, type Flags } from "../../src/kit/flag.ts"
import type { Command } from "../../src/kit/program.ts"
import { duration } from "../../src/kit/values.ts"

async function loadVerb(name: string): Promise<Command> {
  if (!Object.hasOwn(VERBS, name)) throw new Error(`there is no command "${name}"`)
  return VERBS[name]!.load()
}

const GLOBAL = ["--help", "-h", "--version", "-V"]
/** Words that stand for others in prose. */
const ANY = ["COMMAND", "…"]

/**
 * @param isWhole false where only a part is quoted in prose: then what is required may be missing
 * @throws Error that says what is wrong
 */
export async function checkCall(words: readonly string[], isWhole: boolean): Promise<void> {
  const [name, ...rest] = words.filter((word) => word !== "…")
  if (name === undefined || ANY.includes(name) || GLOBAL.includes(name)) return
  const { args } = await loadVerb(name)
  if (rest.some((word) => GLOBAL.includes(word))) return
  const relaxed: Flags = Object.fromEntries(
    Object.entries(args).map(([key, arg]) => [key, { ...arg, required: false }]),
  )
  const { raw } = readArgs(rest, isWhole ? args : relaxed, name)
  valuesOf(raw, args)
  const wait = raw["max-duration"]
  if (typeof wait === "string") duration(wait, "--max-duration")
}

/** Every flag of every command, with dashes. */
export async function allFlags(): Promise<ReadonlySet<string>> {
  const flags = new Set(GLOBAL)
  for (const name of Object.keys(VERBS)) {
    for (const [flag, arg] of Object.entries((await loadVerb(name)).args)) {
      if (arg.type === "positional") continue
      flags.add(`--${flag}`)
      for (const short of aliasesOf(arg)) flags.add(`-${short}`)
    }
  }
  return flags
}
