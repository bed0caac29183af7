/**
 * The part of Druid SQL that the fake speaks: one SELECT of one table, with WHERE, GROUP BY, ORDER BY and LIMIT.
 * Anything else is a 400, so that a new form in `src/druid/sql.ts` is noticed here.
 */
import { sqlError } from "./errors.ts"
import { type Token, tokens } from "./tokens.ts"

/** Where a piece stands in the text, for error messages. */
interface Placed {
  readonly at: number
  readonly length: number
}

type Shape =
  | { readonly kind: "literal"; readonly value: string | bigint | number | boolean | null }
  | { readonly kind: "column"; readonly name: string }
  | { readonly kind: "unary"; readonly op: "-" | "NOT"; readonly operand: Expression }
  | { readonly kind: "binary"; readonly op: string; readonly left: Expression; readonly right: Expression }
  | {
      readonly kind: "is"
      readonly operand: Expression
      readonly what: "NULL" | "TRUE" | "FALSE"
      readonly not: boolean
    }
  | {
      readonly kind: "in"
      readonly operand: Expression
      readonly list: readonly Expression[]
      readonly not: boolean
    }
  | {
      readonly kind: "like"
      readonly operand: Expression
      readonly pattern: Expression
      readonly not: boolean
    }
  | Call
  | {
      readonly kind: "case"
      readonly branches: readonly { readonly when: Expression; readonly value: Expression }[]
      readonly otherwise: Expression | undefined
    }
  | { readonly kind: "cast"; readonly operand: Expression; readonly type: string }

/** A function or aggregation. */
export interface Call {
  readonly kind: "call"
  readonly name: string
  /** `COUNT(*)` */
  readonly star: boolean
  readonly args: readonly Expression[]
  /** `FILTER (WHERE …)` */
  readonly filter: Expression | undefined
}

export type Expression = Placed & Shape

export interface Select {
  readonly sql: string
  /** "*", or the expressions with their aliases */
  readonly items: "*" | readonly { readonly expression: Expression; readonly alias: string | undefined }[]
  /** undefined: SELECT without FROM, or of the rows of another one */
  readonly table: (Placed & { readonly path: readonly string[] }) | undefined
  /** `FROM (SELECT …)` */
  readonly inner: Select | undefined
  readonly where: Expression | undefined
  readonly groupBy: readonly Expression[]
  readonly orderBy: readonly { readonly expression: Expression; readonly descending: boolean }[]
  readonly limit: number | undefined
}

/** Words that are no names unless quoted. */
const RESERVED = new Set(
  (
    "SELECT FROM WHERE GROUP ORDER BY LIMIT OFFSET AS AND OR NOT IS NULL TRUE FALSE IN LIKE BETWEEN CASE WHEN THEN ELSE " +
    "END START CAST FILTER HAVING UNION JOIN ON DISTINCT ALL VALUE VALUES USER TIMESTAMP DATE TIME INTERVAL ROW ROWS TABLE WITH"
  ).split(" "),
)

/** @throws SqlError (400) for what the fake does not understand */
export function parse(sql: string): Select {
  return new Parser(sql).select()
}

class Parser {
  readonly #sql: string
  readonly #tokens: readonly Token[]
  #next = 0

  constructor(sql: string) {
    this.#sql = sql
    this.#tokens = tokens(sql)
  }

