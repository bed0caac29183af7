/** Writing much to a slow reader: small pieces are put together, and none is written before the last one has gone. */
import type { Sink } from "../../kit/sink.ts"
import type { Style } from "../../kit/text/style.ts"

/** Resolves when more can be taken. */
export type Write = (text: string) => Promise<void>

/** Where rows are written, and what they must fit into. */
export interface RowsTarget {
  readonly write: Write
  /** width of the terminal in cells; undefined where nothing has to fit */
  readonly width: number | undefined
  readonly style: Style
}

/** Small pieces are put together up to so many characters. */
const PIECE_CHARS = 1 << 16

export interface GatheredWriter {
  readonly write: Write
  /** writes what is still held back */
  flush(): Promise<void>
}

/** Puts small pieces together before they go to `put`. */
export function gathered(put: Write): GatheredWriter {
  let held = ""
  async function flush(): Promise<void> {
    const text = held
    held = ""
    if (text !== "") await put(text)
  }
  return {
    write: async (text) => {
      held += text
      if (held.length >= PIECE_CHARS) await flush()
    },
    flush,
  }
}

/**
 * Writes to a sink and waits until what was written has gone, so that results do not pile up in memory.
 * @throws the sink's failure: nobody reads on
 */
export function paced(sink: Sink): Write {
  return async (text) => {
    const isFull = sink.write(text) === false
    if (isFull && sink.once !== undefined) {
      await new Promise<void>((resolve) => sink.once?.("drain", resolve))
    }
    if (sink.failure !== undefined) throw sink.failure
  }
}
