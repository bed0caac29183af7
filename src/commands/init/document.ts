/** What `init --json` prints. */
import * as v from "valibot"
import { exitCode, format, key } from "../../base/document.ts"

export const initDocument = v.object({
  format,
  exitCode,
  config: key(v.string(), "the configuration that was written, absolute"),
  schema: key(v.nullable(v.string()), "its JSON Schema beside it; null if that was not written"),
  url: key(v.string(), "of Druid"),
  datasources: key(v.array(v.string()), "names and patterns that the configuration has"),
  next: key(v.string(), "the command to run next"),
})
