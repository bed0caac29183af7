/** The server as such: does it let this user in, and which Druid is it? */
import { DruidsyncError } from "../../base/errors.ts"
import { askAnything, readVersion } from "../../druid/overview.ts"
import { attempt } from "./attempt.ts"
import { type CheckOptions, okCheck, warningCheck } from "./check-line.ts"

/** @returns whether Druid SQL answers */
export function checkLogin(options: CheckOptions): Promise<boolean> {
  const { settings, client, signal, onCheck } = options
  return attempt(options, "login", async () => {
    await askAnything(client, signal)
    const { auth } = settings.druid.access
    const as = auth === undefined ? "without credentials" : AS[auth.kind]
    onCheck(okCheck("login", `Druid SQL answers ${as}`))
    return true
  })
}

const AS = {
  basic: "as the configured user",
  bearer: "with the token",
  oauth2: "with a token of the token server",
} as const

export async function checkVersion({ client, signal, onCheck }: CheckOptions): Promise<void> {
  try {
    const version = await readVersion(client, signal)
    const isOld = Number.parseInt(version, 10) < 25
    onCheck(
      isOld
        ? warningCheck(
            "version",
            `Druid ${version}`,
            "releases before 25 are not tried: run druidsync verify",
          )
        : okCheck("version", `Druid ${version}`),
    )
  } catch (error) {
    signal.throwIfAborted()
    if (!(error instanceof DruidsyncError)) throw error
    // Services that manage Druid for others often hide /status.
    onCheck(okCheck("version", "the server does not tell its version, which does not matter"))
  }
}
