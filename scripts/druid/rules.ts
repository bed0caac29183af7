/** Retention: load rules, and taking segments out of use. */
import type { Druid } from "./cluster.ts"
import { request } from "./http.ts"
import { ETERNITY } from "./settle.ts"

/** One of Druid's load, drop or broadcast rules. */
export type Rule = { type: string; [key: string]: unknown }

/**
 * Keep everything in deep storage, load nothing: what "cold" means. Druid 28 and later. Seen in 33.0.0: where older,
 * overshadowed versions are still used and loaded, they are not dropped, and queries answer from them again.
 * `forgetOvershadowed` first takes them away.
 */
export const COLD: readonly Rule[] = [
  { type: "loadForever", tieredReplicants: {}, useDefaultTierForNull: false },
]

/** Load everything on `replicas` historicals. */
export function hot(replicas = 1): readonly Rule[] {
  return [{ type: "loadForever", tieredReplicants: { _default_tier: replicas } }]
}

/** Replaces the rules of a datasource; they act at the coordinator's next run (two seconds). */
export async function setLoadRules(druid: Druid, datasource: string, rules: readonly Rule[]): Promise<void> {
  const url = `${druid.coordinatorUrl}/druid/coordinator/v1/rules/${encodeURIComponent(datasource)}`
  await request(url, { body: rules })
}

/**
 * Marks segments as unused; follow it with `waitSettled`.
 * @param what an interval (default: all), or ids of segments
 */
export async function markUnused(
  druid: Druid,
  datasource: string,
  what: string | readonly string[] = ETERNITY,
): Promise<void> {
  const name = encodeURIComponent(datasource)
  await request(`${druid.coordinatorUrl}/druid/coordinator/v1/datasources/${name}/markUnused`, {
    body: typeof what === "string" ? { interval: what } : { segmentIds: what },
  })
}

/** Takes segments marked unused back into use. Seen to answer 500 although it took effect: check with `segments`. */
export async function markUsed(druid: Druid, datasource: string, interval = ETERNITY): Promise<void> {
  const name = encodeURIComponent(datasource)
  await request(`${druid.coordinatorUrl}/druid/coordinator/v1/datasources/${name}/markUsed`, {
    body: { interval },
  })
}

/**
 * Has the coordinator mark overshadowed segments unused at once. By itself it does so only once it has been leader for
 * 15 minutes: before that they stay listed, published and loaded.
 */
export async function forgetOvershadowed(druid: Druid): Promise<void> {
  const url = `${druid.coordinatorUrl}/druid/coordinator/v1/config`
  const config = (await request(url)) as Record<string, unknown>
  await request(url, { body: { ...config, millisToWaitBeforeDeleting: 0 } })
}
