/** The flags of commands that stand for keys of the configuration, made from the keys. */

import { resolve } from "node:path"
import * as v from "valibot"
import { kebab } from "../base/names.ts"
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
export type ConfigFlag = FlagOf<string | true>

/** The names of those without a value. */
export type ConfigSwitch = FlagOf<true>

type FlagOf<Mark> = {
  [K in Key]: Entries[K] extends { readonly flag: Mark } ? Kebab<K> : never
}[Key]

/** What a command has to know of a flag with a value. */
export interface FlagText {
  readonly type: "string"
  /** stands for the value in the help */
  readonly valueHint: string
  readonly description: string
}

/** What it has to know of one without. */
export interface SwitchText {
  readonly type: "boolean"
  readonly description: string
}

const flagged = (Object.keys(configEntries) as Key[]).flatMap((key) => {
  const mark = markOf(configEntries[key], "flag")
  if (typeof mark !== "string" && mark !== true) return []
  return [{ key, name: kebab(key), valueHint: mark === true ? undefined : mark }]
})

/** Each flag that stands for a key, in the order of the keys. */
export const configFlags = Object.fromEntries(
  flagged.map(({ key, name, valueHint }) => {
    const { wrapped } = configEntries[key] as v.OptionalSchema<v.GenericSchema, unknown>
    const description = v.getDescription(wrapped) ?? ""
    const text: FlagText | SwitchText =
      valueHint === undefined ? { type: "boolean", description } : { type: "string", valueHint, description }
    return [name, text]
  }),
) as { readonly [F in ConfigFlag]: F extends ConfigSwitch ? SwitchText : FlagText }

/** What the flags of a command line say, as `loadConfig` takes it. A path starts in the current directory, not at the file's folder. */
export function overridesOf(
  args: {
    readonly [F in ConfigFlag]?: (F extends ConfigSwitch ? boolean : string) | undefined
  },
): Overrides {
  const given = flagged.map(({ key, name }) => {
    const value = args[name as ConfigFlag]
    return [key, typeof value === "string" && markOf(configEntries[key], "isPath") ? resolve(value) : value]
  })
  return Object.fromEntries(given) as Overrides
}
