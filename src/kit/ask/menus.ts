/**
 * Questions on a terminal that can move its cursor: answers are chosen with the arrow keys, by consola. What is typed is
 * asked for by a plain line: consola's question for a text loses it under Bun (tried with 3.4.2 and 1.4.5: the default is
 * taken, whatever was typed), and it has none whose answer is hidden.
 */
import { consola } from "consola"
import type { CliContext } from "../context.ts"
import { interrupted, type Prompter } from "./prompter.ts"

/** Rows of the screen that a menu leaves free for its question and what stands above. */
const ROWS_LEFT = 8

/**
 * consola draws on the process' own terminal, and its menus do not scroll. `ACCESSIBLE`, which other programs know as
 * well, asks for plain lines: a screen reader reads every redrawing aloud.
 */
export function canShowMenus({ stdin, stdout, env }: CliContext): boolean {
  const isOurs = stdin === process.stdin && stdout.isTTY === true
  return isOurs && env.TERM !== "dumb" && (env.ACCESSIBLE ?? "") === ""
}

/** @param plain opens the prompter for what is typed; it is closed again after each answer */
export function createMenus(context: CliContext, plain: () => Prompter): Prompter {
  const { signal, stdout, stdin } = context
  // A key that consola knows: it gives the terminal back as it was.
  const cancel = () => stdin?.emit("keypress", "\u0003", { name: "c", ctrl: true })

  async function answer<T>(asked: () => Promise<T>): Promise<T> {
    signal.throwIfAborted()
    signal.addEventListener("abort", cancel, { once: true })
    try {
      return await asked()
    } catch (error) {
      signal.throwIfAborted()
      if ((error as Error).name !== "ConsolaPromptCancelledError") throw error
      throw interrupted("interrupted")
    } finally {
      signal.removeEventListener("abort", cancel)
    }
  }

  async function byLine(ask: (lines: Prompter) => Promise<string>): Promise<string> {
    const lines = plain()
    try {
      return await ask(lines)
    } finally {
      lines.close()
    }
  }

  return {
    say: (words) => stdout.write(`${words}\n`),
    text: (question, fallback) => byLine((lines) => lines.text(question, fallback)),
    secret: (question) => byLine((lines) => lines.secret(question)),
    choice(question, options) {
      const numbered = options.map((label, n) => ({ label, value: String(n) }))
      const ask = () => consola.prompt(question, { type: "select", options: numbered, cancel: "reject" })
      return answer(async () => Number(await ask()))
    },
    yes: (question, fallback) =>
      answer(() => consola.prompt(question, { type: "confirm", initial: fallback, cancel: "reject" })),
    async several(question, options) {
      if (options.length > (stdout.rows ?? 24) - ROWS_LEFT) return undefined
      const rows = options.map(({ name, about }) => ({ label: name, value: name, hint: about }))
      const initial = options.flatMap(({ name, isOff }) => (isOff === true ? [] : [name]))
      const ask = () =>
        consola.prompt(question, { type: "multiselect", options: rows, initial, cancel: "reject" })
      // Its type says that it gives the rows; it gives their values.
      return answer(async () => (await ask()) as unknown as string[])
    },
    close: () => undefined,
  }
}
