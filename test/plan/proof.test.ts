import { describe, expect, it } from "bun:test"
import type { Chunk, Slice, Work } from "../../src/base/domain.ts"
import { proof, staysSettled } from "../../src/plan/proof.ts"
import { segmentSetText } from "../../src/plan/segment-set.ts"
import { chunk, seg, span, work } from "./support.ts"

const one = chunk(0, 10)
const two = chunk(10, 20)

function sliceOf(...works: Work[]): Slice {
  return {
    interval: { start: works[0]!.interval.start, end: works.at(-1)!.interval.end },
    works,
    rows: 0,
  }
}

const simple = sliceOf(work(one))
const asks = (...counts: number[]) => ({ before: counts, after: counts })
const counted = (of: Chunk, more: Partial<Work> = {}) => work(of, { expectedRows: undefined, ...more })
const live = (of: Chunk) => counted(of, { state: "provisional" })

describe("a slice is proven", () => {
  it("by the promise of the metadata and unchanged, served segments", () => {
    expect(proof(simple, [10], 10, undefined, [one], "s")).toEqual({
      kind: "proven",
      parts: [
        {
          interval: span(0, 10),
          segments: segmentSetText(one.segments),
          rows: 10,
          state: "complete",
          settings: "s",
        },
      ],
    })
  })

  it("by the count before and after, where metadata does not tell", () => {
    const slice = sliceOf(counted(one))
    expect(proof(slice, [7], 7, asks(7), [one], "s")).toMatchObject({ kind: "proven", parts: [{ rows: 7 }] })
  })

  it("work by work, each with the segments of its own chunk", () => {
    const verdict = proof(sliceOf(work(one), work(two)), [10, 10], 20, undefined, [one, two], "s")
    expect(verdict).toMatchObject({
      kind: "proven",
      parts: [{ segments: segmentSetText(one.segments) }, { segments: segmentSetText(two.segments) }],
    })
  })
})

describe("a slice is not proven", () => {
  const mismatch = (works: number[]) => ({ kind: "mismatch", works })

  it("where rows are missing or doubled", () => {
    expect(proof(simple, [9], 9, undefined, [one], "s")).toMatchObject(mismatch([0]))
    expect(proof(simple, [11], 11, undefined, [one], "s")).toMatchObject(mismatch([0]))
  })

  it("where rows came that lie in none of its works", () => {
    expect(proof(simple, [10], 11, undefined, [one], "s")).toMatchObject(mismatch([0]))
  })

  it("where one work has too few and another too many, though the sum is right", () => {
    const slice = sliceOf(work(one), work(two))
    expect(proof(slice, [9, 11], 20, undefined, [one, two], "s")).toMatchObject(mismatch([0, 1]))
    expect(proof(slice, [10, 9], 19, undefined, [one, two], "s")).toMatchObject(mismatch([1]))
  })

  it("where the count before, or the one after, is another", () => {
    const slice = sliceOf(counted(one))
    expect(proof(slice, [7], 7, { before: [6], after: [7] }, [one], "s")).toMatchObject(mismatch([0]))
    expect(proof(slice, [7], 7, { before: [7], after: [8] }, [one], "s")).toMatchObject(mismatch([0]))
  })

  it("by counts that contradict what the metadata promises: a server may be missing for both", () => {
    const slice = sliceOf(work(one), counted(two))
    expect(proof(slice, [8, 5], 13, asks(8, 5), [one, two], "s")).toMatchObject(mismatch([0]))
  })

  it("where its segments were replaced or added to meanwhile, or are gone", () => {
    const added = chunk(0, 10, {}, {})
    const replaced = chunk(0, 10, { version: "v2" })
    for (const now of [[added], [replaced], [two], []])
      expect(proof(simple, [10], 10, undefined, now, "s").kind).toBe("changed")
  })

  it("where another version hides a piece of its chunk meanwhile", () => {
    const now: Chunk[] = [
      { interval: span(0, 5), segments: one.segments },
      { interval: span(5, 10), segments: [seg(5, 10, { version: "v2" })] },
    ]
    expect(proof(simple, [10], 10, undefined, now, "s").kind).toBe("changed")
  })

  it("where a segment is no longer served", () => {
    expect(proof(simple, [10], 10, undefined, [chunk(0, 10, { isAvailable: false })], "s").kind).toBe(
      "changed",
    )
    const cold = chunk(0, 10, { isAvailable: false, replicationFactor: 0 })
    expect(proof(simple, [10], 10, undefined, [cold], "s").kind).toBe("changed")
  })

  it("but planned again, where the metadata itself was corrected meanwhile", () => {
    const slice = sliceOf(work(one, { expectedRows: 12 }))
    expect(proof(slice, [10], 10, undefined, [one], "s").kind).toBe("changed")
    expect(proof(slice, [10], 10, undefined, [chunk(0, 10, { rows: 12 })], "s").kind).toBe("mismatch")
  })
})

