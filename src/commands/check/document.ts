/** What `check --json` prints. */
import * as v from "valibot"
import { type DocumentOf, exitCode, format, key } from "../../base/document.ts"

const check = v.object({
  check: v.picklist([
    "config",
    "name",
    "port",
    "certificate",
    "login",
    "version",
    "segments",
    "datasource",
    "direct",
    "lookup",
    "file",
    "disk",
  ]),
  subject: v.exactOptional(key(v.string(), "the datasource, lookup or folder")),
  status: v.picklist(["ok", "warning", "failed"]),
  message: v.string(),
  hint: v.exactOptional(key(v.string(), "what to do")),
  exitCode: key(exitCode, "what a pull would exit with because of it; 0 for warnings"),
})

/** One line of the answer. */
export type Check = DocumentOf<typeof check>

export const checkDocument = v.object({
  format,
  exitCode: key(exitCode, "that of the worst"),
  checks: key(
    v.array(check),
    "in the order in which they were looked at; what could not be, because of one before it, is left out",
  ),
})
