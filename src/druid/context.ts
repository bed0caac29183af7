/**
 * The context that goes with each query: what the configuration wants, as far as this Druid takes it. A Druid that checks
 * the keys of the context (`druid.auth.authorizeQueryContextParams`), or allows shorter queries alone
 * (`druid.server.http.maxQueryTimeout`), says so when it refuses a query. It is asked again without the keys that can be
 * done without, or with the timeout that it allows; what was learnt holds for the rest of the run and is said once.
 */
import { Mendable } from "./refusal.ts"

export interface ContextOptions {
  /** Druid's own limit on a query, ms (`context.timeout`) */
  readonly queryTimeoutMs: number
  readonly priority: number
  /** more keys for the query context, from the config */
  readonly context?: Readonly<Record<string, string | number | boolean>> | undefined
}

export class QueryContext {
  readonly #options: ContextOptions
  readonly #say: (message: string) => void
  #timeoutMs: number
  /** whether Druid takes `priority` and `timeout`; undefined until a query tells */
  #takesKeys: boolean | undefined

  /** @param say told once of each thing that is sent otherwise than configured */
  constructor(options: ContextOptions, say: (message: string) => void) {
    this.#options = options
    this.#say = say
    this.#timeoutMs = options.queryTimeoutMs
  }

  /** Without the keys that can be done without. */
  get isBare(): boolean {
    return this.#takesKeys === false
  }

  keys(): Readonly<Record<string, string | number | boolean>> {
    const { priority, context } = this.#options
    return this.isBare ? { ...context } : { priority, timeout: this.#timeoutMs, ...context }
  }

  /**
   * Runs one query, and once more in another context if that may help after a refusal.
   * @throws what `run` throws; where the other context is refused likewise, it was not the context
   */
  async mending<T>(run: () => Promise<T>): Promise<T> {
    const wasBare = this.isBare
    const timeoutMs = this.#timeoutMs
    try {
      const answer = await run()
      if (!wasBare) this.#takesKeys ??= true
      return answer
    } catch (error) {
      if (!(error instanceof Mendable)) throw error
      const { remedy } = error
      if (remedy.kind === "timeout") {
        if (remedy.mostMs >= timeoutMs) throw error
        this.#allowAtMost(remedy.mostMs)
        return this.mending(run)
      }
      if (wasBare || this.#takesKeys === true) throw error
      return this.#withoutKeys(run, error)
    }
  }

  #allowAtMost(mostMs: number): void {
    if (mostMs >= this.#timeoutMs) return
    this.#timeoutMs = mostMs
    this.#say(
      `Druid allows queries no more than ${mostMs / 1000} s (druid.server.http.maxQueryTimeout): used instead of "queryTimeout"`,
    )
  }

  async #withoutKeys<T>(run: () => Promise<T>, refused: Mendable): Promise<T> {
    const isFirst = !this.isBare
    this.#takesKeys = false
    try {
      const answer = await run()
      if (isFirst)
        this.#say(
          "Druid refuses query context keys (druid.auth.authorizeQueryContextParams): asked without priority and timeout",
        )
      return answer
    } catch (error) {
      // Refused likewise: it is the datasource that is forbidden. The keys are tried again with the next query.
      if (error instanceof Mendable && isFirst) this.#takesKeys = undefined
      throw error instanceof Mendable ? refused : error
    }
  }
}
