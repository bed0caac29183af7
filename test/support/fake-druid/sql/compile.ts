/** Expressions into functions of a row, with SQL's three-valued logic and Java's 64-bit arithmetic. */
import { ms } from "../model/time.ts"
import { doubleText, type Value } from "../model/values.ts"
import { runtimeError, type SqlError, sqlError } from "./errors.ts"
import { FINGERPRINT_FUNCTIONS } from "./fingerprints.ts"
import {
  BIGINT,
  BOOLEAN,
  DECIMAL,
  DOUBLE,
  INTEGER,
  SCALAR_FUNCTIONS,
  type ScalarFunction,
  type SqlType,
  TIMESTAMP,
  VARCHAR,
} from "./functions.ts"
import type { Expression } from "./parse.ts"

export interface Compiled {
  readonly type: SqlType
  evaluate(row: readonly Value[]): Value
}

/** Where names come from. */
export interface Scope {
  readonly sql: string
  /** the place of a column in the row, and its type */
  column(name: string): { readonly slot: number; readonly type: SqlType } | undefined
  /** names that may have been meant */
  names(): Iterable<string>
  /** takes a whole expression out of the compiler's hands: grouping keys and aggregations */
  special?(expression: Expression): Compiled | undefined
}

/** @throws SqlError (400) for unknown columns and functions */
export function compile(expression: Expression, scope: Scope): Compiled {
  const special = scope.special?.(expression)
  if (special) return special
  const inner = (operand: Expression) => compile(operand, scope)
  switch (expression.kind) {
    case "literal":
      return constant(expression.value)
    case "column":
      return column(expression, scope)
    case "unary": {
      const operand = inner(expression.operand)
      if (expression.op === "NOT") return condition((row) => not(operand.evaluate(row)))
      return { type: operand.type, evaluate: (row) => arithmetic("-", 0n, operand.evaluate(row)) }
    }
    case "binary":
      return binary(expression.op, inner(expression.left), inner(expression.right))
    case "is": {
      const operand = inner(expression.operand)
      const wanted = expression.what === "NULL" ? null : expression.what === "TRUE"
      return condition((row) => {
        const value = operand.evaluate(row)
        return (Array.isArray(value) ? value.includes(wanted) : value === wanted) !== expression.not
      })
    }
    case "in": {
      const operand = inner(expression.operand)
      const list = expression.list.map(inner)
      const set = new Set(list.map((item) => item.evaluate([])))
      return condition((row) => {
        const value = operand.evaluate(row)
        if (value === null) return null
        const found = Array.isArray(value) ? value.some((v) => set.has(v)) : set.has(value)
        return found !== expression.not
      })
    }
    case "like": {
      const operand = inner(expression.operand)
      const pattern = likePattern(String(inner(expression.pattern).evaluate([])))
      return condition((row) => {
        const value = operand.evaluate(row)
        return value === null ? null : pattern.test(String(value)) !== expression.not
      })
    }
    case "call":
      return call(expression, scope)
    case "case": {
      const branches = expression.branches.map((b) => ({ when: inner(b.when), value: inner(b.value) }))
      const otherwise = expression.otherwise && inner(expression.otherwise)
      return {
        type: branches[0]!.value.type,
        evaluate(row) {
          for (const { when, value } of branches) if (when.evaluate(row) === true) return value.evaluate(row)
          return otherwise?.evaluate(row) ?? null
        },
      }
    }
    case "cast":
      return cast(inner(expression.operand), expression, scope)
  }
}

/** true where the row meets the condition (not where it is unknown). */
export function predicate(expressions: readonly Expression[], scope: Scope) {
  const compiled = expressions.map((expression) => compile(expression, scope))
  return (row: readonly Value[]) => compiled.every((c) => c.evaluate(row) === true)
}

export function unsupported(what: string, expression: Expression, sql: string): SqlError {
  return sqlError(`The fake Druid does not support ${what}`, sql, expression.at, expression.length)
}

function constant(value: string | bigint | number | boolean | null): Compiled {
  const type =
    typeof value === "bigint"
      ? value >= -2147483648n && value <= 2147483647n
        ? INTEGER
        : BIGINT
      : typeof value === "number"
        ? DECIMAL
        : typeof value === "boolean"
          ? BOOLEAN
          : { druid: "STRING", sql: "CHAR" }
  return { type, evaluate: () => value }
}

function condition(evaluate: (row: readonly Value[]) => Value): Compiled {
  return { type: BOOLEAN, evaluate }
}

function column(expression: Expression & { kind: "column" }, scope: Scope): Compiled {
  const found = scope.column(expression.name)
  if (found) return { type: found.type, evaluate: (row) => row[found.slot]! }
  const meant = [...scope.names()].find((name) => name.toLowerCase() === expression.name.toLowerCase())
  const hint = meant === undefined ? "" : `; did you mean '${meant}'?`
  throw sqlError(
    `Column '${expression.name}' not found in any table${hint}`,
    scope.sql,
    expression.at,
    expression.length,
  )
}

const FUNCTIONS: Readonly<Record<string, ScalarFunction>> = { ...SCALAR_FUNCTIONS, ...FINGERPRINT_FUNCTIONS }

