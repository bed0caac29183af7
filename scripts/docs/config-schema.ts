/**
 * The JSON Schema of the configuration file, made from the valibot schema that the program itself reads it with, so that
 * editors complete and check what the program accepts.
 */
import { type ConversionConfig, type JsonSchema, toJsonSchema } from "@valibot/to-json-schema"
import type * as v from "valibot"
import { configSchema } from "../../src/config/schema.ts"
import { keyWords } from "./config-words.ts"

const OPTIONS: ConversionConfig = {
  target: "draft-07",
  typeMode: "input",
  // What a reader of durations, sizes or hosts accepts cannot be said in JSON Schema; the program says it.
  errorMode: "ignore",
  // Descriptions are set from above: what stands in a pipe after a transformation is not converted.
  overrideSchema: ({ valibotSchema, jsonSchema }) => {
    if (valibotSchema.type !== "strict_object") return jsonSchema
    const { entries } = valibotSchema as v.StrictObjectSchema<v.ObjectEntries, undefined>
    const properties = Object.entries(jsonSchema.properties ?? {}).map(([key, property]) => {
      const described = describedAs(entries[key] as v.GenericSchema)
      const whole = typeof property === "object" ? repaired(property) : property
      return [key, described === undefined ? whole : { ...(whole as JsonSchema), description: described }]
    })
    return { ...jsonSchema, properties: Object.fromEntries(properties) }
  },
}

/** The JSON Schema as a file. */
export function configSchemaPage(): string {
  return `${JSON.stringify(makeConfigSchema(), undefined, 2)}\n`
}

function makeConfigSchema(): JsonSchema {
  const { $schema, ...schema } = toJsonSchema(configSchema, OPTIONS)
  return {
    $schema: $schema ?? "http://json-schema.org/draft-07/schema#",
    title: "druidsync configuration",
    description:
      "What druidsync copies, and from where. Made by druidsync; see druidsync init --print-schema.",
    ...(walk(schema) as JsonSchema),
  }
}

/** What a key means and what it accepts, as the program itself says it. */
function describedAs(schema: v.GenericSchema): string | undefined {
  const { meaning, usual, accepted, isChoice } = keyWords(schema)
  if (meaning === undefined) return undefined
  const whole = usual === undefined ? meaning : `${meaning}; default: ${usual}`
  const isSaid = isChoice || accepted === undefined || accepted === "" || whole.includes(accepted)
  return isSaid ? whole : `${whole}. Accepted: ${accepted}`
}

/** A number that may be written in digits, or a size: what follows a union in a pipe holds for the number alone. */
function repaired(schema: JsonSchema): JsonSchema {
  const { anyOf, type, minimum, maximum, ...rest } = schema
  if (anyOf === undefined || (type === undefined && minimum === undefined)) return schema
  const number = { ...(type === undefined ? {} : { type }), ...bounds(minimum, maximum) }
  return {
    ...rest,
    anyOf: anyOf.map((one) =>
      typeof one === "object" && one.type === "number" ? { type: "integer" as const, ...number } : one,
    ),
  }
}

function bounds(minimum: number | undefined, maximum: number | undefined): JsonSchema {
  return {
    ...(minimum === undefined ? {} : { minimum }),
    // The greatest number that JavaScript holds exactly says nothing to a person.
    ...(maximum === undefined || maximum === Number.MAX_SAFE_INTEGER ? {} : { maximum }),
  }
}

/** Patterns on classes of Unicode are left out: not every editor's engine knows them. */
function walk(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(walk)
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key, inner]) => !(key === "pattern" && typeof inner === "string" && inner.includes("\\p{")))
      .filter(([key, inner]) => !(key === "required" && Array.isArray(inner) && inner.length === 0))
      .map(([key, inner]) => [key, walk(inner)]),
  )
}
