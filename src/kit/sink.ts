/** Where text goes: stdout and stderr, or what a test puts in their place. */
export interface Sink {
  /** returns `false` if the caller should wait for `drain` before it writes more */
  write(text: string): unknown
  once?(event: "drain", listener: () => void): unknown
  /** the error that stopped all writing, such as a reader that went away */
  readonly failure?: Error | undefined
  /** resolves when all that was written has arrived, or never will */
  flush?(): Promise<void>
  readonly isTTY?: boolean
  /** width of the terminal, in cells */
  readonly columns?: number | undefined
  /** height of the terminal, in lines */
  readonly rows?: number | undefined
}

/** The environment, as far as it says how to print. */
export type Env = Readonly<Record<string, string | undefined>>

/** True where lines can be redrawn in place: a terminal that knows how to move its cursor. */
export function isLive(sink: Sink, env: Env): boolean {
  return sink.isTTY === true && env.TERM !== "dumb"
}
