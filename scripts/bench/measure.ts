/** Runs a command as a child and reads what the operating system says about it when it is over (`wait4`). */
import { readFileSync } from "node:fs"

export interface Measured {
  readonly wallMs: number
  readonly userMs: number
  readonly systemMs: number
  /** user and system */
  readonly cpuMs: number
  /** greatest resident set of the process */
  readonly peakBytes: number
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

export interface MeasureOptions {
  readonly cwd?: string
  readonly env?: Record<string, string | undefined>
  /** the command's standard input */
  readonly stdin?: string
  /** killed after this; default 30 minutes */
  readonly timeoutMs?: number
}

export async function measure(command: readonly string[], options: MeasureOptions = {}): Promise<Measured> {
  const start = performance.now()
  const child = Bun.spawn([...command], {
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: options.env ?? process.env,
    stdin: options.stdin === undefined ? "ignore" : Buffer.from(options.stdin),
    stdout: "pipe",
    stderr: "pipe",
    timeout: options.timeoutMs ?? 1_800_000,
  })
  let peak = 0
  const watch = setInterval(() => {
    peak = Math.max(peak, highWaterBytes(child.pid))
  }, PEAK_POLL_MS)
  const [stdout, stderr, exitCode] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ])
  clearInterval(watch)
  const wallMs = performance.now() - start
  const usage = child.resourceUsage()
  const userMs = Number(usage?.cpuTime.user ?? 0) / 1000
  const systemMs = Number(usage?.cpuTime.system ?? 0) / 1000
  return {
    wallMs,
    userMs,
    systemMs,
    cpuMs: userMs + systemMs,
    peakBytes: peak > 0 ? peak : (usage?.maxRSS ?? 0),
    exitCode,
    stdout,
    stderr,
  }
}

/**
 * What `wait4` says about a child's memory counts what this process used when it started the child (Linux keeps the
 * mark through `exec`), so the process's own mark is read while it runs: it only ever rises.
 */
function highWaterBytes(pid: number): number {
  try {
    const kilobytes = /^VmHWM:\s*(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]
    return Number(kilobytes ?? 0) * 1024
  } catch {
    // It is over, or this is no Linux: `wait4` has to do.
    return 0
  }
}

const PEAK_POLL_MS = 25

/** @throws Error with what the command said, where it failed */
export async function measureOk(command: readonly string[], options: MeasureOptions = {}): Promise<Measured> {
  const measured = await measure(command, options)
  if (measured.exitCode !== 0) {
    throw new Error(`${command.join(" ")}: exit code ${measured.exitCode}\n${measured.stderr}`)
  }
  return measured
}

/** Several commands one after the other, as one: wall and processor time add up, the greatest peak counts. */
export function together(parts: readonly Measured[]): Measured {
  const sum = (of: (one: Measured) => number) => parts.reduce((all, one) => all + of(one), 0)
  return {
    wallMs: sum((one) => one.wallMs),
    userMs: sum((one) => one.userMs),
    systemMs: sum((one) => one.systemMs),
    cpuMs: sum((one) => one.cpuMs),
    peakBytes: Math.max(...parts.map((one) => one.peakBytes)),
    exitCode: Math.max(...parts.map((one) => one.exitCode)),
    stdout: parts.map((one) => one.stdout).join(""),
    stderr: parts.map((one) => one.stderr).join(""),
  }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** The figures of several rounds; each its own median, the peak its greatest. */
export function typical(rounds: readonly Measured[]): Measured {
  const of = (pick: (one: Measured) => number) => median(rounds.map(pick))
  return {
    ...rounds.at(-1)!,
    wallMs: of((one) => one.wallMs),
    userMs: of((one) => one.userMs),
    systemMs: of((one) => one.systemMs),
    cpuMs: of((one) => one.cpuMs),
    peakBytes: Math.max(...rounds.map((one) => one.peakBytes)),
  }
}
