/** Writing much to a slow reader: waits until what was written has gone, so that results do not pile up in memory. */
import type { Sink } from "../../kit/sink.ts"

/** Writes to a sink and resolves when it can take more. */
export type Write = (text: string) => Promise<void>

/** Small pieces are put together up to so many characters. */
const PIECE_CHARS = 1 << 16

export interface PacedWriter {
  readonly write: Write
  /** writes what is still held back */
  flush(): Promise<void>
}

export function pacedWriter(sink: Sink): PacedWriter {
  let held = ""
  async function flush(): Promise<void> {
    const text = held
    held = ""
    if (text === "" || sink.write(text) !== false || sink.once === undefined) return
    await new Promise<void>((resolve) => sink.once?.("drain", resolve))
  }
  return {
    write: async (text) => {
      held += text
      if (held.length >= PIECE_CHARS) await flush()
    },
    flush,
  }
}
