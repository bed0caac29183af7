/** The JSON Schema of the configuration, for editors: made by `npm run docs`, carried along as text. */
import schema from "./config.schema.json" with { type: "json" }

/** Name of the file that `init` puts beside a configuration. */
export const SCHEMA_FILE = "druidsync.schema.json"

/** The schema as it is written to a file. */
export function configSchemaText(): string {
  return `${JSON.stringify(schema, undefined, 2)}\n`
}

/** Is this text a schema of ours, of this or another release? Others are not overwritten. */
export function isConfigSchema(text: string): boolean {
  return text.includes(JSON.stringify(schema.title))
}
