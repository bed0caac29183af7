/** The keys of a document, read from its schema: path, type and meaning of each. Pure. */
import * as v from "valibot"

export interface Key {
  /** such as `datasources[].rows` */
  readonly path: string
  /** in words: `list of text or null` */
  readonly type: string
  readonly isOptional: boolean
  readonly meaning: string
}

/** The kinds of schema that documents are made of. */
type Described =
  | v.StringSchema<undefined>
  | v.NumberSchema<undefined>
  | v.BooleanSchema<undefined>
  | v.LiteralSchema<string | number, undefined>
  | v.PicklistSchema<readonly (string | number)[], undefined>
  | v.ArraySchema<v.GenericSchema, undefined>
  | v.ObjectSchema<v.ObjectEntries, undefined>
  | v.RecordSchema<v.GenericSchema<string>, v.GenericSchema, undefined>

/** A schema without what wraps it. */
interface Unwrapped {
  readonly schema: Described
  readonly isOptional: boolean
  readonly orNull: boolean
  readonly meaning: string
}

/**
 * @param isWhole false: an object that is described once already is only referred to
 * @throws Error where a schema is of a kind that no page can tell yet
 */
export function keysOf(document: v.GenericSchema, isWhole: boolean): Key[] {
  const keys: Key[] = []
  const told = new Map<v.ObjectEntries, string>()
  const walk = (entries: v.ObjectEntries, path: string) => {
    for (const [name, entry] of Object.entries(entries)) {
      const one = unwrapped(entry as v.GenericSchema)
      const at = path === "" ? name : `${path}.${name}`
      const [inner, brackets] = innerOf(one.schema)
      const before = inner === undefined ? undefined : told.get(inner)
      const refers = before === undefined || isWhole ? "" : `as \`${before}\``
      const meaning = [valuesOf(one), one.meaning, refers].filter((part) => part !== "").join("; ")
      const type = one.orNull ? `${typeOf(one.schema)} or null` : typeOf(one.schema)
      keys.push({ path: at, type, isOptional: one.isOptional, meaning })
      if (inner === undefined || refers !== "") continue
      told.set(inner, at)
      walk(inner, at + brackets)
    }
  }
  const [entries] = innerOf(unwrapped(document).schema)
  walk(entries ?? {}, "")
  return keys
}

function unwrapped(wrapped: v.GenericSchema): Unwrapped {
  let schema = wrapped
  let isOptional = false
  let orNull = false
  let meaning: string | undefined
  for (;;) {
    meaning ??= v.getDescription(schema)
    if (schema.type === "optional" || schema.type === "exact_optional") isOptional = true
    else if (schema.type === "nullable") orNull = true
    else return { schema: schema as Described, isOptional, orNull, meaning: meaning ?? "" }
    schema = (schema as unknown as { wrapped: v.GenericSchema }).wrapped
  }
}

/** The keys of an object, or of the objects in a list, and what the path gains by that. */
function innerOf(schema: Described): readonly [v.ObjectEntries | undefined, string] {
  if (schema.type === "object") return [schema.entries, ""]
  if (schema.type !== "array") return [undefined, ""]
  const [inner, brackets] = innerOf(unwrapped(schema.item).schema)
  return [inner, `[]${brackets}`]
}

const WORDS = { string: "text", number: "number", boolean: "true or false" } as const

function typeOf(schema: Described): string {
  switch (schema.type) {
    case "string":
    case "number":
    case "boolean":
      return WORDS[schema.type]
    case "literal":
      return WORDS[typeof schema.literal as "string" | "number"]
    case "picklist":
      return WORDS[typeof schema.options[0] as "string" | "number"]
    case "array": {
      const inner = typeOf(unwrapped(schema.item).schema)
      return `list of ${inner === "text" ? inner : `${inner}s`}`
    }
    case "object":
    case "record":
      return "object"
    default:
      throw new Error(`no words for a schema of type ${(schema as v.GenericSchema).type}`)
  }
}

/** The texts that a key may have, where its meaning does not name each of them. */
function valuesOf({ schema, meaning }: Unwrapped): string {
  if (schema.type !== "picklist") return ""
  const values = schema.options.filter((one) => typeof one === "string").map((one) => `\`${one}\``)
  return values.every((value) => meaning.includes(value)) ? "" : values.join(", ")
}
