/**
 * Keeps a credential out of everything that prints (invariant I8). The value is reachable through `reveal()`
 * alone: string concatenation, JSON, `console.log` of Node, Bun and Deno, and property listing all see "[secret]".
 */

const MASK = "[secret]"

/** A credential. Call `reveal()` at the one place that sends it. */
export class Secret {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
  }

  /** The credential itself. */
  reveal(): string {
    return this.#value
  }

  toString(): string {
    return MASK
  }

  toJSON(): string {
    return MASK
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return MASK
  }

  [Symbol.for("Deno.customInspect")](): string {
    return MASK
  }
}
