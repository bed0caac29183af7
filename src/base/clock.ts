/** Time as the program sees it: handed in, so that tests and the pure parts need no real one. */
export interface Clock {
  nowMs(): number
  /** rejects with the signal's reason when it is aborted */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}
