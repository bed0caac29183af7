/** What the exit code of a verification means: in docs/verify.md and in its help. */
import { ExitCode } from "../../base/errors.ts"

export const VERIFY_EXIT_CODES = [
  [ExitCode.ok, "all that was compared is equal"],
  [ExitCode.failed, "something differs"],
  [
    ExitCode.incomplete,
    "nothing differs, but something could not be compared, or was never pulled: a pull is due, or Druid does not serve all of it",
  ],
  [ExitCode.refused, "Druid refuses a datasource, or lists no segment of it"],
] as const
