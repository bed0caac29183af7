/** `druidsync verify --lake`: the lake against the DuckDB file, without Druid. */

import { resolve } from "node:path"
import { usage } from "../../base/errors.ts"
import { define } from "../../kit/command.ts"
import { sayWait } from "../../kit/wait.ts"
import { verifyArgs } from "./flags.ts"
import { lakeText } from "./lake-text.ts"

/** The flags that mean something to a lake. */
const WITH_LAKE = new Set(["out", "lake", "only", "part", "deep", "json", "quiet", "verbose", "lock-wait"])

export const command = define({
  args: verifyArgs,
  examples: [],
  notes: [],
  needs: "nothing",
  async run({ args, given, context, emit }) {
    const wrong = [...given].find((flag) => !WITH_LAKE.has(flag))
    if (wrong !== undefined) {
      throw usage(
        `--${wrong} cannot be combined with --lake`,
        "the lake is compared with the DuckDB file, not with Druid",
      )
    }
    const { verifyLake } = await import("../../lake/verify.ts")
    const { clock, newId, signal } = context
    const report = await verifyLake({
      out: args.out,
      to: resolve(args.lake!),
      only: args.only,
      share: args.part,
      deep: args.deep,
      lockWaitMs: args["lock-wait"],
      clock,
      newId,
      onWait: sayWait(emit),
      signal,
    })
    return { document: report, text: (style) => lakeText(report, args.verbose, style) }
  },
})
