/** Checks a call of druidsync against the definitions of its commands, without running it. */
import { type ArgsDef, parseArgs } from "citty"
import { VERBS } from "../../src/commands/index.ts"
import type { CliContext } from "../../src/kit/context.ts"
import { readDurationFlag, readInstantFlag } from "../../src/kit/flags.ts"
import { refuseUnknownFlags } from "../../src/kit/strict.ts"
import type { Loaded } from "../../src/kit/verb.ts"

/** Loading a command only makes its definition: nothing of this is used. */
const context: CliContext = {
  env: {},
  clock: { nowMs: () => 0, sleep: () => Promise.resolve() },
  newId: () => "id",
  signal: new AbortController().signal,
  stdout: { write: () => true },
  stderr: { write: () => true },
  version: "0.0.0",
}

export async function loadVerb(name: string): Promise<Loaded & { args: ArgsDef }> {
  if (!Object.hasOwn(VERBS, name)) throw new Error(`there is no command "${name}"`)
  const loaded = await VERBS[name]!.load(context)
  return { ...loaded, args: (loaded.command.args ?? {}) as ArgsDef }
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
  refuseUnknownFlags(rest, args)
  const relaxed = Object.fromEntries(
    Object.entries(args).map(([key, arg]) => [key, { ...arg, required: false }]),
  )
  const parsed = parseArgs([...rest], (isWhole ? args : relaxed) as ArgsDef) as Record<string, unknown>
  for (const flag of ["since", "until"]) {
    if (typeof parsed[flag] === "string") readInstantFlag(flag, parsed[flag])
  }
  for (const flag of ["lock-wait", "settle-wait", "max-duration"]) {
    if (typeof parsed[flag] === "string") readDurationFlag(flag, parsed[flag])
  }
}

/** Every flag of every command, with dashes. */
export async function allFlags(): Promise<ReadonlySet<string>> {
  const flags = new Set(GLOBAL)
  for (const name of Object.keys(VERBS)) {
    for (const [flag, arg] of Object.entries((await loadVerb(name)).args)) {
      if (arg.type === "positional") continue
      flags.add(`--${flag}`)
      for (const short of [(arg as { alias?: string | string[] }).alias ?? []].flat()) flags.add(`-${short}`)
    }
  }
  return flags
}
