/** The signals that end a run in good order: queries cancelled, the spool and the lock tidied up. */
import { readFileSync } from "node:fs"

/**
 * A lost terminal (SIGHUP) ends a run as SIGTERM does, but not one that was started to outlive it: `nohup` ignores the
 * signal, and a handler of ours would undo that.
 * @param hasTerminal stderr is a terminal: `nohup` would have put a file in its place
 */
export function endingSignals(hasTerminal: boolean): readonly ("SIGINT" | "SIGTERM" | "SIGHUP")[] {
  const isIgnored = ignoresHangUp() ?? !hasTerminal
  return isIgnored ? ["SIGINT", "SIGTERM"] : ["SIGINT", "SIGTERM", "SIGHUP"]
}

/** As the process was started; undefined if the system does not say. */
function ignoresHangUp(): boolean | undefined {
  if (process.platform === "win32") return false
  try {
    const mask = /^SigIgn:\s*([0-9a-f]+)/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1]
    // Bit 0 is signal 1, SIGHUP.
    return mask === undefined ? undefined : (BigInt(`0x${mask}`) & 1n) === 1n
  } catch {
    return undefined
  }
}
