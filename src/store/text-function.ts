/** Functions of our own in DuckDB, of a text. They run in this thread, and are known to one connection. */
import type { DuckDBConnection } from "@duckdb/node-api"

/**
 * Makes `name(VARCHAR) → BIGINT` known to a connection.
 * @param of is given NULL, too
 */
export async function registerTextFunction(
  connection: DuckDBConnection,
  name: string,
  of: (text: string | null) => bigint | null,
): Promise<void> {
  const { BIGINT, DuckDBScalarFunction, VARCHAR } = await import("@duckdb/node-api")
  connection.registerScalarFunction(
    DuckDBScalarFunction.create({
      name,
      parameterTypes: [VARCHAR],
      returnType: BIGINT,
      mainFunction: (_info, chunk, output) => {
        const texts = chunk.getColumnVector(0)
        const { rowCount } = chunk
        for (let i = 0; i < rowCount; i++) output.setItem(i, of(texts.getItem(i) as string | null))
        output.flush()
      },
    }),
  )
}
