/** What Druid has beside what the file holds: of what is the same on both sides nothing comes here but its number. */
import type { Inventory } from "../druid/catalog.ts"
import { holdingOf, type Look } from "./judge.ts"
import type { Ports, PullRequest } from "./ports.ts"

/**
 * @param state what the file says of itself; it is read once more for the checkpoints that differ
 * @throws DruidsyncError `locked`, `file`
 */
export async function lookAt(
  { file, clock, signal }: Pick<Ports, "file" | "clock" | "signal">,
  request: Pick<PullRequest, "datasources" | "full" | "sinceMs" | "untilMs">,
  inventory: Inventory,
  state: Look["state"],
): Promise<Look> {
  const nowMs = clock.nowMs()
  const holdings = request.datasources.map((one) => holdingOf(one, { inventory, state }, request, nowMs))
  const compare = () => inventory.segments.differing(holdings)
  const isHeld = holdings.some(({ table }) => table !== undefined)
  const found = isHeld ? await file.read(compare, signal) : await compare()
  return {
    inventory,
    state,
    differing: new Map(request.datasources.map(({ table }, n) => [table, found[n]!])),
  }
}
