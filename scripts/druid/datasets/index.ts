/** All generated datasources, by name. */
import { before1970 } from "./before-1970.ts"
import type { Dataset } from "./dataset.ts"
import { identicalRows } from "./identical-rows.ts"
import { koalas } from "./koalas.ts"
import { oddName } from "./odd-name.ts"
import { oneMillisecond } from "./one-millisecond.ts"
import { wikipedia } from "./wikipedia.ts"

export * from "./dataset.ts"
export { before1970, identicalRows, koalas, oddName, oneMillisecond, wikipedia }

/** How `load` may bend a dataset; `rows` acts where a dataset has a free size. */
export interface DatasetOptions {
  rows?: number
  seed?: number
}

/** The catalog: each makes its dataset, 100,000 rows of wikipedia unless told otherwise. */
export const DATASETS: Readonly<Record<string, (options: DatasetOptions) => Dataset>> = {
  wikipedia: ({ rows = 100_000, ...rest }) => wikipedia({ rows, ...rest }),
  "koalas-to-the-max": koalas,
  "my.datasource name": oddName,
  "one-millisecond": ({ rows, ...rest }) =>
    oneMillisecond(rows === undefined ? rest : { crowd: rows, ...rest }),
  "identical-rows": ({ rows }) => identicalRows(rows === undefined ? {} : { copies: Math.ceil(rows / 2) }),
  "before-1970": before1970,
}
