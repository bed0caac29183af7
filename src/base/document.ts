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

export const started = key(v.string(), "UTC")

export const durationMs = key(v.number(), "milliseconds")

/** An `ErrorReport`. */
export const failure = v.object({
  code: key(v.string(), "a heading of [troubleshooting](how-to/troubleshooting.md)"),
  message: v.string(),
  hint: v.exactOptional(key(v.string(), "what to do")),
})
