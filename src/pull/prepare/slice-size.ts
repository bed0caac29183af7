/** How many rows a slice should have: as many as the config says, and fewer where rows are wide. */
import type { Column, Work } from "../../base/domain.ts"
import type { Source } from "../../druid/sql.ts"
import { rowsOfSlice, sizeOf } from "../../plan/slices.ts"
import type { Ports, PullRequest } from "../ports.ts"

/** So few rows are not worth a question. */
const FEW_ROWS = 10_000

/** The size of a datasource's slices. */
export interface SliceSize {
  readonly rows: number
  /** of a response, mean of a sample; undefined where none was taken */
  readonly rowBytes: number | undefined
}

/**
 * Looks at some rows of the biggest work, where there is enough work for it.
 * @throws DruidsyncError
 */
export async function sliceSize(
  ports: Ports,
  { pull }: PullRequest,
  source: Source,
  columns: readonly Column[],
  works: readonly Work[],
): Promise<SliceSize> {
  const [first, ...others] = works
  const total = works.reduce((sum, work) => sum + sizeOf(work), 0)
  if (first === undefined || total <= FEW_ROWS) return { rows: pull.sliceRows, rowBytes: undefined }
  const { catalog, signal } = ports
  const biggest = others.reduce((one, other) => (sizeOf(other) > sizeOf(one) ? other : one), first)
  const rowBytes = await catalog.rowBytes(source, columns, biggest.interval, signal)
  return { rows: rowsOfSlice(pull.sliceRows, rowBytes, pull.spoolLimitBytes), rowBytes }
}
