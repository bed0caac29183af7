/** What `report --json` prints. */
import * as v from "valibot"
import { format, key } from "../../base/document.ts"

export const reportDocument = v.object({
  format,
  file: key(v.string(), "the DuckDB file, absolute"),
  to: key(v.string(), "the page, absolute"),
  bytes: key(v.number(), "of the page"),
  datasources: key(v.number(), "how many"),
  isIncomplete: key(v.boolean(), "as in `status`"),
})
