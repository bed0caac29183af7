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

/** Short forms of a flag, without dashes. */
export function aliasesOf(flag: Flag): readonly string[] {
  const { alias = [] } = flag as { alias?: string | readonly string[] }
  return [alias].flat()
}
