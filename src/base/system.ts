/** What the operating system refuses, in words: why, and what to do next. Pure. */
import { messageOf } from "./errors.ts"

/** What was looked for: a file to read, or a place to write to. */
export type Wanted = "file" | "place"

export interface Refusal {
  /** a clause: "there is no such file" */
  readonly why: string
  /** in the imperative, one line */
  readonly hint: string
}

type Code =
  | "ENOENT"
  | "ENOTDIR"
  | "EISDIR"
  | "EACCES"
  | "EROFS"
  | "ELOOP"
  | "ENAMETOOLONG"
  | "ENOSPC"
  | "EMFILE"
  | "EIO"

/** The same in the words of C's library, which is what DuckDB passes on. */
const TEXTS: readonly (readonly [RegExp, Code])[] = [
  [/No such file or directory|cannot find the (file|path)/i, "ENOENT"],
  [/Not a directory/i, "ENOTDIR"],
  [/Is a directory/i, "EISDIR"],
  [/Permission denied|Operation not permitted|Access is denied/i, "EACCES"],
  [/Read-only file system/i, "EROFS"],
  [/Too many levels of symbolic links/i, "ELOOP"],
  [/File name too long/i, "ENAMETOOLONG"],
  [/No space left|Disk quota|disk full|not enough space/i, "ENOSPC"],
  [/Too many open files/i, "EMFILE"],
  [/Input\/output error/i, "EIO"],
]

const SAME: Readonly<Record<string, Code>> = { EPERM: "EACCES", EDQUOT: "ENOSPC", ENFILE: "EMFILE" }

/**
 * @param error as `node:fs` or DuckDB throws it
 * @param flag that names the file, as it is typed (`--out`)
 * @returns undefined if the error does not come from the operating system
 */
export function refusalOf(error: unknown, wanted: Wanted, flag: string): Refusal | undefined {
  const code = codeOf(error)
  return code === undefined ? undefined : REFUSALS[code](wanted, flag)
}

/** Why, in a clause: of `refusalOf`, else the first line of the message. */
export function whyOf(error: unknown, wanted: Wanted): string {
  return refusalOf(error, wanted, "")?.why ?? messageOf(error).split("\n")[0]!
}

/**
 * The system's name for what it refuses: `ENOSPC` also for a full quota and for DuckDB's words for either.
 * @returns undefined if the error does not come from the operating system
 */
export function codeOf(error: unknown): Code | undefined {
  const { code } = (error ?? {}) as { code?: unknown }
  if (typeof code === "string") {
    if (Object.hasOwn(REFUSALS, code)) return code as Code
    if (Object.hasOwn(SAME, code)) return SAME[code]
  }
  const text = messageOf(error)
  return TEXTS.find(([pattern]) => pattern.test(text))?.[1]
}

const REFUSALS: Readonly<Record<Code, (wanted: Wanted, flag: string) => Refusal>> = {
  ENOENT: (wanted, flag) =>
    wanted === "file"
      ? { why: "there is no such file", hint: `check ${flag}` }
      : { why: "there is no such folder", hint: `make the folder first, or check ${flag}` },
  ENOTDIR: (_, flag) => ({ why: "a part of its path is a file, not a folder", hint: `check ${flag}` }),
  EISDIR: (_, flag) => ({ why: "it is a folder", hint: `name a file in it with ${flag}` }),
  EACCES: (wanted, flag) => ({
    why: "permission denied",
    hint:
      wanted === "file"
        ? "check its permissions and those of its folder, or run as a user who may read it"
        : `check the permissions of it and of its folder, or name another place with ${flag}`,
  }),
  EROFS: (_, flag) => ({ why: "its disk is read-only", hint: `name a place on another disk with ${flag}` }),
  ELOOP: (_, flag) => ({ why: "its symbolic links go round in circles", hint: `check ${flag}` }),
  ENAMETOOLONG: (_, flag) => ({ why: "its name is too long", hint: `give a shorter one with ${flag}` }),
  ENOSPC: (_, flag) => ({
    why: "no space left on its disk",
    hint: `free space, or name another place with ${flag}`,
  }),
  EMFILE: () => ({ why: "too many files are open", hint: "raise the limit on open files (ulimit -n)" }),
  EIO: () => ({ why: "its disk fails", hint: "look at the disk and the system's log" }),
}
