/** Time bounds in a condition, folded into an interval as Druid's planner folds them into `intervals`. */
import { ETERNITY, type Interval } from "../model/time.ts"
import type { Expression } from "./parse.ts"

export interface Bounded {
  readonly interval: Interval
  /** conditions that are no time bounds; all must hold */
  readonly rest: readonly Expression[]
}

/** Everything: no row lies outside. */
const UNBOUNDED: Interval = { start: ETERNITY.start, end: ETERNITY.end + 1n }

/** Splits a condition into bounds on `TIMESTAMP_TO_MILLIS("__time")` and the rest. */
export function bounded(where: Expression | undefined): Bounded {
  let { start, end } = UNBOUNDED
  const rest: Expression[] = []
  for (const conjunct of where ? conjuncts(where) : []) {
    if (conjunct.kind === "literal" && conjunct.value === true) continue
    const bound = timeBound(conjunct)
    if (!bound) rest.push(conjunct)
    else if (bound.from !== undefined && bound.from > start) start = bound.from
    else if (bound.to !== undefined && bound.to < end) end = bound.to
  }
  return { interval: { start, end: end < start ? start : end }, rest }
}

function conjuncts(expression: Expression): Expression[] {
  return expression.kind === "binary" && expression.op === "AND"
    ? [...conjuncts(expression.left), ...conjuncts(expression.right)]
    : [expression]
}

/** `TIMESTAMP_TO_MILLIS("__time")` */
export function isTimeMs(expression: Expression): boolean {
  if (expression.kind !== "call" || expression.name !== "TIMESTAMP_TO_MILLIS") return false
  const [arg] = expression.args
  return arg?.kind === "column" && arg.name === "__time"
}

function timeBound(expression: Expression): { from?: bigint; to?: bigint } | undefined {
  if (expression.kind !== "binary" || !isTimeMs(expression.left)) return undefined
  const { right, op } = expression
  if (right.kind !== "literal" || typeof right.value !== "bigint") return undefined
  if (op === ">=") return { from: right.value }
  if (op === ">") return { from: right.value + 1n }
  if (op === "<") return { to: right.value }
  return op === "<=" ? { to: right.value + 1n } : undefined
}
