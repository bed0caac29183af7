/** Answers of Druid's that are no results: both JSON shapes, HTML, and the empty ones. */

export interface Reply {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

const JSON_TYPE = { "Content-Type": "application/json" }

/** A JSON body of any shape. */
export function jsonReply(
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Reply {
  return { status, headers: { ...JSON_TYPE, ...headers }, body: JSON.stringify(body) }
}

/** The newer shape: `{error: "druidException", errorCode, persona, category, errorMessage, context}`. */
export function druidException(
  status: number,
  errorMessage: string,
  options: { errorCode?: string; persona?: string; category?: string } = {},
): Reply {
  const { errorCode = "general", persona = "USER", category = "INVALID_INPUT" } = options
  return jsonReply(status, {
    error: "druidException",
    errorCode,
    persona,
    category,
    errorMessage,
    context: {},
  })
}

/** The older shape: `{error, errorMessage, errorClass, host}`. */
export function legacyError(
  status: number,
  error: string,
  errorMessage: string | null,
  errorClass: string,
): Reply {
  return jsonReply(status, { error, errorMessage, errorClass, host: null })
}

/** The older shape as Druid 33 writes it, with the newer one's keys. */
function legacyQueryException(
  status: number,
  error: string,
  errorClass: string,
  category: string,
  message: string,
) {
  return jsonReply(status, {
    error,
    errorClass,
    host: "127.0.0.1:8083",
    errorCode: "legacyQueryException",
    persona: "OPERATOR",
    category,
    errorMessage: message,
    context: { host: "127.0.0.1:8083", errorClass, legacyErrorCode: error },
  })
}

export const queryTimeout = () =>
  legacyQueryException(
    504,
    "Query timeout",
    "org.apache.druid.query.QueryTimeoutException",
    "TIMEOUT",
    "Query did not complete within configured timeout period. You can increase query timeout or tune the performance of query.",
  )

export const resourceLimit = () =>
  legacyQueryException(
    400,
    "Resource limit exceeded",
    "org.apache.druid.query.ResourceLimitExceededException",
    "INVALID_INPUT",
    "Not enough memory to hold the rows",
  )

export const cancelled = () =>
  legacyQueryException(
    500,
    "Query cancelled",
    "org.apache.druid.query.QueryInterruptedException",
    "CANCELED",
    "Query cancelled",
  )

export const connectionReset = () =>
  legacyQueryException(500, "Unknown exception", "java.io.IOException", "RUNTIME_FAILURE", "Connection reset")

export const tooManyRequests = (retryAfter?: string) =>
  jsonReply(
    429,
    {
      error: "Query capacity exceeded",
      errorClass: "org.apache.druid.query.QueryCapacityExceededException",
      errorMessage:
        "Too many concurrent queries, total query capacity of 1 exceeded. Please try your query again later.",
      host: null,
      errorCode: "legacyQueryException",
      persona: "OPERATOR",
      category: "CAPACITY_EXCEEDED",
    },
    retryAfter === undefined ? {} : { "Retry-After": retryAfter },
  )

/** No leader for the coordinator: `sys.segments` cannot be read, data can. */
export const coordinatorDown = () =>
  legacyQueryException(
    500,
    "Unknown exception",
    "org.apache.druid.rpc.ServiceNotAvailableException",
    "RUNTIME_FAILURE",
    "A leader node could not be found for [COORDINATOR] service. Check logs of service [COORDINATOR] to confirm it is healthy.",
  )

export const forbidden = () => jsonReply(403, { "Access-Check-Result": "Unauthorized, denied by test" })

export const timeoutTooLong = (timeoutMs: number, mostMs: number) =>
  legacyError(
    400,
    "Unknown exception",
    `Configured timeout = ${timeoutMs} is more than enforced limit of ${mostMs}.`,
    "org.apache.druid.query.BadQueryContextException",
  )

/** 401 without credentials: JSON. */
export const noCredentials = () =>
  jsonReply(
    401,
    { error: "Unauthorized request", errorMessage: null, errorClass: null, host: "localhost" },
    { "WWW-Authenticate": "Basic" },
  )

/** 401 for credentials that are wrong: HTML, as Jetty's `sendError` writes it. */
export const rejectedCredentials = () => html(401, "Unauthorized")

/** An HTML page: the router without a broker (502), the router that waited too long (504). */
export function html(status: number, message: string): Reply {
  const body = `<html>
<head>
<meta http-equiv="Content-Type" content="text/html;charset=ISO-8859-1"/>
<title>Error ${status} ${message}</title>
</head>
<body><h2>HTTP ERROR ${status} ${message}</h2>
<table>
<tr><th>STATUS:</th><td>${status}</td></tr>
<tr><th>MESSAGE:</th><td>${message}</td></tr>
</table>

</body>
</html>
`
  return { status, headers: { "Content-Type": "text/html;charset=iso-8859-1" }, body }
}
