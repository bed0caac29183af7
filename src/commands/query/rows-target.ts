/** Where rows of a query are written, and what they must fit into. */
import type { Style } from "../../kit/text/style.ts"
import type { Write } from "./paced.ts"

export interface RowsTarget {
  readonly write: Write
  /** width of the terminal in cells; undefined where nothing has to fit */
  readonly width: number | undefined
  readonly style: Style
}
