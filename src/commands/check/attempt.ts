/** One look of `check`: what goes wrong in it becomes a line, and the next looks can tell. */
import { type CheckName, type CheckOptions, failedCheck } from "./check-line.ts"

/**
 * @param work looks, and tells what it found; false: it told itself that something is wrong
 * @returns whether it went well
 * @throws the signal's reason, and what is a bug
 */
export async function attempt(
  { signal, onCheck }: CheckOptions,
  check: CheckName,
  work: () => Promise<boolean | undefined>,
  subject?: string,
): Promise<boolean> {
  signal.throwIfAborted()
  try {
    return (await work()) !== false
  } catch (error) {
    signal.throwIfAborted()
    onCheck(failedCheck(check, error, subject))
    return false
  }
}
