/**
 * What could stand at the cursor: the one place that knows, for every shell. The shells' scripts (`completion-scripts.ts`)
 * call `druidsync __complete WORDS…` with the words up to the cursor, the last one being completed, and get a line per
 * candidate, `value<TAB>description`, and at the end one that says what else the shell may offer: `:files`, `:folders`
 * or `:none`.
 */
import { aliasesOf, type Flag, type Flags } from "../../kit/flag.ts"
import type { Program } from "../../kit/program.ts"

export interface Candidate {
  readonly value: string
  readonly about: string
}

export interface Completion {
  readonly candidates: readonly Candidate[]
  /** what the shell may offer beside them */
  readonly also: "files" | "folders" | "none"
}

/** What completion needs to know of the program. */
export interface CompletionSource {
  readonly verbs: Program["verbs"]
  datasourcesIn(configPath: string): Promise<readonly string[]>
}

const NOTHING: Completion = { candidates: [], also: "none" }
const HELP: Candidate = { value: "--help", about: "show what it takes" }

/** @param given words after the program's name up to the cursor; the last is what is being completed */
export async function complete(given: readonly string[], source: CompletionSource): Promise<Completion> {
  const words = joined(given)
  const current = words.at(-1) ?? ""
  const [verb, ...rest] = words.slice(0, -1)
  if (verb === undefined || (verb === "help" && rest.length === 0)) {
    const verbs = Object.entries(source.verbs).map(([value, { about }]) => ({ value, about }))
    const flags = current.startsWith("-") ? [HELP, { value: "--version", about: "show the version" }] : []
    return starting([...verbs, ...flags], current)
  }
  const known = Object.hasOwn(source.verbs, verb) ? source.verbs[verb] : undefined
  const args = (await known?.load())?.args
  if (args === undefined || rest.includes("--")) return { candidates: [], also: "files" }
  const previous = rest.at(-1)
  const awaiting = previous === undefined || previous.includes("=") ? undefined : flagNamed(previous, args)
  if (awaiting !== undefined && takesValue(args[awaiting]!)) {
    return values(awaiting, args[awaiting]!, current, rest, args, source)
  }
  const inline = /^--([^=]+)=(.*)$/s.exec(current)
  if (inline !== null) {
    const name = flagNamed(`--${inline[1]}`, args)
    if (name === undefined) return NOTHING
    const found = await values(name, args[name]!, inline[2]!, rest, args, source)
    const prefix = `--${inline[1]}=`
    return { ...found, candidates: found.candidates.map((one) => ({ ...one, value: prefix + one.value })) }
  }
  if (current.startsWith("-")) {
    const used = new Set(rest.map((word) => flagNamed(word.split("=")[0]!, args)))
    const flags = Object.entries(args)
      .filter(([name, arg]) => arg.type !== "positional" && !used.has(name))
      .map(([name, arg]) => ({ value: `--${name}`, about: arg.description ?? "" }))
    return starting([...flags, HELP], current)
  }
  const positional = Object.entries(args).find(([, arg]) => arg.type === "positional")
  return positional === undefined
    ? complete([...words.slice(0, -1), `--${current}`], source)
    : values(positional[0], positional[1], current, rest, args, source)
}

/** bash splits words at `=` and `:`; zsh, fish and PowerShell do not. */
function joined(words: readonly string[]): string[] {
  const result: string[] = []
  for (let i = 0; i < words.length; i++) {
    const isFlag = /^--[^=]+$/.test(words[i]!) && words[i + 1] === "="
    result.push(isFlag ? `${words[i]}=${words[i + 2] ?? ""}` : words[i]!)
    if (isFlag) i += 2
  }
  return result
}

/** The name of the argument that a word is the flag of, also by its short form. */
function flagNamed(word: string, args: Flags): string | undefined {
  const [, dashes, name] = /^(--?)(.+)$/.exec(word) ?? []
  if (dashes === undefined || name === undefined) return undefined
  return Object.entries(args).find(([flag, arg]) => flag === name || aliasesOf(arg).includes(name))?.[0]
}

function takesValue(arg: Flag): boolean {
  return arg.type !== "boolean" && arg.type !== "positional"
}

async function values(
  name: string,
  arg: Flag,
  current: string,
  words: readonly string[],
  args: Flags,
  source: CompletionSource,
): Promise<Completion> {
  if (arg.type === "enum") {
    return starting(
      (arg.options ?? []).map((value) => ({ value: String(value), about: "" })),
      current,
    )
  }
  // citty has no choices for positionals, so their hint lists them.
  if (arg.type === "positional" && arg.valueHint?.includes("|")) {
    return starting(
      arg.valueHint.split("|").map((value) => ({ value, about: "" })),
      current,
    )
  }
  if (name === "only") return datasources(current, configIn(words, args), source)
  if (arg.valueHint === "FILE" || arg.valueHint === "PATH") return { candidates: [], also: "files" }
  if (arg.valueHint === "DIR") return { candidates: [], also: "folders" }
  if (typeof arg.default === "string" && arg.default !== "") {
    return starting([{ value: arg.default, about: "the default" }], current)
  }
  return NOTHING
}

/** Names with commas between them: names that were typed already are not offered again. */
async function datasources(
  current: string,
  config: string | undefined,
  source: CompletionSource,
): Promise<Completion> {
  if (config === undefined) return NOTHING
  const names = await source.datasourcesIn(config)
  const comma = current.lastIndexOf(",")
  const before = current.slice(0, comma + 1)
  const chosen = new Set(before.split(","))
  const open = names.filter((name) => !chosen.has(name))
  return starting(
    open.map((name) => ({ value: before + name, about: "datasource" })),
    current,
  )
}

/** The value of `--config` among the words. */
function configIn(words: readonly string[], args: Flags): string | undefined {
  for (const [n, word] of words.entries()) {
    const [flag = "", ...rest] = word.split("=")
    if (flagNamed(flag, args) !== "config") continue
    return rest.length > 0 ? rest.join("=") : words[n + 1]
  }
  const fallback = args.config?.default
  return typeof fallback === "string" ? fallback : undefined
}

function starting(candidates: readonly Candidate[], current: string): Completion {
  return { candidates: candidates.filter(({ value }) => value.startsWith(current)), also: "none" }
}

/** As the shells' scripts read it. */
export function completionText({ candidates, also }: Completion): string {
  const clean = (text: string) => text.replace(/[\t\r\n]+/g, " ")
  return `${candidates.map(({ value, about }) => `${clean(value)}\t${clean(about)}\n`).join("")}:${also}\n`
}
