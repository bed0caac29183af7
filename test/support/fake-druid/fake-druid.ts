/**
 * A fake Apache Druid 33 for tests: a model of its storage (`World`) behind an HTTP server that answers what
 * druidsync asks, with Druid's own framing, errors and silences. What it does not know, it refuses with a
 * 400. It may be driven without HTTP through `World`, and with faults through `hooks`.
 */
export { type Behaviour, cut, deny, destroy, hang, reply, type Where, waitFor } from "./http/behaviour.ts"
export * as errors from "./http/errors.ts"
export type { LoggedRequest, RequestKind, RequestLog } from "./http/log.ts"
export { FakeDruid, type FakeDruidOptions, startFakeDruid } from "./http/server.ts"
export type { Credentials, Hooks, ScanEvent, Site } from "./http/site.ts"
export type { Rollup } from "./model/rows.ts"
export type { SegmentPatch, SegmentRow, StoredSegment } from "./model/segment.ts"
export { chunkOf, type Granularity, interval, iso, isoInterval, ms, type Span } from "./model/time.ts"
export type { InputRow, Row, SegmentColumn, Value } from "./model/values.ts"
export { type IngestOptions, type Selector, type VirtualSegment, World } from "./model/world.ts"
