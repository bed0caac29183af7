/** Writing a lot to a slow reader: small pieces are joined, and each waits until the one before has been sent. */
import type { Sink } from "../../kit/sink.ts"
import type { Style } from "../../kit/text/style.ts"

/** Resolves when the next text can be written. */
export type Write = (text: string) => Promise<void>

/** Where rows are written, and what they must fit into. */
export interface RowsTarget {
  readonly write: Write
  /** width of the terminal in cells; undefined if nothing has to fit */
  readonly width: number | undefined
  readonly style: Style
}

/** Small pieces are joined up to this many characters. */
const PIECE_CHARS = 1 << 16

export interface GatheredWriter {
  readonly write: Write
  /** writes what has been kept back */
  flush(): Promise<void>
}

/** Joins small pieces before they go to `put`. */
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
 * Writes to a sink and waits until the text has been sent, so that results do not pile up in memory.
 * @throws the sink's failure, such as a reader that went away
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
