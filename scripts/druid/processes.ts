/** Starts, finds and ends the Java processes of a data folder; never touches a process it cannot prove to be one. */
import { spawn } from "node:child_process"
import { existsSync } from "node:fs"
import { mkdir, open, readdir, readFile, writeFile } from "node:fs/promises"
import { dirname } from "node:path"
import { javaCommand, run } from "./jars.ts"
import type { ServiceName } from "./ports.ts"
import { type Launch, logPath, marker } from "./services.ts"
import { poll } from "./wait.ts"

/** Writes the configuration files, starts the process in a session of its own and answers its PID. */
export async function startProcess(dataDir: string, service: ServiceName, what: Launch): Promise<number> {
  for (const [path, text] of Object.entries(what.files)) {
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, text)
  }
  const path = logPath(dataDir, service)
  await mkdir(dirname(path), { recursive: true })
  const log = await open(path, "a")
  try {
    return await new Promise((resolve, reject) => {
      const child = spawn(javaCommand(), what.args, {
        cwd: dataDir,
        detached: true, // outlives this script, and a Ctrl-C meant for it
        stdio: ["ignore", log.fd, log.fd],
      })
      child.once("error", reject)
      child.once("spawn", () => {
        child.unref()
        resolve(child.pid as number)
      })
    })
  } finally {
    await log.close()
  }
}

/** Whether `pid` is alive and is this very service of this data folder (PIDs are reused; zombies are dead). */
export async function isOurs(dataDir: string, service: ServiceName, pid: number): Promise<boolean> {
  return (await argumentsOf(pid)).includes(marker(dataDir, service))
}

/** Every running process of the data folder, found by its mark: also those a crashed script did not note down. */
export async function findProcesses(dataDir: string): Promise<{ service: ServiceName; pid: number }[]> {
  const prefix = marker(dataDir, "" as ServiceName)
  const found: { service: ServiceName; pid: number }[] = []
  for (const [pid, args] of await allArguments()) {
    const mark = args.find((arg) => arg.startsWith(prefix))
    if (mark) found.push({ pid, service: mark.slice(prefix.length) as ServiceName })
  }
  return found
}

/**
 * Sends a signal to a process of the data folder, if it still is one; waits until it is gone for signals that end it.
 * Answers false where there was nothing to signal.
 * @throws Error if the process outlives the deadline (milliseconds).
 */
export async function signalProcess(
  dataDir: string,
  service: ServiceName,
  pid: number,
  signal: NodeJS.Signals,
  deadlineMs = 20_000,
): Promise<boolean> {
  if (!(await isOurs(dataDir, service, pid))) return false
  try {
    process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false
    throw error
  }
  if (signal === "SIGKILL" || signal === "SIGTERM" || signal === "SIGINT")
    await poll(`${service} (PID ${pid}) to end on ${signal}`, { deadlineMs, everyMs: 50 }, async () =>
      (await isOurs(dataDir, service, pid)) ? undefined : true,
    )
  return true
}

/** Ends a process: politely first, after `graceMs` milliseconds by force. */
export async function endProcess(
  dataDir: string,
  service: ServiceName,
  pid: number,
  graceMs: number,
): Promise<void> {
  try {
    await signalProcess(dataDir, service, pid, "SIGTERM", graceMs)
  } catch {
    await signalProcess(dataDir, service, pid, "SIGKILL") // it had its time
  }
}

const HAS_PROC = existsSync("/proc/self/cmdline")

async function argumentsOf(pid: number): Promise<string[]> {
  if (!HAS_PROC) return (await allArguments()).get(pid) ?? []
  try {
    return (await readFile(`/proc/${pid}/cmdline`, "utf8")).split("\0")
  } catch {
    return [] // no such process, or not ours to see
  }
}

async function allArguments(): Promise<Map<number, string[]>> {
  const all = new Map<number, string[]>()
  if (HAS_PROC) {
    const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number)
    for (const pid of pids) all.set(pid, await argumentsOf(pid))
    return all
  }
  const text = await run(
    "ps",
    ["-axww", "-o", "pid=,args="],
    "`ps` is missing: it is how processes are found here",
  )
  for (const line of text.split("\n")) {
    const match = /^\s*(\d+)\s+(.*)$/.exec(line)
    if (match) all.set(Number(match[1]), (match[2] as string).split(" "))
  }
  return all
}
