/** When are added segments fetched without the rest of their chunk? Only where nothing else of it is in question. */
import { describe, expect, it } from "bun:test"
import type { Chunk, Part } from "../../src/base/domain.ts"
import { addedTo } from "../../src/plan/added.ts"
import { diff } from "../../src/plan/diff.ts"
import { proof } from "../../src/plan/proof.ts"
import { segmentSetText } from "../../src/plan/segment-set.ts"
import { halves, needsMeasuring, sizeOf, slicesOf } from "../../src/plan/slices.ts"
import { chunk, part, seg, span } from "./support.ts"

const MANY = 1_000
const before = chunk(0, 10)
const now = chunk(0, 10, {}, { rows: 5 })
const held = part(0, 10, before.segments)

const plan = (chunks: readonly Chunk[], parts: readonly Part[], given: object = {}) =>
  diff(chunks, parts, { settings: "s", realtime: "include", addedAlone: MANY, ...given })

/** What is left of the added segments where the case is not plain. */
const addedIn = (of: Chunk, parts: readonly Part[], given: object = {}) =>
  plan([of], parts, given).works.flatMap(({ added }) => added ?? [])

describe("segments added to a chunk", () => {
  it("are a work of their own: what is held stays", () => {
    const { works, recounts } = plan([now], [held])
    expect(recounts).toEqual([])
    expect(works).toEqual([
      {
        interval: now.interval,
        chunk: now,
        reason: { kind: "added", segments: 1 },
        state: "complete",
        expectedRows: 15,
        added: { segments: [now.segments[1]!], heldRows: 10 },
      },
    ])
    expect([sizeOf(works[0]!), needsMeasuring(works[0]!, 1, true)]).toEqual([5, false])
  })

  it("are so, too, where the chunk is held in pieces of one set", () => {
    const pieces = [part(0, 4, before.segments, { rows: 3 }), part(4, 10, before.segments, { rows: 7 })]
    expect(addedIn(now, pieces)).toHaveLength(1)
  })

  it("are looked at with their chunk where anything of it is in question", () => {
    const cases: readonly [Chunk, readonly Part[], object?][] = [
      [now, [held], { addedAlone: 4 }],
      [now, [held], { since: 1n }],
      [now, [held], { share: () => "some" as const }],
      // A piece is missing, or is of another set, or not proven, or of other settings.
      [now, [part(0, 4, before.segments)]],
      [now, [part(0, 4, before.segments, { rows: 3 }), part(4, 10, now.segments, { rows: 7 })]],
      [now, [part(0, 10, before.segments, { state: "unproven" })]],
      [now, [part(0, 10, before.segments, { settings: "other" })]],
      // Rows of a stream merged: fewer are held than the same segments have now.
      [now, [part(0, 10, before.segments, { rows: 11 })]],
      [chunk(0, 10, {}, { rows: 0 }), [held]],
      [chunk(0, 10, {}, { isAvailable: false }), [held]],
      [chunk(0, 10, {}, { isRealtime: true }), [held]],
      // A newer version hides a part of the chunk's segments.
      [
        { interval: span(0, 10), segments: [seg(0, 20), seg(0, 20, { partition: 1 })] },
        [part(0, 10, [seg(0, 20)])],
      ],
      [chunk(0, 10, { version: "v2" }, { version: "v2", partition: 1 }), [held]],
    ]
    for (const [of, parts, given] of cases) expect(addedIn(of, parts, given)).toEqual([])
  })

  it("are not looked at by their rows where a filter leaves some out: Druid counts before and after", () => {
    const few = part(0, 10, before.segments, { rows: 2 })
    const [work] = plan([now], [few], { filtered: true }).works
    expect(work).toMatchObject({ expectedRows: undefined, added: { heldRows: 2 } })
    expect(addedTo(now, [few], MANY, false)).toBeUndefined()
  })

  it("of chunks that lie apart share a slice, and none with other work; one chunk's cannot be halved", () => {
    const chunks = [now, chunk(10, 20), chunk(20, 30, {}, { rows: 5 }), chunk(30, 40)]
    const parts = [held, part(10, 20, chunks[1]!.segments), part(20, 30, chunk(20, 30).segments)]
    const slices = slicesOf(plan(chunks, parts).works, chunks, MANY)
    expect(slices.map(({ works, rows }) => [works.length, rows])).toEqual([
      [2, 10],
      [1, 10],
    ])
    const [first, second] = halves(slices[0]!)!
    expect([first, second].map((slice) => halves(slice))).toEqual([undefined, undefined])
  })
})

describe("the proof of added segments", () => {
  const [work] = plan([now], [held]).works
  const slice = { interval: now.interval, works: [work!], rows: 5 }

  it("is that held and loaded rows are what the metadata promises of the whole chunk", () => {
    expect(proof(slice, [5], 5, undefined, [now], "s")).toEqual({
      kind: "proven",
      parts: [part(0, 10, now.segments, { rows: 15 })],
    })
    expect(proof(slice, [4], 4, undefined, [now], "s")).toMatchObject({
      kind: "mismatch",
      message: "4 rows arrived, its metadata promises 15, 10 of them are held",
    })
  })

  it("fails where more came meanwhile", () => {
    const later = chunk(0, 10, {}, { rows: 5 }, { rows: 1 })
    expect(segmentSetText(later.segments)).not.toBe(segmentSetText(now.segments))
    expect(proof(slice, [5], 5, undefined, [later], "s")).toMatchObject({ kind: "changed" })
  })
})
