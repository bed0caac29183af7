/** Fetches secrets from where the configuration says they are. No message holds a value or a program's output. */

import { messageOf } from "../base/errors.ts"
import { readText } from "./files.ts"
import { type Path, type Problems, pathText, short } from "./problems.ts"
import type { SecretSource } from "./schema.ts"
import { Secret } from "./secret.ts"
import { pathFrom, type Surroundings } from "./surroundings.ts"

/** A secret that the configuration asks for, and the place of its key. */
export interface Wanted {
  readonly path: Path
  readonly source: SecretSource | undefined
}

/** The secrets of a configuration by the places of their keys, as far as they are set and could be fetched. */
export class Secrets {
  readonly #found = new Map<string, Secret>()

  /**
   * Fetches those that pass the filter, one after the other; adds a problem for each that cannot be fetched or is empty. A
   * program is run only for a configuration without any other problem, so it comes last.
   */
  async fetch(
    wanted: readonly Wanted[],
    filter: (source: SecretSource) => boolean,
    surroundings: Surroundings,
    problems: Problems,
  ): Promise<void> {
    for (const { path, source } of wanted) {
      if (source === undefined || !filter(source)) continue
      // an empty text in the file itself is allowed: an API key as user name goes with an empty password
      const found =
        typeof source === "string" ? { value: source } : await fetchReference(source, surroundings)
      if ("fault" in found) problems.add(path, found.fault)
      else this.#found.set(pathText(path), new Secret(found.value))
    }
  }

  at(...path: Path): Secret | undefined {
    return this.#found.get(pathText(path))
  }
}

/** Whether fetching it runs a program. */
export function isCommand(source: SecretSource): boolean {
  return typeof source === "object" && "command" in source
}

/** Whether it may give something else later in the same run. */
export function ages(source: SecretSource | undefined): boolean {
  return typeof source === "object" && ("command" in source || "file" in source)
}

type Found = { readonly value: string } | { readonly fault: string }

async function fetchReference(
  source: Exclude<SecretSource, string>,
  surroundings: Surroundings,
): Promise<Found> {
  if ("env" in source) return fromEnvironment(source.env, surroundings)
  if ("file" in source) return fromFile(source.file, surroundings)
  return fromCommand(source.command, surroundings)
}

function fromEnvironment(name: string, { env }: Surroundings): Found {
  const value = env[name]
  if (value === undefined) return { fault: `the environment variable ${name} is not set` }
  return value === "" ? { fault: `the environment variable ${name} is empty` } : { value }
}

async function fromFile(file: string, surroundings: Surroundings): Promise<Found> {
  const path = pathFrom(file, surroundings)
  const read = await readText(path, surroundings.readFile)
  if ("fault" in read) return { fault: `cannot read ${path}: ${read.fault}` }
  const value = read.text.replace(/\r?\n$/, "")
  return value === "" ? { fault: `the file ${path} is empty` } : { value }
}

async function fromCommand(command: readonly string[], surroundings: Surroundings): Promise<Found> {
  // arguments are left out of messages: they may hold a secret of their own
  const program = short(command[0]!)
  try {
    const { exit, stdout, stderr } = await surroundings.runCommand(command, {
      cwd: surroundings.folder,
      env: surroundings.env,
      timeoutMs: surroundings.commandMs,
    })
    if (exit !== 0) {
      const words = stderr
        .trim()
        .split(/\s*[\r\n]+\s*/)
        .join(" / ")
        .slice(0, 500)
      const said = words === "" ? "" : `: ${words.replace(/\p{Cc}/gu, "?")}`
      return {
        fault: `the command ${program} ended with ${typeof exit === "number" ? "exit code " : ""}${exit}${said}`,
      }
    }
    const value = stdout.split(/\r?\n/, 1)[0]!
    return value === "" ? { fault: `the command ${program} printed nothing on its first line` } : { value }
  } catch (error) {
    return { fault: `cannot run the command ${program}: ${whyNot(error)}` }
  }
}

/** Node's message for a program that cannot be started repeats all its arguments. */
function whyNot(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code
  if (code === "ENOENT") return "there is no such program"
  if (code === "EACCES") return "permission denied"
  return typeof code === "string" ? code : messageOf(error)
}
