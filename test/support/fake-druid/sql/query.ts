/** From SQL text to an answer. */
import type { World } from "../model/world.ts"
import { datasourceOf, forbidden, notFound, type Query } from "./answer.ts"
import { type Access, catalogTable } from "./catalog.ts"
import { unsupported } from "./compile.ts"
import type { Select } from "./parse.ts"
import { planDatasource } from "./select-datasource.ts"
import { planTable } from "./select-table.ts"

/** @throws SqlError as Druid would: unknown names 400, forbidden tables 403 */
export function plan(select: Select, world: World, access: Access): Query {
  const datasource = datasourceOf(select)
  if (datasource !== undefined) return planDatasource(select, datasource, world, access)
  if (select.inner) return planInner(select, select.inner, world, access)
  if (!select.table) return planTable(select, { columns: [], rows: () => [[]] })
  const table = catalogTable(select.table.path, world, access)
  if (!table) throw notFound(select)
  if (select.table.path.join(".") === "sys.segments" && access.segments === "forbidden") throw forbidden()
  return planTable(select, table)
}

/** A query of the groups of a datasource. */
function planInner(select: Select, inner: Select, world: World, access: Access): Query {
  const { columns, answer, datasource } = plan(inner, world, access)
  if (!("rows" in answer)) throw unsupported("a subquery without GROUP BY", inner.where!, inner.sql)
  return { ...planTable(select, { columns, rows: () => [...answer.rows] }), kind: "sample", datasource }
}
