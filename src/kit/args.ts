/**
 * Reads a command line by a command's flags. citty takes any flag, drops what it does not know and lets the last of two
 * win; a typing error in a cron line must not pass silently, so every word is checked before citty gets it.
 */

import { stripVTControlCharacters } from "node:util"
import { type ArgsDef, parseArgs } from "citty"
import { usage } from "../base/errors.ts"
import { nearest } from "../base/nearest.ts"
import { aliasesOf, type Flag, type Flags, type Values } from "./flag.ts"

/** What citty made of the words: texts and switches by the names of the flags. */
export type RawValues = Readonly<Record<string, string | boolean | undefined>>

export interface Arguments {
  readonly raw: RawValues
  /** names of the flags that are on the command line, without those that have their default */
  readonly given: ReadonlySet<string>
}

/**
 * @param command its name, for the hint
 * @throws DruidsyncError `usage` naming the flag, with a did-you-mean
 */
export function readArgs(words: readonly string[], flags: Flags, command: string): Arguments {
  const given = checkWords(words, flags)
  try {
    return { raw: parseArgs([...words], flags as ArgsDef) as RawValues, given }
  } catch (error) {
    // citty's own complaint: a required argument is missing, or a value is none of the choices.
    const complaint = lowerFirst(stripVTControlCharacters((error as Error).message))
    throw usage(complaint, `see druidsync ${command} --help`)
  }
}

/** The texts as values. @throws DruidsyncError `usage` if one cannot be read */
export function valuesOf<A extends Flags>(raw: RawValues, flags: A): Values<A> {
  const read = ([name, { parse }]: [string, Flag]) => {
    const text = raw[name]
    return [name, parse === undefined || typeof text !== "string" ? text : parse(text, `--${name}`)]
  }
  return Object.fromEntries(Object.entries(flags).map(read)) as Values<A>
}

/** @returns the names of the flags that are there */
function checkWords(words: readonly string[], flags: Flags): ReadonlySet<string> {
  const names = new Map<string, string>()
  for (const [name, flag] of Object.entries(flags)) {
    if (flag.type === "positional") continue
    for (const known of [name, ...aliasesOf(flag)]) names.set(known, name)
  }
  let positionals = Object.values(flags).filter(({ type }) => type === "positional").length
  const given = new Set<string>()
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!
    if (word === "--") break
    if (!word.startsWith("-") || word === "-") {
      if (positionals-- <= 0) throw usage(`unexpected argument "${word}"`, hintForExtra(flags))
      continue
    }
    const [, typed = "", inline] = /^-{1,2}([^=]*)(?:=(.*))?$/s.exec(word)!
    const name = names.get(typed)
    if (name === undefined) throw unknownFlag(word, typed, flags, names)
    if (given.has(name)) throw usage(`--${name} is given twice`)
    given.add(name)
    if (flags[name]!.type === "boolean") {
      if (![undefined, "true", "false"].includes(inline)) throw usage(`--${name} takes no value`)
      continue
    }
    const value = inline ?? words[++i]
    const isFlag = inline === undefined && value?.startsWith("--") === true && names.has(value.slice(2))
    if (value === undefined || inline === "" || isFlag) throw usage(`--${name} needs a value`)
  }
  return given
}

function unknownFlag(word: string, typed: string, flags: Flags, names: ReadonlyMap<string, string>) {
  const guess = choiceNamed(typed, flags) ?? nearest(typed, [...names.keys()])
  const hint = guess === undefined ? undefined : `did you mean --${guess}?`
  return usage(`unknown flag ${word.split("=")[0]}`, hint)
}

/** `format json` for a `--json` where that is a value of `--format`. */
function choiceNamed(typed: string, flags: Flags): string | undefined {
  const found = Object.entries(flags).find(
    ([, flag]) => flag.type === "enum" && flag.options?.includes(typed),
  )
  return found === undefined ? undefined : `${found[0]} ${typed}`
}

/** SQL without quotes comes from the shell in as many pieces as it has words. */
function hintForExtra(flags: Flags): string | undefined {
  const isSql = Object.values(flags).some(
    ({ type, valueHint }) => type === "positional" && valueHint === "SQL",
  )
  return isSql ? "put the SQL in quotes, so that the shell passes it on in one piece" : undefined
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1)
}
