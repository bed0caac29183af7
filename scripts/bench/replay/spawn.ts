/** The replay server as a process of its own, so that its processor time is never taken for the client's. */
import { join } from "node:path"

export interface ReplayWorld {
  readonly rows: number
  readonly segments: number
  readonly datasources: number
  readonly chunkHours?: number
  /** columns beside wikipedia's 17. Default: none */
  readonly wideColumns?: number
  /** length of a text in each row. Default: none */
  readonly textBytes?: number
}

export interface Replay {
  readonly port: number
  /** @returns requests answered and processor seconds that answering took */
  stop(): Promise<{ requests: number; cpuSeconds: number }>
}

const SCRIPT = join(import.meta.dirname, "..", "replay.ts")

export function replayCommand(world: ReplayWorld, more: readonly string[]): string[] {
  return [
    process.execPath,
    SCRIPT,
    ...["--rows", String(world.rows)],
    ...["--segments", String(world.segments)],
    ...["--datasources", String(world.datasources)],
    ...["--chunk-hours", String(world.chunkHours ?? 24)],
    ...["--wide-columns", String(world.wideColumns ?? 0)],
    ...["--text-bytes", String(world.textBytes ?? 0)],
    ...more,
  ]
}

/** Resolves when it listens. */
export async function startReplay(world: ReplayWorld, port: number): Promise<Replay> {
  const child = Bun.spawn(replayCommand(world, ["--port", String(port)]), {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit",
  })
  const lines = linesOf(child.stdout)
  const first = await lines.next()
  if (first.done) throw new Error("the replay server did not start")
  return {
    port: JSON.parse(first.value).port,
    stop: async () => {
      child.kill("SIGTERM")
      const last = await lines.next()
      await child.exited
      return last.done ? { requests: 0, cpuSeconds: 0 } : JSON.parse(last.value)
    },
  }
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let text = ""
  for await (const bytes of stream as unknown as AsyncIterable<Uint8Array>) {
    text += decoder.decode(bytes, { stream: true })
    const lines = text.split("\n")
    text = lines.pop()!
    yield* lines
  }
}
