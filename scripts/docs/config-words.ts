/** What the schema of a key says in words. Pure. */
import * as v from "valibot"
import { markOf } from "../../src/config/leaves.ts"

export interface KeyWords {
  readonly meaning: string | undefined
  /** as the file would have it */
  readonly fallback: unknown
  /** what holds where the key is left out, if that depends on others */
  readonly usual: string | undefined
  /** the phrase that completes "accepted: …" */
  readonly accepted: string | undefined
  /** `accepted` are all the values there are */
  readonly isChoice: boolean
  /** what stands for the value of its flag in the help; undefined where it has none */
  readonly flag: string | undefined
}

export function keyWords(schema: v.GenericSchema): KeyWords {
  const inner = "wrapped" in schema ? (schema.wrapped as v.GenericSchema) : schema
  const first = firstOf(inner)
  const { message } = first as { message?: unknown }
  const word = (mark: "usual" | "flag") => markOf(schema, mark) as string | undefined
  return {
    meaning: v.getDescription(inner),
    fallback: v.getDefault(schema as v.OptionalSchema<v.GenericSchema, unknown>),
    usual: word("usual"),
    accepted: typeof message === "string" ? message : undefined,
    isChoice: first.type === "picklist",
    flag: word("flag"),
  }
}

/** What a pipe begins with carries the message. */
function firstOf(schema: v.GenericSchema): v.GenericSchema {
  if (!("pipe" in schema)) return schema
  const [first] = schema.pipe as readonly v.GenericSchema[]
  return first === undefined ? schema : firstOf(first)
}
