/**
 * `columns.hash`: of a column only the SHA-256 of a secret salt and the value is kept, 64 lower-case hex digits; of a list
 * one for each value, of NULL NULL. DuckDB computes it while it reads the spool, so that the plain value is nowhere else.
 */
import type { Engine } from "../engine.ts"

/** Holds the salt, so that it stands in no statement that reads rows, and in none of its errors. */
const VARIABLE = "druidsync_salt"

/** Before `hashExpression` is used. @throws what the engine throws */
export async function setSalt(engine: Pick<Engine, "run">, salt: { reveal(): string }): Promise<void> {
  await engine.run(`SET VARIABLE ${VARIABLE} = $1`, [salt.reveal()])
}

/** @param value SQL of the plain value, of `plainType` */
export function hashExpression(value: string, plainType: string): string {
  const hash = (one: string) => `sha256(getvariable('${VARIABLE}') || ${one}::VARCHAR)`
  return plainType.endsWith("[]") ? `list_transform(${value}, lambda one: ${hash("one")})` : hash(value)
}
