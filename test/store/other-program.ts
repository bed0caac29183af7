/** Another program with a DuckDB file open (`other.ts`), as a test holds it. */
import { spawn } from "node:child_process"
import { join } from "node:path"

export interface OtherProgram {
  /** `open`, or why it could not open the file */
  readonly opened: string
  /** rows of a statement, as JSON */
  ask(sql: string): Promise<string>
  /** lets it close the file and end */
  close(): Promise<void>
  /** ends it where it stands */
  kill(): Promise<void>
}

export async function otherProgram(mode: "READ_ONLY" | "READ_WRITE", path: string): Promise<OtherProgram> {
  const script = join(import.meta.dirname, "other.ts")
  const child = spawn(process.execPath, [script, mode, path], { stdio: ["pipe", "pipe", "inherit"] })
  const ended = new Promise<void>((done) => child.once("close", () => done()))
  const answer = () =>
    new Promise<string>((done) => child.stdout.once("data", (bytes) => done(String(bytes).trim())))
  const opened = await answer()
  return {
    opened,
    ask: (sql) => {
      const said = answer()
      child.stdin.write(`${sql}\n`)
      return said
    },
    close: () => {
      child.stdin.end()
      return ended
    },
    kill: () => {
      child.kill("SIGKILL")
      return ended
    },
  }
}
