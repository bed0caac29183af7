/** Makes sense of `username`, `password` and `token` together. */

import type { RawObject } from "./entries.ts"
import type { Problems } from "./problems.ts"
import type { Secret } from "./secret.ts"
import type { Auth } from "./settings.ts"

/**
 * Adds a problem where the three do not fit. An empty `username` with an empty or no `password` is none at all,
 * as in a template that was not filled in; a user name with `"password": ""` is Basic authentication (an API key).
 */
export function refuseMixedAuth(raw: RawObject, problems: Problems): void {
  const hasUsername = has(raw, "username")
  const hasPassword = has(raw, "password")
  if (has(raw, "token") && (hasUsername || hasPassword)) {
    problems.add(["token"], "give either token, or username and password")
  }
  if (hasUsername && raw.password === undefined) {
    problems.add(["password"], 'missing, but username is set; an empty one is written "password": ""')
  }
  if (hasPassword && !hasUsername) problems.add(["username"], "missing, but password is set")
  if (raw.token === "")
    problems.add(["token"], "found an empty text; leave the key out where there is no token")
}

/** The authentication, from secrets already fetched; adds a problem where a header could not carry them. */
export function authOf(
  username: string | undefined,
  password: Secret | undefined,
  token: Secret | undefined,
  problems: Problems,
): Auth | undefined {
  if (token !== undefined) {
    if (/^bearer\s/i.test(token.reveal())) problems.add(["token"], 'leave out the word "Bearer"')
    else if (/[^\x21-\x7e]/.test(token.reveal())) {
      problems.add(["token"], "it holds a space, a line break or another character that no token has")
    }
    return { kind: "bearer", token }
  }
  if (!username || password === undefined) return undefined
  if (/\p{Cc}/u.test(password.reveal())) {
    problems.add(["password"], "it holds a line break or another control character")
  }
  return { kind: "basic", username, password }
}

function has(raw: RawObject, key: string): boolean {
  return raw[key] !== undefined && raw[key] !== ""
}