function call(expression: Expression & { kind: "call" }, scope: Scope): Compiled {
  const fn = Object.hasOwn(FUNCTIONS, expression.name) ? FUNCTIONS[expression.name] : undefined
  const fits = fn?.more ? expression.args.length >= fn.arity : expression.args.length === fn?.arity
  if (!fn || expression.star || expression.filter || !fits)
    throw sqlError(
      `No match found for function signature ${expression.name}(${expression.star ? "*" : expression.args.length})`,
      scope.sql,
      expression.at,
      expression.length,
    )
  const args = expression.args.map((arg) => compile(arg, scope))
  const types = args.map((arg) => arg.type)
  const type = fn.type(types)
  const apply = fn.bind?.(types) ?? fn.apply
  const [first] = args
  if (args.length === 1 && !fn.takesNull)
    return {
      type,
      evaluate(row) {
        const value = first!.evaluate(row)
        return value === null ? null : apply(value)
      },
    }
  return {
    type,
    evaluate(row) {
      const given = args.map((arg) => arg.evaluate(row))
      return !fn.takesNull && given.includes(null) ? null : apply(...given)
    },
  }
}

function cast(operand: Compiled, expression: Expression & { kind: "cast" }, scope: Scope): Compiled {
  switch (expression.type) {
    case "BIGINT":
      return { type: BIGINT, evaluate: (row) => toLong(operand.evaluate(row)) }
    case "DOUBLE":
      return { type: DOUBLE, evaluate: (row) => nullOr(operand.evaluate(row), Number) }
    case "VARCHAR":
      return {
        type: VARCHAR,
        evaluate: (row) =>
          nullOr(operand.evaluate(row), (v) => (typeof v === "number" ? doubleText(v) : String(v))),
      }
    case "TIMESTAMP":
      return {
        type: TIMESTAMP,
        evaluate: (row) => nullOr(operand.evaluate(row), (v) => (typeof v === "bigint" ? v : ms(String(v)))),
      }
  }
  throw unsupported(`CAST AS ${expression.type}`, expression, scope.sql)
}

function nullOr(value: Value, convert: (value: Value) => Value): Value {
  return value === null ? null : convert(value)
}

function toLong(value: Value): Value {
  if (value === null || typeof value === "bigint") return value
  return BigInt(Math.trunc(Number(value)))
}

function binary(op: string, left: Compiled, right: Compiled): Compiled {
  switch (op) {
    case "AND":
      return condition((row) => and(left.evaluate(row), () => right.evaluate(row)))
    case "OR":
      return condition((row) => not(and(not(left.evaluate(row)), () => not(right.evaluate(row)))))
    case "||":
      return {
        type: VARCHAR,
        evaluate(row) {
          const [a, b] = [left.evaluate(row), right.evaluate(row)]
          return a === null || b === null ? null : `${String(a)}${String(b)}`
        },
      }
    case "=":
    case "<>":
    case "<":
    case "<=":
    case ">":
    case ">=":
      return condition((row) => comparison(op, left.evaluate(row), right.evaluate(row)))
  }
  const isLong = left.type.druid === "LONG" && right.type.druid === "LONG"
  const type = !isLong ? DOUBLE : left.type === INTEGER && right.type === INTEGER ? INTEGER : BIGINT
  return { type, evaluate: (row) => arithmetic(op, left.evaluate(row), right.evaluate(row)) }
}

function not(value: Value): Value {
  return value === null ? null : value !== true
}

function and(left: Value, right: () => Value): Value {
  if (left === false) return false
  const other = right()
  if (other === false) return false
  return left === null || other === null ? null : true
}

/**
 * A row with several values meets a condition if one of its values does, and is unknown if none does and one is null;
 * `<>` is the negation of `=`.
 */
function comparison(op: string, left: Value, right: Value): Value {
  if (left === null || right === null) return null
  if (op === "<>") return not(comparison("=", left, right))
  if (Array.isArray(left)) {
    const each = left.map((value) => comparison(op, value, right))
    return each.includes(true) ? true : each.includes(null) ? null : false
  }
  const order = compareValues(left, right)
  if (op === "=") return order === 0
  if (op === "<") return order < 0
  if (op === "<=") return order <= 0
  return op === ">" ? order > 0 : order >= 0
}

/** Order of two values that are not null; numbers and text compare as numbers; NaN is the greatest, as in Java. */
export function compareValues(left: Value, right: Value): number {
  let [a, b] = [left, right] as [string | bigint | number, string | bigint | number]
  if (typeof a === "string" && typeof b !== "string") a = Number(a)
  if (typeof b === "string" && typeof a !== "string") b = Number(b)
  if (a < b) return -1
  if (a > b) return 1
  return Number(Number.isNaN(a)) - Number(Number.isNaN(b))
}

function arithmetic(op: string, left: Value, right: Value): Value {
  if (left === null || right === null) return null
  if (typeof left === "bigint" && typeof right === "bigint") {
    if (op === "+") return BigInt.asIntN(64, left + right)
    if (op === "-") return BigInt.asIntN(64, left - right)
    if (op === "*") return BigInt.asIntN(64, left * right)
    if (right === 0n) throw runtimeError("/ by zero", "java.lang.ArithmeticException")
    return op === "/" ? BigInt.asIntN(64, left / right) : left % right
  }
  const [a, b] = [Number(left), Number(right)]
  if (op === "+") return a + b
  if (op === "-") return a - b
  if (op === "*") return a * b
  return op === "/" ? a / b : a % b
}

function likePattern(pattern: string): RegExp {
  const body = pattern
    .split("")
    .map((c) => (c === "%" ? "[\\s\\S]*" : c === "_" ? "[\\s\\S]" : c.replace(/[\\^$.*+?()[\]{}|]/, "\\$&")))
  return new RegExp(`^${body.join("")}$`, "u")
}
