/** What most tests need that ask Druid: one fake Druid for the tests of a file, and a place to work in for each of them. */
import { afterAll, afterEach, beforeAll, beforeEach } from "bun:test"
import { type FakeDruid, startFakeDruid } from "./fake-druid/fake-druid.ts"

/**
 * @param place opened before each test and closed after it: a `Bench`, a `Desk`
 * @param take is given both before each test, when the fake has forgotten everything, and may fill it
 */
export function onFake<T extends { close(): Promise<void> }>(
  place: { open(fake: FakeDruid): Promise<T> },
  take: (fake: FakeDruid, opened: T) => Promise<void> | void,
): void {
  let fake: FakeDruid
  let opened: T
  beforeAll(async () => {
    fake = await startFakeDruid()
  })
  afterAll(() => fake.stop())
  beforeEach(async () => {
    fake.reset()
    opened = await place.open(fake)
    await take(fake, opened)
  })
  afterEach(() => opened.close())
}
