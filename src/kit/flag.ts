/** A flag of a command: citty's definition of it, and how its text becomes a value. */
import type { ArgDef } from "citty"
import type { Parse } from "./values.ts"

export type Flag = ArgDef & { readonly parse?: Parse<unknown> }
export type Flags = Readonly<Record<string, Flag>>

type ValueOf<F extends Flag> = F extends { parse: Parse<infer T> }
  ? T
  : F extends { type: "boolean" }
    ? boolean
    : F extends { type: "enum"; options: readonly (infer O)[] }
      ? O
      : string

/** What a command gets for its flags. */
export type Values<A extends Flags> = {
  readonly [K in keyof A]: A[K] extends { required: true } | { default: string | boolean }
    ? ValueOf<A[K]>
    : ValueOf<A[K]> | undefined
}

/** A switch: true if it is given. */
export function toggle<const More extends { alias?: string }>(description: string, more: More = {} as More) {
  return { type: "boolean", default: false, description, ...more } as const
}

type TextMore = { alias?: string; required?: boolean; default?: string; parse?: Parse<unknown> }

/** A flag with a value. @param valueHint stands for the value in the help */
export function text<const More extends TextMore>(
  valueHint: string,
  description: string,
  more: More = {} as More,
) {
  return { type: "string", valueHint, description, ...more } as const
}

/** A flag whose value is one of a few words. */
export function choice<const Words extends readonly string[], const More extends { default?: string }>(
  words: Words,
  description: string,
  more: More = {} as More,
) {
  return { type: "enum", options: [...words] as Words[number][], description, ...more } as const
}

/** Short forms of a flag, without dashes. */
export function aliasesOf(flag: Flag): readonly string[] {
  const { alias = [] } = flag as { alias?: string | readonly string[] }
  return [alias].flat()
}