describe("rows that may still change", () => {
  const growing = chunk(0, 10, { isRealtime: true, isPublished: false })

  it("are taken as provisional, if their number lies between the counts around them", () => {
    const slice = sliceOf(live(growing))
    for (const rows of [5, 6, 8]) {
      const verdict = proof(slice, [rows], rows, { before: [5], after: [8] }, [growing], "s")
      expect(verdict).toMatchObject({ kind: "proven", parts: [{ state: "provisional", rows }] })
    }
    for (const rows of [4, 9])
      expect(proof(slice, [rows], rows, { before: [5], after: [8] }, [growing], "s").kind).toBe("mismatch")
  })

  it("may become fewer: rolled-up rows merge at hand-off", () => {
    const verdict = proof(sliceOf(live(growing)), [3], 3, { before: [12], after: [3] }, [growing], "s")
    expect(verdict.kind).toBe("proven")
  })

  it("keep the segments that were planned, whatever came beside them", () => {
    const more = chunk(0, 10, { isRealtime: true }, { isRealtime: true })
    expect(proof(sliceOf(live(growing)), [5], 5, asks(5), [more], "s")).toMatchObject({
      kind: "proven",
      parts: [{ segments: segmentSetText(growing.segments), state: "provisional" }],
    })
  })

  it("stay provisional where they were handed off meanwhile: they were read before", () => {
    const verdict = proof(sliceOf(live(growing)), [10], 10, asks(10), [chunk(0, 10)], "s")
    expect(verdict).toMatchObject({ parts: [{ state: "provisional" }] })
  })
})

describe("the state of proven rows", () => {
  it("is never better than the plan's", () => {
    const slice = sliceOf(counted(one, { state: "unproven" }))
    expect(proof(slice, [10], 10, asks(10), [one], "s")).toMatchObject({ parts: [{ state: "unproven" }] })
  })

  it("is worse where the chunk can be trusted less than when it was planned", () => {
    expect(proof(simple, [10], 10, undefined, [chunk(0, 10, { rows: 0 })], "s")).toMatchObject({
      parts: [{ state: "unproven" }],
    })
    expect(proof(simple, [10], 10, undefined, [chunk(0, 10, { replicationFactor: 0 })], "s")).toMatchObject({
      parts: [{ state: "provisional" }],
    })
  })
})

describe("a settled chunk", () => {
  it("stays what it was while its segments are the same and served", () => {
    expect(staysSettled(one, [one, two])).toBe(true)
    expect(staysSettled(one, [chunk(0, 10, {}, { partition: 1 }), two])).toBe(false)
    expect(staysSettled(one, [chunk(0, 10, { isAvailable: false })])).toBe(false)
    expect(staysSettled(one, [two])).toBe(false)
  })

  it("does not where another covers a part of it", () => {
    expect(staysSettled(chunk(0, 20), [one, two])).toBe(false)
  })
})
