/** What a benchmark run found, as it is kept in a file and shown in table and plot. */

/** One command, one time. Times in ms, sizes in bytes. */
export interface Run {
  readonly wallMs: number
  /** of the client: everything but Druid */
  readonly cpuMs: number
  /** of all of Druid's processes meanwhile; undefined where no Druid is asked */
  readonly druidMs?: number | undefined
  readonly peakBytes: number
  /** rows that it was to bring */
  readonly rows: number
  /** rows that are in its file; undefined where there is no file */
  readonly rowsHeld: number | undefined
  readonly fileBytes: number | undefined
}

export interface Contender {
  readonly key: string
  readonly label: string
  /** "floor": nothing can be faster · "ours" · "other" · "replay": against the replay server */
  readonly group: "floor" | "ours" | "other" | "replay"
  readonly runs: readonly Run[]
}

export interface Locking {
  /** attempts to open the file read-only while a pull ran, since the file was there */
  readonly attempts: number
  readonly successes: number
  /** longest time that the file could not be opened */
  readonly longestMs: number
  /** looks that saw a slice in part: none, if all is well */
  readonly torn: number
}

export interface StartUp {
  readonly label: string
  readonly wallMs: number
  readonly cpuMs: number
}

export interface Results {
  readonly date: string
  readonly version: string
  readonly machine: string
  readonly rows: number
  /** bytes of the rows as arrayLines */
  readonly wireBytes: number
  /** the same rows as Parquet with zstd */
  readonly parquetBytes: number | undefined
  readonly contenders: readonly Contender[]
  readonly locking: Locking | undefined
  readonly startUp: readonly StartUp[]
  /** the load average over the run, where it says something */
  readonly load: readonly number[]
}
