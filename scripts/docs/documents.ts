/** Every document of `--json`: its name, its schema, and what its page says before the table. */
import type * as v from "valibot"
import { checkDocument } from "../../src/commands/check/document.ts"
import { initDocument } from "../../src/commands/init/document.ts"
import { planDocument } from "../../src/commands/plan/document.ts"
import { reportDocument } from "../../src/commands/report/document.ts"
import { schemaDocument } from "../../src/commands/schema/document.ts"
import { verifyDocument } from "../../src/commands/verify/document.ts"
import { datasourcesDocument } from "../../src/kit/cluster/document.ts"
import { errorDocument } from "../../src/kit/document.ts"
import { statusDocument } from "../../src/kit/status/document.ts"
import { exportDocument, lakeDocument } from "../../src/lake/document.ts"
import { pullDocument } from "../../src/pull/document.ts"

export interface DocumentPage {
  /** of its files: `NAME.schema.json`, `examples/NAME.json` */
  readonly name: string
  readonly heading: string
  readonly schema: v.GenericSchema
  readonly note?: string
}

export const DOCUMENTS: readonly DocumentPage[] = [
  { name: "plan", heading: "`plan`", schema: planDocument, note: "Also of `pull --dry-run`." },
  { name: "pull", heading: "`pull`", schema: pullDocument },
  { name: "status", heading: "`status`", schema: statusDocument },
  { name: "verify", heading: "`verify`", schema: verifyDocument },
  { name: "verify-lake", heading: "`verify --lake`", schema: lakeDocument },
  { name: "export", heading: "`export`", schema: exportDocument },
  { name: "schema", heading: "`schema`", schema: schemaDocument },
  { name: "datasources", heading: "`datasources`", schema: datasourcesDocument },
  { name: "check", heading: "`check`", schema: checkDocument },
  { name: "init", heading: "`init`", schema: initDocument },
  { name: "report", heading: "`report`", schema: reportDocument },
  {
    name: "error",
    heading: "a command that fails",
    schema: errorDocument,
    note: "Where nothing could be begun (no connection, a wrong flag, no file), of every command.",
  },
]
