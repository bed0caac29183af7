/** What every command prints with `--json` where it fails before it has a document of its own. */
import * as v from "valibot"
import { type DocumentOf, exitCode, failure, format } from "../base/document.ts"

export const errorDocument = v.object({
  format,
  outcome: v.picklist(["failed", "interrupted"]),
  exitCode,
  error: failure,
})

export type ErrorDocument = DocumentOf<typeof errorDocument>
