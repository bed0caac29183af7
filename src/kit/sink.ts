/** Where text goes: what `report/` needs of `process.stdout` and `process.stderr`. */
export interface Sink {
  /** `false` means: enough for now, go on after `drain` */
  write(text: string): unknown
  once?(event: "drain", listener: () => void): unknown
  readonly isTTY?: boolean
  /** width of the terminal, in cells */
  readonly columns?: number
  /** height of the terminal, in lines */
  readonly rows?: number
}

/** The environment, as far as it says how to print. */
export type Env = Readonly<Record<string, string | undefined>>

/** True where lines can be redrawn in place: a terminal that knows how to move its cursor. */
export function isLive(sink: Sink, env: Env): boolean {
  return sink.isTTY === true && env.TERM !== "dumb"
}
