/**
 * Questions on a terminal, by plain lines: they work over ssh, in containers, on Windows, and with a screen reader.
 * Questions go to stderr, since stdout is for results. What is typed for a secret is not shown.
 */
import { createInterface } from "node:readline"
import { Writable } from "node:stream"
import type { Input } from "../context.ts"
import type { Sink } from "../sink.ts"
import type { Style } from "../text/style.ts"
import { interrupted, type Prompter } from "./prompter.ts"

export interface PrompterOptions {
  readonly input: Input
  readonly output: Sink
  readonly style: Style
  readonly signal: AbortSignal
}

/** @throws from each question: DruidsyncError `interrupted` at Ctrl-C and at the end of the input */
export function createPrompter({ input, output, style, signal }: PrompterOptions): Prompter {
  let muted = false
  const screen = Object.assign(
    new Writable({
      write(chunk, _encoding, done) {
        if (!muted) output.write(String(chunk))
        done()
      },
    }),
    { columns: output.columns ?? 80, isTTY: true },
  )
  const lines = createInterface({ input, output: screen, terminal: input.isTTY === true })
  const typed: string[] = []
  let ended: Error | undefined
  let wake: () => void = () => undefined
  lines.on("line", (line) => {
    typed.push(line)
    wake()
  })
  const end = (error: Error) => {
    ended ??= error
    wake()
  }
  lines.on("SIGINT", () => end(interrupted("interrupted")))
  lines.on("close", () => end(interrupted("the input ended before all was answered")))
  const onAbort = () => end(signal.reason as Error)
  signal.addEventListener("abort", onAbort, { once: true })

  async function line(question: string, isSecret: boolean): Promise<string> {
    lines.setPrompt(`${style.cyan("?")} ${question} `)
    lines.prompt()
    muted = isSecret
    try {
      while (typed.length === 0 && ended === undefined) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    } finally {
      if (muted) output.write("\n")
      muted = false
    }
    const answer = typed.shift()
    if (answer !== undefined) return answer
    output.write("\n")
    throw ended
  }

  async function text(question: string, fallback?: string): Promise<string> {
    for (;;) {
      const hint = fallback === undefined ? "" : ` ${style.dim(`[${fallback}]`)}`
      const answer = (await line(`${question}${hint}:`, false)).trim()
      if (answer !== "") return answer
      if (fallback !== undefined) return fallback
    }
  }

  return {
    say: (words) => output.write(`${words}\n`),
    text,
    secret: (question) => line(`${question} ${style.dim("(not shown)")}:`, true),
    async choice(question, options) {
      for (const [n, option] of options.entries()) output.write(`  ${n + 1}  ${option}\n`)
      for (;;) {
        const answer = await text(question, "1")
        const index = Number(answer) - 1
        if (Number.isInteger(index) && options[index] !== undefined) return index
        output.write(`  type a number from 1 to ${options.length}\n`)
      }
    },
    async yes(question, fallback) {
      for (;;) {
        const answer = (await text(question, fallback ? "yes" : "no")).toLowerCase()
        if (/^(y|yes)$/.test(answer)) return true
        if (/^(n|no)$/.test(answer)) return false
        output.write("  type yes or no\n")
      }
    },
    several: () => Promise.resolve(undefined),
    close() {
      signal.removeEventListener("abort", onAbort)
      lines.removeAllListeners("close")
      lines.close()
    },
  }
}
