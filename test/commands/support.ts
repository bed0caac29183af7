/** Runs the command line inside the test's own process: real commands, sinks and a clock of the test's. */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync } from "node:fs"
import { mkdtemp, realpath, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { basename, join } from "node:path"
import { DruidsyncError } from "../../src/base/errors.ts"
import { runCli } from "../../src/commands/index.ts"
import type { CliContext } from "../../src/kit/context.ts"
import { describeError } from "../../src/kit/text/error.ts"
import { openEngine } from "../../src/store/engine.ts"
import type { FakeDruid } from "../support/fake-druid/fake-druid.ts"

/** What came of one command line. */
export interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** A folder with a configuration and a file, gone after the test. */
export class Desk {
  readonly folder: string
  /** the clock of every command; moved by waiting */
  nowMs = Date.UTC(2026, 0, 1)
  /** called instead of each wait */
  onSleep: () => Promise<void> | void = () => undefined
  #ids = 0

  private constructor(folder: string) {
    this.folder = folder
  }

  static async open(): Promise<Desk> {
    return new Desk(await mkdtemp(join(tmpdir(), "druidsync-cli-")))
  }

  close(): Promise<void> {
    return rm(this.folder, { recursive: true, force: true })
  }

  path(name: string): string {
    return join(this.folder, name)
  }

  get out(): string {
    return this.path("a.duckdb")
  }

  exists(name: string): boolean {
    return existsSync(this.path(name))
  }

  /** Writes `c.json` for this Druid. */
  async configure(fake: FakeDruid, datasources: unknown, rest: object = {}): Promise<void> {
    const { hostname, port } = new URL(fake.url)
    const config = { host: hostname, port: Number(port), datasources, ...rest }
    await writeFile(this.path("c.json"), JSON.stringify(config), { mode: 0o600 })
  }

  /** Runs SQL on the file, attached as `file`: for faults that no command makes. */
  async sql(...statements: string[]): Promise<void> {
    const engine = await openEngine({ memoryLimit: "200MB", threads: 1 })
    try {
      await engine.run(`ATTACH '${this.out}' AS file`)
      for (const statement of statements) await engine.run(statement)
      await engine.run("DETACH file")
    } finally {
      engine.close()
    }
  }

  /**
   * @param line words of the command, or the words themselves; `$c` and `$out` stand for the configuration and the file
   * @param more of the outside world
   */
  async run(
    line: string | readonly string[],
    env: Record<string, string> = {},
    more: Partial<CliContext> = {},
  ): Promise<Ran> {
    const args = (typeof line === "string" ? line.split(" ") : line).map((word) =>
      word === "$c" ? this.path("c.json") : word === "$out" ? this.out : word,
    )
    let stdout = ""
    let stderr = ""
    const context: CliContext = {
      env,
      clock: {
        nowMs: () => this.nowMs,
        sleep: async (ms, signal) => {
          signal?.throwIfAborted()
          this.nowMs += ms
          await this.onSleep()
        },
      },
      newId: () => `id-${++this.#ids}`,
      signal: new AbortController().signal,
      stdout: { write: (text) => (stdout += text) },
      stderr: { write: (text) => (stderr += text) },
      version: "1.2.3",
      ...more,
    }
    let code: number
    try {
      code = await runCli(args, context)
    } catch (error) {
      stderr += describeError(error, args.includes("--verbose"))
      code = error instanceof DruidsyncError ? error.exitCode : 1
    }
    const neutral = (text: string) => text.replaceAll(this.folder, "/desk")
    return { code, stdout: neutral(stdout), stderr: neutral(stderr) }
  }
}

/** Another program that reads a database, and lets others read it, until it is told to end. */
export function reading(path: string) {
  return holding(path, "READ_ONLY")
}

/** Another program that holds a database open until it is told to end. */
export async function holding(path: string, mode: "READ_WRITE" | "READ_ONLY" = "READ_WRITE") {
  const engine = join(import.meta.dirname, "../../src/store/engine.ts")
  const script = `
    const { openEngine } = await import(${JSON.stringify(engine)})
    // an engine that nothing refers to is collected, and its lock with it
    globalThis.engine = await openEngine({ memoryLimit: "100MB", threads: 1 })
    await globalThis.engine.run("ATTACH '${path}' AS held (${mode})")
    console.log("held")
    process.stdin.on("end", () => process.exit(0)).resume()`
  const child = spawn(process.execPath, ["-e", script], { stdio: ["pipe", "pipe", "inherit"] })
  await once(child.stdout, "data")
  return {
    /** as DuckDB names it */
    name: `${basename(await realpath(process.execPath))} (PID ${child.pid})`,
    async letGo() {
      const over = once(child, "exit")
      child.stdin.end()
      await over
    },
  }
}
