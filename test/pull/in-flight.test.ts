import { describe, expect, it } from "bun:test"
import fc from "fast-check"
import { type Bounds, InFlight } from "../../src/pull/pipeline/in-flight.ts"

const RESPONSE = 1_000_000

/** Bytes per second for so many requests at once. */
type Server = (requests: number) => number

/** Requests that each get `each`, until all of them together have what the server or the line can send. */
const upTo =
  (each: number, all: number): Server =>
  (requests) =>
    Math.min(requests * each, all)

/** Responses of one size, one after the other, as long as it is played. */
class Play {
  readonly inFlight: InFlight
  #ms = 0

  constructor(bounds: Bounds) {
    this.inFlight = new InFlight(bounds)
  }

  /**
   * @param shake factor by which each response is faster or slower than the server's rate
   * @returns the number in flight after each response, and the time that all took, ms
   */
  run(server: Server, responses: number, shake: (n: number) => number = () => 1) {
    const since = this.#ms
    const limits: number[] = []
    for (let n = 0; n < responses; n++) {
      this.#ms += (RESPONSE * 1000) / (server(this.inFlight.limit) * shake(n))
      this.inFlight.received(RESPONSE)
      this.inFlight.arrived(this.#ms, 0)
      limits.push(this.inFlight.limit)
    }
    return { limits, ms: this.#ms - since }
  }
}

/** Factors from 0.9 to 1.1, without a pattern, the same for the same seed. */
function unevenness(seed: number): (n: number) => number {
  return (n) => {
    let mixed = Math.imul((n + 1) ^ seed, 0x85ebca6b)
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
    return 0.9 + (0.2 * ((mixed ^ (mixed >>> 16)) >>> 0)) / 2 ** 32
  }
}

/** The number that it is at most of the time, in the last third. */
function settledOn(limits: readonly number[]): number {
  const counts = new Map<number, number>()
  for (const limit of limits.slice(-Math.ceil(limits.length / 3)))
    counts.set(limit, (counts.get(limit) ?? 0) + 1)
  return [...counts].sort((a, b) => b[1] - a[1])[0]![0]
}

describe("requests in flight (B10)", () => {
  it("rise while more of them bring more, and stop at the bound", () => {
    const { limits } = new Play({ start: 4, most: 8 }).run(upTo(200_000, 10_000_000), 200)
    expect(settledOn(limits)).toBe(8)
    expect(Math.max(...limits)).toBe(8)
  })

  it("settle where the line is full", () => {
    const { limits } = new Play({ start: 4, most: 64 }).run(upTo(200_000, 2_400_000), 1_000)
    expect(settledOn(limits)).toBe(12)
  })

  it("fall where fewer bring as much", () => {
    const { limits } = new Play({ start: 4, most: 8 }).run(upTo(1_000_000, 1_000_000), 400)
    expect(settledOn(limits)).toBe(1)
  })

  it("fall where more are in each other's way", () => {
    const crowded: Server = (requests) => 1_000_000 / (1 + Math.abs(requests - 2) / 4)
    const { limits } = new Play({ start: 8, most: 8 }).run(crowded, 400)
    expect(settledOn(limits)).toBe(2)
  })

  it("follow a server that changes while it is read", () => {
    const play = new Play({ start: 4, most: 16 })
    expect(settledOn(play.run(upTo(100_000, 200_000), 400).limits)).toBe(2)
    expect(settledOn(play.run(upTo(100_000, 5_000_000), 800).limits)).toBe(16)
  })

  it("keep their number when everything gets slower, whatever it is", () => {
    const play = new Play({ start: 4, most: 16 })
    expect(settledOn(play.run(upTo(250_000, 2_000_000), 400).limits)).toBe(8)
    const { limits } = play.run(upTo(25_000, 200_000), 400)
    expect(settledOn(limits)).toBe(8)
    expect(Math.min(...limits)).toBeGreaterThanOrEqual(6)
  })

  it("do not rise while what arrived waits to be loaded", () => {
    const inFlight = new InFlight({ start: 4, most: 8 })
    for (let n = 0; n < 100; n++) {
      inFlight.received(RESPONSE)
      inFlight.arrived(n * 1_000, 2)
      expect(inFlight.limit).toBeLessThanOrEqual(4)
    }
  })

  it("are measured again where the clock was set back", () => {
    const play = new Play({ start: 4, most: 8 })
    play.inFlight.arrived(1e15, 0)
    expect(settledOn(play.run(upTo(200_000, 10_000_000), 200).limits)).toBe(8)
  })

  it("stay as they were given for a pull of a few slices, and where they are bounded by one", () => {
    expect(new Play({ start: 4, most: 8 }).run(upTo(1e6, 1e7), 4).limits).toEqual([4, 4, 4, 4])
    expect(new Set(new Play({ start: 1, most: 1 }).run(upTo(1e6, 1e7), 100).limits)).toEqual(new Set([1]))
    expect(new InFlight({ start: 4, most: 3 }).limit).toBe(3)
  })

  it("are halved by a failure, once for all that fail together, and come back", () => {
    const play = new Play({ start: 8, most: 8 })
    const server = upTo(200_000, 10_000_000)
    play.run(server, 50)
    const { era } = play.inFlight
    for (let n = 0; n < 8; n++) play.inFlight.refused(era, false)
    expect(play.inFlight.limit).toBe(4)
    play.inFlight.refused(play.inFlight.era, false)
    expect(play.inFlight.limit).toBe(2)
    expect(settledOn(play.run(server, 60).limits)).toBe(8)
    const { limit } = play.inFlight
    play.inFlight.refused(era, false)
    expect(play.inFlight.limit).toBe(limit)
  })

  it("come back to less than what the server called too many, and try that again only much later", () => {
    const play = new Play({ start: 8, most: 8 })
    const server = upTo(200_000, 10_000_000)
    play.run(server, 50)
    play.inFlight.refused(play.inFlight.era, true)
    const after = play.run(server, 150).limits
    expect(settledOn(after)).toBe(6)
    expect(Math.max(...after)).toBe(6)
    expect(settledOn(play.run(server, 600).limits)).toBe(8)
  })

  it("never leave their bounds, and cost little where their number makes no difference", () => {
    const history = fc.array(
      fc.oneof(
        { weight: 10, arbitrary: fc.record({ ms: fc.integer({ min: 0, max: 5_000 }), waiting: fc.nat(4) }) },
        fc.constantFrom("refused" as const, "too many" as const),
        fc.record({ lost: fc.nat(RESPONSE) }),
      ),
      { maxLength: 300 },
    )
    const bounds = fc.record({
      start: fc.integer({ min: 1, max: 64 }),
      most: fc.integer({ min: 1, max: 64 }),
    })
    fc.assert(
      fc.property(bounds, history, (given, steps) => {
        const inFlight = new InFlight(given)
        let ms = 0
        for (const step of steps) {
          if (typeof step === "string") {
            const before = inFlight.limit
            inFlight.refused(inFlight.era, step === "too many")
            expect(inFlight.limit).toBeLessThanOrEqual(before)
          } else if ("lost" in step) inFlight.received(-step.lost)
          else {
            ms += step.ms
            inFlight.received(RESPONSE)
            inFlight.arrived(ms, step.waiting)
          }
          expect(inFlight.limit).toBeGreaterThanOrEqual(1)
          expect(inFlight.limit).toBeLessThanOrEqual(given.most)
          expect(Number.isInteger(inFlight.limit)).toBe(true)
        }
      }),
    )
  })

  it("come to most of what a server can send, whatever it is and however uneven its responses", () => {
    const server = fc.record({
      start: fc.integer({ min: 1, max: 8 }),
      each: fc.integer({ min: 20_000, max: 1_000_000 }),
      all: fc.integer({ min: 200_000, max: 4_000_000 }),
      seed: fc.integer(),
    })
    fc.assert(
      fc.property(server, ({ start, each, all, seed }) => {
        const shake = unevenness(seed)
        const play = new Play({ start, most: 8 })
        play.run(upTo(each, all), 500, shake)
        // As long as with the best number all the time.
        const fixed = new Play({ start: 1, most: 1 }).run(() => upTo(each, all)(8), 300, shake)
        // Trials included.
        expect(play.run(upTo(each, all), 300, shake).ms / fixed.ms).toBeLessThan(1.2)
      }),
      { numRuns: 300 },
    )
  })
})
