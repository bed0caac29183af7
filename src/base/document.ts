/**
 * What the documents of `--json` have in common, and how they are described: each is a valibot schema in a `document.ts`
 * beside what makes it. Its type, its table in docs/json.md and its JSON Schema in docs/json follow from the schema
 * (`npm run docs`). The program itself imports only the types, so that no command loads valibot to print.
 */
import * as v from "valibot"
import { ExitCode } from "./errors.ts"

/** What a schema describes, for reading alone. */
export type DocumentOf<Schema extends v.GenericSchema> = ForReading<v.InferOutput<Schema>>

type ForReading<T> = T extends readonly (infer One)[]
  ? readonly ForReading<One>[]
  : T extends object
    ? { readonly [Key in keyof T]: ForReading<T[Key]> }
    : T

/** A key, with what it means. Markdown; links are relative to docs. */
export function key<const Schema extends v.GenericSchema>(schema: Schema, meaning: string) {
  return v.pipe(schema, v.description(meaning))
}

/** `format` of every document. */
export const format = key(v.literal(1), "1; raised when the meaning changes")

export const exitCode = key(
  v.picklist(Object.values(ExitCode)),
  "as in the [README](../README.md#exit-codes)",
)

export const out = key(v.string(), "the DuckDB file, absolute")

export const durationMs = key(v.number(), "milliseconds")

/** How a command ended, and how long it took. */
export const ended = { exitCode, started: key(v.string(), "UTC"), durationMs }

const table = key(v.string(), "in DuckDB")

/** The table that a part of a document is about. */
export const ofTable = { datasource: v.string(), table }

/** The lookup that it is about. */
export const ofLookup = { lookup: key(v.string(), "its name in Druid"), table }

/** A stretch of time, and what there is to say of it. */
export const reasoned = { interval: v.string(), reason: key(v.string(), "in words") }

export const requests = key(v.number(), "sent to Druid, those that were sent again included")

/** An `ErrorReport`. */
export const failure = v.object({
  code: key(v.string(), "a heading of [troubleshooting](how-to/troubleshooting.md)"),
  message: v.string(),
  hint: v.exactOptional(key(v.string(), "what to do")),
})
