/** The fault proxy: what stands between druidsync and a Druid, fake or real, and breaks on order. */
export { ELSEWHERE, type Fault, faults, type Group, SKEW_MS } from "./faults.ts"
export type { Answer, Request } from "./message.ts"
export { KINDS, type Kind, kindOf, sqlOf } from "./place.ts"
export { type Exchange, FaultProxy, type Plan, type Seen, startFaultProxy } from "./proxy.ts"
