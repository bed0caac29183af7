/** The server as such: does it let this user in, and which Druid is it? */
import { DruidsyncError } from "../../base/errors.ts"
import { askAnything, readVersion } from "../../druid/overview.ts"
import { attempt, type CheckOptions, ok, warning } from "./check-line.ts"

/** @returns whether Druid SQL answers */
export function checkLogin(options: CheckOptions): Promise<boolean> {
  const { settings, client, signal } = options
  return attempt(options, "login", async () => {
    await askAnything(client, signal)
    const { auth } = settings.druid.access
    return ok(`Druid SQL answers ${auth === undefined ? "without credentials" : AS[auth.kind]}`)
  })
}

const AS = {
  basic: "as the configured user",
  bearer: "with the token",
  oauth2: "with a token of the token server",
} as const

export function checkVersion(options: CheckOptions): Promise<boolean> {
  const { client, signal } = options
  return attempt(options, "version", async () => {
    const version = await readVersion(client, signal).catch((error) => {
      // Services that manage Druid for others often hide /status.
      if (error instanceof DruidsyncError) return undefined
      throw error
    })
    if (version === undefined) return ok("the server does not say which version it is; that does not matter")
    return Number.parseInt(version, 10) < 25
      ? warning(`Druid ${version}`, "releases before 25 are not tried: run druidsync verify")
      : ok(`Druid ${version}`)
  })
}
