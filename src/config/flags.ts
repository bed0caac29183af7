/** The flags of commands that stand for keys of the configuration, made from the keys. */

import { resolve } from "node:path"
import * as v from "valibot"
import { markOf } from "./leaves.ts"
import type { Overrides } from "./load.ts"
import { configEntries } from "./schema.ts"

type Entries = typeof configEntries
type Key = keyof Entries & string

/** `maxDuration` becomes `max-duration`. */
type Kebab<S extends string> = S extends `${infer First}${infer Rest}`
  ? `${First extends Lowercase<First> ? First : `-${Lowercase<First>}`}${Kebab<Rest>}`
  : S

/** The names of the flags, without the dashes before them. */
export type ConfigFlag = {
  [K in Key]: Entries[K] extends { readonly flag: string } ? Kebab<K> : never
}[Key]

/** What a command has to know of a flag. */
export interface FlagText {
  readonly type: "string"
  /** stands for the value in the help */
  readonly valueHint: string
  readonly description: string
}

const flagged = (Object.keys(configEntries) as Key[]).flatMap((key) => {
  const valueHint = markOf(configEntries[key], "flag")
  return typeof valueHint === "string" ? [{ key, name: kebab(key), valueHint }] : []
})

/** Each flag that stands for a key, in the order of the keys. */
export const configFlags = Object.fromEntries(
  flagged.map(({ key, name, valueHint }) => {
    const { wrapped } = configEntries[key] as v.OptionalSchema<v.GenericSchema, unknown>
    return [
      name,
      { type: "string", valueHint, description: v.getDescription(wrapped) ?? "" } satisfies FlagText,
    ]
  }),
) as { readonly [F in ConfigFlag]: FlagText }

/** What the flags of a command line say, as `loadConfig` takes it. A path starts in the current directory, not at the file's folder. */
export function overridesOf(args: { readonly [F in ConfigFlag]?: string | undefined }): Overrides {
  const given = flagged.map(({ key, name }) => {
    const text = args[name as ConfigFlag]
    return [key, text !== undefined && markOf(configEntries[key], "isPath") ? resolve(text) : text]
  })
  return Object.fromEntries(given) as Overrides
}

function kebab(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}
