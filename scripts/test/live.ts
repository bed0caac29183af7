/**
 * `npm run test:live -- [FILES or bun test's options]`: the live suite on a real Druid of its own, which is started
 * before and taken down after, whatever happens. `DRUIDSYNC_LIVE_DRUID=DIR` names one that is up already, to iterate
 * fast: it is left running.
 */
import { existsSync, readdirSync } from "node:fs"
import { join } from "node:path"
import { startDruid, stopDruid } from "../druid/index.ts"
import { bunTest, type Counts, root } from "./bun.ts"

const DEFAULT_PORT_BASE = 18_300

/** `short` is for every push: what only a real Druid can prove, as far as a few minutes go. */
export type LivePart = "short" | "whole"

/** Left to the long run, each with what proves nearly the same in a short one. */
const LONG_ONLY: Readonly<Record<string, string>> = {
  "cut.test.ts": "test/druid/framing.test.ts, with bytes of a real Druid",
  "dying.test.ts": "test/faults",
  "faults.test.ts": "test/faults",
  "histories.test.ts": "test/model",
  "shards.test.ts": "test/scenarios/shards.test.ts",
  "sketches.test.ts": "types.test.ts: the bytes of every sketch",
  "verify.test.ts": "test/compare",
}

/** The files of a part, as paths from the root. */
export function liveFiles(part: LivePart): string[] {
  const names = readdirSync(join(root, "test/live")).filter((name) => name.endsWith(".test.ts"))
  const chosen = names.filter((name) => part === "whole" || LONG_ONLY[name] === undefined)
  return chosen.map((name) => `test/live/${name}`)
}

export interface LiveOptions {
  readonly part?: LivePart
  readonly env?: Readonly<Record<string, string>>
}

/**
 * Runs the suite and says what it counted.
 * @param args for `bun test`; files among them are run in place of the part
 * @throws Error where Druid does not start or nothing was built
 */
export async function liveSuite(
  args: readonly string[],
  { part = "whole", env = {} }: LiveOptions = {},
): Promise<Counts> {
  const executable = process.env.DRUIDSYNC_EXECUTABLE ?? join(root, "dist/druidsync")
  if (!existsSync(executable)) throw new Error(`${executable} is not there: npm run build`)
  const isNamed = args.some((arg) => !arg.startsWith("-") && arg.includes("test/live"))
  const files = isNamed ? [] : liveFiles(part)
  const isUp = process.env.DRUIDSYNC_LIVE_DRUID
  if (isUp !== undefined) return bunTest([...files, ...args], { ...env, DRUIDSYNC_LIVE_DRUID: isUp })

  const dataDir = join(root, ".druid", "live")
  // A run that was killed may have left its Druid behind. Every run begins with an empty one.
  await stopDruid(dataDir, { purge: true })
  let stopping = false
  const onSignal = () => {
    if (stopping) return
    stopping = true
    stopDruid(dataDir).finally(() => process.exit(130))
  }
  process.on("SIGINT", onSignal).on("SIGTERM", onSignal)
  try {
    const portBase = Number(process.env.DRUIDSYNC_LIVE_PORT_BASE ?? DEFAULT_PORT_BASE)
    await startDruid({ dataDir, portBase, kafka: true, isBrief: true, say: (line) => console.error(line) })
    return await bunTest([...files, ...args], { ...env, DRUIDSYNC_LIVE_DRUID: dataDir })
  } finally {
    // The folder stays until the next run: its logs tell why something failed.
    await stopDruid(dataDir)
    process.off("SIGINT", onSignal).off("SIGTERM", onSignal)
  }
}

if (import.meta.main) {
  const { failed, skipped } = await liveSuite(process.argv.slice(2))
  process.exitCode = failed > 0 || (process.env.CI !== undefined && skipped > 0) ? 1 : 0
}