  select(): Select {
    const select = this.#select()
    if (this.#peek().kind !== "end") throw this.#unexpected()
    return select
  }

  #select(): Select {
    this.#expect("SELECT")
    const items = this.#accept("*") ? ("*" as const) : this.#list(() => this.#item())
    const isFrom = this.#accept("FROM")
    const inner = isFrom && this.#accept("(") ? this.#select() : undefined
    if (inner !== undefined) this.#expect(")")
    const table = isFrom && inner === undefined ? this.#table() : undefined
    const where = this.#accept("WHERE") ? this.#expression() : undefined
    const groupBy = this.#by("GROUP", () => this.#expression())
    const orderBy = this.#by("ORDER", () => this.#sortKey())
    const limit = this.#accept("LIMIT") ? this.#limit() : undefined
    return { sql: this.#sql, items, table, inner, where, groupBy, orderBy, limit }
  }

  #by<T>(word: string, element: () => T): T[] {
    if (!this.#accept(word)) return []
    this.#expect("BY")
    return this.#list(element)
  }

  #item() {
    const expression = this.#expression()
    return { expression, alias: this.#accept("AS") ? this.#name() : undefined }
  }

  #table() {
    const start = this.#peek().at
    const path = [this.#name()]
    while (this.#accept(".")) path.push(this.#name())
    return { path, at: start, length: this.#end() - start }
  }

  #sortKey() {
    const expression = this.#expression()
    if (this.#accept("DESC")) return { expression, descending: true }
    this.#accept("ASC")
    return { expression, descending: false }
  }

  #limit(): number {
    const token = this.#take()
    if (token.kind !== "number") throw this.#unexpected(token)
    return Number(token.value)
  }

  #expression(): Expression {
    return this.#chain(["OR"], () => this.#chain(["AND"], () => this.#negation()))
  }

  #negation(): Expression {
    const start = this.#peek().at
    if (!this.#accept("NOT")) return this.#comparison()
    return this.#placed(start, { kind: "unary", op: "NOT", operand: this.#negation() })
  }

  #comparison(): Expression {
    const start = this.#peek().at
    let left = this.#sum()
    for (;;) {
      const op = this.#peek().value
      if (this.#peek().kind === "symbol" && ["=", "<>", "!=", "<", "<=", ">", ">="].includes(op)) {
        this.#take()
        left = this.#placed(start, { kind: "binary", op: op === "!=" ? "<>" : op, left, right: this.#sum() })
      } else if (this.#accept("IS")) {
        const not = this.#accept("NOT")
        const what = this.#take().value
        if (what !== "NULL" && what !== "TRUE" && what !== "FALSE") throw this.#unexpected(this.#previous())
        left = this.#placed(start, { kind: "is", operand: left, what, not })
      } else {
        const not = this.#is("NOT") && ["IN", "LIKE", "BETWEEN"].includes(this.#peek(1).value)
        if (not) this.#take()
        if (this.#accept("IN")) {
          this.#expect("(")
          const list = this.#list(() => this.#expression())
          this.#expect(")")
          left = this.#placed(start, { kind: "in", operand: left, list, not })
        } else if (this.#accept("LIKE"))
          left = this.#placed(start, { kind: "like", operand: left, pattern: this.#sum(), not })
        else if (this.#accept("BETWEEN")) left = this.#between(start, left, not)
        else return left
      }
    }
  }

  #between(start: number, operand: Expression, not: boolean): Expression {
    const low = this.#sum()
    this.#expect("AND")
    const high = this.#sum()
    const from = this.#placed(start, { kind: "binary", op: ">=", left: operand, right: low })
    const to = this.#placed(start, { kind: "binary", op: "<=", left: operand, right: high })
    const both = this.#placed(start, { kind: "binary", op: "AND", left: from, right: to })
    return not ? this.#placed(start, { kind: "unary", op: "NOT", operand: both }) : both
  }

  #sum(): Expression {
    return this.#chain(["+", "-", "||"], () => this.#chain(["*", "/", "%"], () => this.#sign()))
  }

  #sign(): Expression {
    const start = this.#peek().at
    if (!this.#accept("-")) return this.#primary()
    const operand = this.#sign()
    if (
      operand.kind === "literal" &&
      (typeof operand.value === "bigint" || typeof operand.value === "number")
    )
      return this.#placed(start, { kind: "literal", value: -operand.value })
    return this.#placed(start, { kind: "unary", op: "-", operand })
  }

