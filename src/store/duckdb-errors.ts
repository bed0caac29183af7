/**
 * What DuckDB's messages say. DuckDB has no codes for what went wrong, so its wording is all there is to go by, and any
 * release may change it: every expression over it stands here, and `test/store/duckdb-errors.test.ts` provokes each of
 * them on the engine that is built in.
 */
import { messageOf } from "../base/errors.ts"

const SAYS = {
  /** the file to be attached is something else */
  notDuckdb: /not a valid DuckDB database/,
  /** the file to be attached is of a release that this one cannot read */
  otherVersion: /newer version of DuckDB|database file with version number/,
  /** the file system knows no locks */
  noLocks: /Could not set lock on file .*(No locks available|not supported|not implemented)/,
  cannotOpen: /Cannot open file/,
  /** the disk, or what is on it */
  io: /^IO Error/,
  outOfMemory: /^Out of Memory Error/,
  /** rows are not in an index that has to have them */
  damagedIndex: /Failed to delete all rows from index/,
  /** a file to be read is not there */
  noFile: /No files found|No such file/,
  /** a line of JSON is longer than the reader was told */
  lineTooLong: /maximum_object_size/,
  notJson: /Malformed JSON|JSON transform error/,
  /** a value that its type cannot hold */
  unfit: /Conversion Error|Invalid Input Error|Out of Range Error/,
  /** a time that a TIMESTAMP cannot hold */
  unfitTime: /timestamp/i,
  /** a table has not the columns that were asked for, or they are of other types */
  otherColumns: /^(Binder|Catalog|Conversion) Error/,
  /** a table cannot be changed so, because of what it is or has */
  ofTable:
    /^(Constraint|Dependency|Catalog|Binder|Conversion|TransactionContext|Invalid Input|Not implemented|Out of Range) Error/,
  /** rows that a constraint or a unique index does not let in */
  constraint: /^Constraint Error|Failed to commit: .*constraint/,
  /** a data file cannot be read, or is none of its format */
  unreadable: /^(IO|Invalid Input|Invalid|Binder|Conversion|Serialization) Error/,
  /** anything of DuckDB's own */
  own: /^[A-Z][A-Za-z -]* Error: |^INTERRUPT/,
  /** the SQL is to blame, not what it met */
  wrongSql: /^(Parser|Binder|Catalog|Syntax|Not implemented|Invalid Input|Permission) Error/,
  readOnly: /attached in read-only mode/,
  /** the SQL names a file, and may not */
  filesForbidden: /^Permission Error.*(disabled by configuration|file system operations)/s,
  noTable: /Table with name .* does not exist/,
} as const satisfies Record<string, RegExp>

export type Says = keyof typeof SAYS

/** Whether DuckDB's message says this. */
export function says(error: unknown, what: Says): boolean {
  return SAYS[what].test(messageOf(error))
}

/** Where DuckDB names the program that has a file: on Linux and macOS, and on Windows after a sentence in its language. */
const HOLDER = /(?:Conflicting lock is held in|File is already open in)\s+(.+?) \(PID (\d+)\)/

const HELD = /Could not set lock on file|being used by another process/

/** Who holds the lock, from DuckDB's message: `python3.11 (PID 4711)`; undefined if it is not about a lock. */
export function lockHolder(error: unknown): string | undefined {
  if (says(error, "noLocks")) return undefined
  const text = messageOf(error)
  const match = HOLDER.exec(text)
  if (match !== null) return `${match[1]!.split(/[/\\]/).at(-1)} (PID ${match[2]})`
  return HELD.test(text) ? "another program" : undefined
}

/** The first line: the rest are pointers to the manual, and the stack. */
export function firstLine(error: unknown): string {
  return messageOf(error).split("\n")[0]!
}

/** DuckDB's complaint about SQL without what its parser puts before it. */
export function complaintOf(error: unknown): string {
  return messageOf(error)
    .replace(/^Failed to extract statements: /, "")
    .trim()
}
