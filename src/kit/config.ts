/** The configuration of a command: the file that `--config` names, overridden by flags. */

import { existsSync } from "node:fs"
import process from "node:process"
import { usage } from "../base/errors.ts"
import type { Settings } from "../config/settings.ts"
import type { RawValues } from "./args.ts"
import type { CliContext } from "./context.ts"
import { USUAL_CONFIG } from "./flags.ts"

/**
 * @param words the flags as they were typed; their `config` is `--config` or its default
 * @throws DruidsyncError `usage` if the default is not there; otherwise as `loadConfig`
 */
export async function loadForCommand(context: CliContext, words: RawValues): Promise<Settings> {
  const config = String(words.config)
  if (config === USUAL_CONFIG && !existsSync(config)) {
    throw usage(
      `there is no ${USUAL_CONFIG} in ${process.cwd()}, and no other file was named with --config`,
      "write one with druidsync init, or name yours: --config FILE",
    )
  }
  const { overridesOf } = await import("../config/flags.ts")
  const { loadConfig } = await import("../config/load.ts")
  return loadConfig(config, { env: context.env, overrides: overridesOf(words) })
}
