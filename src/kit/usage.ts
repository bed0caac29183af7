/** The error for a command line that is not understood: exit code 2. */
import { DruidsyncError, ExitCode } from "../base/errors.ts"

export function usage(message: string, hint = "see --help"): DruidsyncError {
  return new DruidsyncError("usage", message, { exitCode: ExitCode.usage, hint })
}
