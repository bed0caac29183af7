/** The JSON Schema of a document. Keys that later versions add do not break it. Pure. */
import { toJsonSchema } from "@valibot/to-json-schema"
import type { DocumentPage } from "./documents.ts"

export function documentSchema({ heading, schema }: Pick<DocumentPage, "heading" | "schema">): string {
  const { $schema, ...rest } = toJsonSchema(schema, { target: "draft-07", typeMode: "output" })
  const title = `druidsync: the JSON of ${heading.replaceAll("`", "")}`
  return `${JSON.stringify({ $schema, title, ...rest }, undefined, 2)}\n`
}
