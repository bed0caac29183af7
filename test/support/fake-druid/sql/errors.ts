/** An error that Druid would answer to a query. */
export class SqlError extends Error {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>

  constructor(status: number, message: string, body: Readonly<Record<string, unknown>>) {
    super(message)
    this.status = status
    this.body = body
  }
}

/** 400 `invalidInput` with its place in the SQL text, as Druid 33 writes it. */
export function sqlError(message: string, sql: string, at: number, length: number): SqlError {
  const [line, column] = place(sql, at)
  const [endLine, endColumn] = place(sql, Math.max(at, at + length - 1))
  const errorMessage = `${message} (line [${line}], column [${column}])`
  return new SqlError(400, errorMessage, {
    error: "druidException",
    errorCode: "invalidInput",
    persona: "USER",
    category: "INVALID_INPUT",
    errorMessage,
    context: {
      sourceType: "sql",
      line: `${line}`,
      column: `${column}`,
      endLine: `${endLine}`,
      endColumn: `${endColumn}`,
    },
  })
}

/** The other JSON shape: what fails while a query runs. */
export function runtimeError(message: string, errorClass: string, status = 500): SqlError {
  return new SqlError(status, message, {
    error: "Unknown exception",
    errorClass,
    host: "127.0.0.1:8083",
    errorCode: "legacyQueryException",
    persona: "OPERATOR",
    category: "RUNTIME_FAILURE",
    errorMessage: message,
    context: { host: "127.0.0.1:8083", errorClass, legacyErrorCode: "Unknown exception" },
  })
}

function place(sql: string, at: number): [number, number] {
  const before = sql.slice(0, at).split("\n")
  return [before.length, before.at(-1)!.length + 1]
}

/** `druid.sql.planner.requireTimeCondition`: all of time is no condition (33.0.0). */
export function noTimeCondition(): SqlError {
  return runtimeError(
    "requireTimeCondition is enabled, all queries must include a filter condition on the __time column",
    "org.apache.druid.sql.calcite.rel.CannotBuildQueryException",
  )
}