  #primary(): Expression {
    const start = this.#peek().at
    const token = this.#take()
    if (token.kind === "number") {
      const isLong = /^\d+$/.test(token.value)
      return this.#placed(start, {
        kind: "literal",
        value: isLong ? BigInt(token.value) : Number(token.value),
      })
    }
    if (token.kind === "text") return this.#placed(start, { kind: "literal", value: token.value })
    if (token.value === "(" && token.kind === "symbol") {
      const inner = this.#expression()
      this.#expect(")")
      return { ...inner, at: start, length: this.#end() - start }
    }
    if (token.kind === "word") {
      if (token.value === "TRUE" || token.value === "FALSE")
        return this.#placed(start, { kind: "literal", value: token.value === "TRUE" })
      if (token.value === "NULL") return this.#placed(start, { kind: "literal", value: null })
      if (token.value === "TIMESTAMP" && this.#peek().kind === "text") {
        const operand = this.#primary()
        return this.#placed(start, { kind: "cast", operand, type: "TIMESTAMP" })
      }
      if (token.value === "CASE") return this.#case(start)
      if (token.value === "CAST") return this.#cast(start)
      if (!RESERVED.has(token.value) && this.#is("(")) return this.#call(start, token.value)
    }
    this.#next--
    return this.#placed(start, { kind: "column", name: this.#name() })
  }

  #call(start: number, name: string): Expression {
    this.#expect("(")
    const star = this.#accept("*")
    const args = star || this.#is(")") ? [] : this.#list(() => this.#expression())
    this.#expect(")")
    let filter: Expression | undefined
    if (this.#accept("FILTER")) {
      this.#expect("(")
      this.#expect("WHERE")
      filter = this.#expression()
      this.#expect(")")
    }
    return this.#placed(start, { kind: "call", name, star, args, filter })
  }

  #case(start: number): Expression {
    const branches: { when: Expression; value: Expression }[] = []
    while (this.#accept("WHEN")) {
      const when = this.#expression()
      this.#expect("THEN")
      branches.push({ when, value: this.#expression() })
    }
    if (branches.length === 0) throw this.#unexpected()
    const otherwise = this.#accept("ELSE") ? this.#expression() : undefined
    this.#expect("END")
    return this.#placed(start, { kind: "case", branches, otherwise })
  }

  #cast(start: number): Expression {
    this.#expect("(")
    const operand = this.#expression()
    this.#expect("AS")
    const type = this.#take()
    if (type.kind !== "word") throw this.#unexpected(type)
    this.#expect(")")
    return this.#placed(start, { kind: "cast", operand, type: type.value })
  }

  #name(): string {
    const token = this.#take()
    if (token.kind === "name") return token.value
    if (token.kind === "word" && !RESERVED.has(token.value)) return token.raw
    throw this.#unexpected(token)
  }

  #chain(operators: readonly string[], operand: () => Expression): Expression {
    const start = this.#peek().at
    let left = operand()
    while (operators.some((op) => this.#is(op))) {
      const op = this.#take().value
      left = this.#placed(start, { kind: "binary", op, left, right: operand() })
    }
    return left
  }

  #list<T>(element: () => T): T[] {
    const list = [element()]
    while (this.#accept(",")) list.push(element())
    return list
  }

  #placed(at: number, piece: Shape): Expression {
    return { ...piece, at, length: this.#end() - at }
  }

  #peek(ahead = 0): Token {
    return this.#tokens[Math.min(this.#next + ahead, this.#tokens.length - 1)]!
  }

  #previous(): Token {
    return this.#tokens[this.#next - 1]!
  }

  #end(): number {
    const { at, raw } = this.#previous()
    return at + raw.length
  }

  #take(): Token {
    const token = this.#peek()
    this.#next++
    return token
  }

  #is(value: string): boolean {
    const token = this.#peek()
    return (token.kind === "word" || token.kind === "symbol") && token.value === value
  }

  #accept(value: string): boolean {
    if (!this.#is(value)) return false
    this.#next++
    return true
  }

  #expect(value: string): void {
    if (!this.#accept(value)) throw this.#unexpected()
  }

  #unexpected(token = this.#peek()) {
    return sqlError(`Received an unexpected token [${token.raw}]`, this.#sql, token.at, token.raw.length)
  }
}
