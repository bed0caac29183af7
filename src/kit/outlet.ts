/**
 * stdout and stderr as sinks that never throw and never end a run: whatever happens to the reader, the run finishes, cleans
 * up and sends its reports. The first error is kept and looked at when the work is done. A result that did not arrive whole
 * is a failure; a reader that went away early is not.
 */
import { fstatSync, writeSync } from "node:fs"
import { isatty } from "node:tty"
import { DruidsyncError } from "../base/errors.ts"
import { whyOf } from "../base/system.ts"
import type { Sink } from "./sink.ts"

/** Error codes that mean the reader went away: of a pipe, of a socket, and of either on Windows. */
const GONE = new Set(["EPIPE", "ECONNRESET", "EOF", "ERR_STREAM_DESTROYED"])

export class Outlet implements Sink {
  readonly #stream: NodeJS.WriteStream
  readonly #fd: number
  readonly #isFile: boolean
  /** writes that have not arrived yet */
  #pending = 0
  #failure: Error | undefined
  /** called when more can be taken, or nothing ever will be */
  readonly #waiting = new Set<() => void>()

  constructor(stream: NodeJS.WriteStream, fd: number) {
    this.#stream = stream
    this.#fd = fd
    this.#isFile = isFile(fd)
    stream.on("error", (error) => this.#fail(error))
    stream.on("drain", () => this.#wake())
  }

  get isTTY(): boolean {
    return this.#stream.isTTY === true
  }

  get columns(): number | undefined {
    return this.#stream.columns
  }

  get rows(): number | undefined {
    return this.#stream.rows
  }

  get failure(): Error | undefined {
    return this.#failure
  }

  /** @returns false if the caller should wait for `drain` before it writes more; after a failure, text is dropped */
  write(text: string): boolean {
    if (this.#failure !== undefined) return true
    try {
      if (!this.#isFile) {
        this.#pending++
        return this.#stream.write(text, (error) => this.#arrived(error))
      }
      writeWhole(this.#fd, Buffer.from(text))
    } catch (error) {
      this.#fail(error as Error)
    }
    return true
  }

  /** `drain` comes also when nothing can be written any more. */
  once(_event: "drain", listener: () => void): void {
    if (this.#failure === undefined) this.#waiting.add(listener)
    else queueMicrotask(listener)
  }

  /** Resolves when all that was written has arrived, or never will. */
  async flush(): Promise<void> {
    while (this.#pending > 0 && this.#failure === undefined) {
      await new Promise<void>((resolve) => this.#waiting.add(resolve))
    }
  }

  #arrived(error: Error | null | undefined): void {
    this.#pending--
    if (error) this.#fail(error)
    else if (this.#pending === 0) this.#wake()
  }

  #fail(error: Error): void {
    this.#failure ??= error
    this.#wake()
  }

  #wake(): void {
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const listener of waiting) listener()
  }
}

/**
 * Waits until a result has arrived.
 * @throws DruidsyncError if it did not arrive whole, but for a reader that went away
 */
export async function delivered(stdout: Sink): Promise<void> {
  await stdout.flush?.()
  const { failure } = stdout
  if (failure === undefined || GONE.has((failure as { code?: string }).code ?? "")) return
  throw new DruidsyncError(
    "file",
    `stdout cannot be written: ${whyOf(failure, "place")}; the result is not whole`,
    {
      cause: failure,
      hint: "make room, or send it elsewhere",
    },
  )
}

/** True for a file and a device, but not for a terminal, a pipe or a socket. */
function isFile(fd: number): boolean {
  try {
    const found = fstatSync(fd)
    return found.isFile() || (found.isCharacterDevice() && !isatty(fd))
  } catch {
    return false
  }
}

/** Node's own stream for a file takes half of a text that was written for all of it. */
function writeWhole(fd: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at)
}
