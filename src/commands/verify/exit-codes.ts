/** What the exit code of a verification means: for its help and for docs/verify.md. */
import { ExitCode } from "../../base/errors.ts"

export const VERIFY_EXIT_CODES = [
  [ExitCode.ok, "everything compared is equal"],
  [ExitCode.failed, "something differs"],
  [
    ExitCode.incomplete,
    "nothing differs, but something could not be compared (a pull is due, or Druid does not serve all of it)",
  ],
  [ExitCode.refused, "Druid refuses a datasource, or lists no segment of it"],
] as const
