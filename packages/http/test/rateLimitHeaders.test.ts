import { assert, describe, it } from "@effect/vitest"
import * as Headers from "effect/http/Headers"

// A path that no rule of imports follows: what is in `internal` has no other way in.
const path: string = "../src/internal/answer/rateLimitHeaders.ts"
const { exhaustedMillis } = (await import(path)) as {
  readonly exhaustedMillis: (headers: Headers.Headers, now: number) => number | undefined
}

const read = (ratelimit: string) => exhaustedMillis(Headers.fromInput({ ratelimit }), 0)

describe("rateLimitHeaders", () => {
  it.each([
    ['"default";r=0;t=30', 30_000],
    ['"default";r=0;t=30, "day";r=0;t=3600', 3_600_000],
    ['"default";r=5;t=30, "day";r=0;t=60', 60_000],
    ['"default"; r=0 ;\tt=30', 30_000],
    ['"a;r=0;t=9, b";r=1;t=30', undefined],
    ['"a\\";r=0;t=9, b";r=0;t=7', 7_000],
    ["limit=10, remaining=0, reset=30", 30_000],
    ["limit=10, remaining=1, reset=30", undefined],
    ["limit=10;w=60, remaining=0;x=1, reset=5", 5_000],
    ["r=0", undefined],
    ["r=0;t=x", undefined],
    ["r=00;t=1", 1_000],
    ["r=-0;t=1", undefined],
    ["=0;r=0;t=2", 2_000],
    ["r=0;t=999999999999999999", undefined],
    ['"unclosed;r=0;t=30', undefined],
    ["", undefined]
  ])("exhaustedMillis - reads %j", (header, millis) => {
    assert.strictEqual(read(header), millis)
  })

  it("exhaustedMillis - reads at most 1 KiB, and no item that ends beyond", () => {
    assert.strictEqual(read(`"a";r=0;t=1, ${" ".repeat(900)}"b";r=0;t=2`), 2_000)
    assert.strictEqual(read(`"a";r=0;t=1, ${" ".repeat(1_100)}"b";r=0;t=2`), 1_000)
    // A number that is cut off is another number.
    assert.strictEqual(read(`r=0;x=${"y".repeat(1_012)};t=3600`), undefined)
  })
})
