/** The answers of `check`, a line each. Pure. */

import { printable } from "../../base/printable.ts"
import type { Style } from "../../kit/text/style.ts"
import { counted } from "../../kit/text/words.ts"
import type { Check } from "./document.ts"

/** Width of the longest name. */
const NAME_CELLS = "certificate".length

/** One line, and one more with what to do. */
export function checkLine(check: Check, style: Style): string {
  const mark =
    check.status === "ok" ? style.green("✓") : check.status === "failed" ? style.red("✗") : style.yellow("!")
  const subject = check.check === "datasource" ? `${printable(check.subject ?? "")}: ` : ""
  const text = check.message.split("\n").map(printable)
  const indent = " ".repeat(NAME_CELLS + 4)
  const [first = "", ...rest] = text
  return [
    `${mark} ${check.check.padEnd(NAME_CELLS)}  ${subject}${first}`,
    ...rest.map((line) => indent + line),
    ...(check.hint === undefined ? [] : [`${indent}→ ${printable(check.hint)}`]),
  ]
    .map((line) => `${line}\n`)
    .join("")
}

/** The last line. */
export function checkVerdict(checks: readonly Check[], exitCode: number, style: Style): string {
  const failed = checks.filter((one) => one.status === "failed").length
  const warnings = checks.filter((one) => one.status === "warning").length
  if (exitCode === 0 && failed === 0) {
    const but = warnings === 0 ? "" : `, with ${counted(warnings, "thing")} to look at`
    return `${style.green("ready")}${but}\n`
  }
  return `${style.red("not ready")}: ${counted(failed, "check")} failed\n`
}
