import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { claimOf, end, get, idsOf, job, jobs, type Make, minute, numbered, on, saved, scan } from "./storeSubject.ts"

/** The laws of those who check: claims, scans, pages, and what they store. */
export const ownerLaws = (make: Make): void => {
  const law = on(make)

  it.live("claim - each claim has a higher epoch, and the one before is lost", () =>
    law(({ other, store }) =>
      Effect.gen(function* () {
        const first = yield* store.claim("one", [2, 0, 1])
        assert.deepStrictEqual(
          first.map(({ bucket }) => bucket),
          [2, 0, 1]
        )
        assert.deepStrictEqual((yield* scan(store, first, undefined)).lost, [])
        const [second] = yield* other.claim("two", [0])
        assert.isAbove(second!.epoch, first[1]!.epoch)
        assert.deepStrictEqual((yield* scan(store, first, undefined)).lost, [0])
        assert.deepStrictEqual((yield* scan(other, [second!], undefined)).lost, [])
        assert.deepStrictEqual(yield* store.claim("one", []), [])
      })
    )
  )

  it.live("release - a claim that is given up is lost; one that was lost before changes nothing", () =>
    law(({ store }) =>
      Effect.gen(function* () {
        yield* store.insert([job("a")])
        const old = yield* claimOf(store, 0, "one")
        const held = yield* claimOf(store, 0, "two")
        yield* store.release([old])
        assert.deepStrictEqual((yield* scan(store, [held], undefined)).lost, [])
        yield* store.release([held])
        assert.deepStrictEqual((yield* scan(store, [held], undefined)).lost, [0])
        assert.deepStrictEqual(yield* store.finish("render", [end("a", { claim: held })]), ["fenced"])
        yield* store.release([])
      })
    )
  )

  it.live("scan - the first one yields the time and a cursor, and no rows", () =>
    law(({ store }) =>
      Effect.gen(function* () {
        yield* store.insert([job("a")])
        yield* store.pause("other", true)
        const first = yield* scan(store, [yield* claimOf(store, 0)], undefined)
        assert.deepStrictEqual(first.rows, [])
        assert.deepStrictEqual(first.paused, ["other"])
        assert.isBelow(Math.abs(first.now - Date.now()), minute)
        assert.strictEqual(first.cursor.dueBefore, first.now + 5 * minute)
      })
    )
  )

  it.live("scan - yields changed rows of the requested claims and kinds", () =>
    law(({ other, store }) =>
      Effect.gen(function* () {
        yield* store.insert([job("old")])
        const claims = yield* store.claim("one", [0, 1])
        const lost = yield* claimOf(store, 3, "one")
        yield* claimOf(other, 3, "two")
        const first = yield* scan(store, [...claims, lost], undefined)
        yield* other.insert([
          job("a"),
          job("b", { bucket: 1 }),
          job("elsewhere", { bucket: 2 }),
          job("lost", { bucket: 3 }),
          job("other", { kind: "other" }),
          job("far", { delayMillis: 6 * minute })
        ])
        const second = yield* scan(store, [...claims, lost], first.cursor)
        assert.deepStrictEqual(idsOf(second.rows), ["a", "b"])
        assert.deepStrictEqual(second.lost, [3])
        const third = yield* scan(store, claims, second.cursor)
        assert.deepStrictEqual(third.rows, [])
        // What has ended since is not yielded.
        yield* store.finish("render", [end("a")])
        assert.deepStrictEqual(idsOf((yield* scan(store, claims, first.cursor)).rows), ["b"])
        assert.deepStrictEqual((yield* scan(store, [], first.cursor)).rows, [])
        assert.deepStrictEqual((yield* scan(store, claims, first.cursor, { kinds: [] })).rows, [])
      })
    )
  )

  it.live("scan - yields a row when it comes within the horizon", () =>
    law(({ store }) =>
      Effect.gen(function* () {
        const claim = yield* claimOf(store, 0)
        const first = yield* scan(store, [claim], undefined, { horizonMillis: 100 })
        yield* store.insert([job("soon", { delayMillis: 400 }), job("far", { delayMillis: minute })])
        let { cursor, rows } = yield* scan(store, [claim], first.cursor, { horizonMillis: 100 })
        assert.deepStrictEqual(rows, [])
        let scans = 0
        while (rows.length === 0 && scans++ < 200) {
          yield* Effect.sleep(20)
          ;({ cursor, rows } = yield* scan(store, [claim], cursor, { horizonMillis: 100 }))
        }
        assert.deepStrictEqual(idsOf(rows), ["soon"])
        assert.isAbove(scans, 2)
      })
    )
  )

  it.live("load - yields the open rows that are due before a time, in pages, each once", () =>
    law(({ store }) =>
      Effect.gen(function* () {
        const ids = numbered(250)
        yield* store.insert(ids.map((id, index) => job(id, { bucket: index % 4, delayMillis: (index * 37) % 100 })))
        yield* store.insert([job("far", { delayMillis: 10 * minute }), job("other", { kind: "other" })])
        yield* store.finish("render", [end(ids[0]!)])
        const { now } = yield* scan(store, [], undefined)
        const found: Array<{ readonly id: string; readonly dueAt: number }> = []
        while (true) {
          const page = yield* store.load({
            buckets: [0, 1, 2],
            kinds: ["render"],
            dueBefore: now + minute,
            after: found.at(-1),
            limit: 40
          })
          found.push(...page)
          if (page.length < 40) break
        }
        assert.deepStrictEqual(
          idsOf(found),
          ids.filter((_, index) => index % 4 !== 3 && index > 0)
        )
        assert.deepStrictEqual(
          found,
          found.toSorted((one, two) => one.dueAt - two.dueAt || (one.id < two.id ? -1 : 1))
        )
      })
    )
  )

  it.live("save - stores the token only for the newest claim, the current round and an open row", () =>
    law(({ store }) =>
      Effect.gen(function* () {
        yield* store.insert([
          job("a"),
          job("b", { state: "outbox", key: null }),
          job("ended"),
          job("elsewhere", { bucket: 1 })
        ])
        yield* store.finish("render", [end("ended")])
        const lost = yield* claimOf(store, 0)
        const claim = yield* claimOf(store, 0)
        const first = yield* scan(store, [claim], undefined)
        const dueAt = first.now + 7 * minute
        assert.deepStrictEqual(yield* store.save([saved("a", lost)]), [])
        assert.deepStrictEqual(
          yield* store.save([
            saved("a", claim, { dueAt }),
            saved("b", claim, { dueAt: dueAt + 1, key: "the key", since: '{"run":"r"}' }),
            saved("ended", claim),
            saved("elsewhere", claim),
            saved("missing", claim),
            saved("a", claim, { round: 2, token: "no" })
          ]),
          ["a", "b"]
        )
        assert.deepInclude(yield* get(store, "a"), { token: `{"token":"a"}`, dueAt, state: "pending" })
        assert.deepInclude(yield* get(store, "b"), {
          state: "pending",
          key: "the key",
          since: '{"run":"r"}',
          dueAt: dueAt + 1
        })
        assert.isNull((yield* get(store, "ended")).token)
        assert.deepStrictEqual(yield* store.save([]), [])
        // It is not read again until it comes within the horizon; if that has been read before, at once.
        const second = yield* scan(store, [claim], first.cursor)
        assert.deepStrictEqual(second.rows, [])
        yield* store.save([saved("a", claim, { dueAt: first.now })])
        assert.deepStrictEqual(idsOf((yield* scan(store, [claim], second.cursor)).rows), ["a"])
      })
    )
  )

  it.live("submitting - marks a row of the outbox once", () =>
    law(({ store }) =>
      Effect.gen(function* () {
        yield* store.insert([job("a", { state: "outbox", key: null }), job("pending")])
        const lost = yield* claimOf(store, 0)
        const claim = yield* claimOf(store, 0)
        const mark = (id: string, round = 1, by = claim) => store.submitting([{ id, round, claim: by }])
        assert.deepStrictEqual(yield* mark("a", 1, lost), [])
        assert.deepStrictEqual(yield* mark("a", 2), [])
        assert.deepStrictEqual(yield* mark("pending"), [])
        assert.deepStrictEqual(yield* mark("a"), ["a"])
        assert.deepStrictEqual(yield* mark("a"), [])
        assert.strictEqual((yield* get(store, "a")).state, "submitting")
        assert.deepStrictEqual(yield* store.save([saved("a", claim, { key: "k" })]), ["a"])
        assert.deepInclude(yield* get(store, "a"), { state: "pending", key: "k" })
        assert.deepStrictEqual(yield* store.submitting([]), [])
      })
    )
  )

  it.live("nudge - the next scan yields the row, even if it was due far ahead", () =>
    law(({ other, store }) =>
      Effect.gen(function* () {
        yield* store.insert([job("far", { delayMillis: 20 * minute }), job("near"), job("ended")])
        yield* store.finish("render", [end("ended")])
        const claim = yield* claimOf(store, 0)
        const first = yield* scan(store, [claim], undefined)
        const near = yield* get(store, "near")
        assert.isTrue(yield* other.nudge("render", "far"))
        assert.isTrue(yield* other.nudge("render", "near"))
        assert.isTrue(yield* other.nudge("render", "near"))
        assert.isFalse(yield* other.nudge("render", "ended"))
        assert.isFalse(yield* other.nudge("render", "missing"))
        assert.isFalse(yield* other.nudge("other", "near"))
        const { now, rows } = yield* scan(store, [claim], first.cursor)
        assert.deepStrictEqual(idsOf(rows), ["far", "near"])
        for (const row of rows) assert.isAtMost(row.dueAt, now)
        assert.deepInclude(yield* get(store, "near"), { nudges: 2, dueAt: near.dueAt })
      })
    )
  )

  it.live("beat, runners - yield the live runners, their buckets, and the number of orphans", () =>
    law(({ other, store }) =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* store.runners(minute, 8), { runners: [], orphans: 8 })
        yield* store.beat("one")
        yield* other.beat("two")
        yield* store.beat("one")
        const claims = yield* store.claim("one", [0, 1, 2])
        yield* other.claim("two", [2, 3, 9])
        yield* other.claim("dead", [4])
        const { orphans, runners } = yield* store.runners(minute, 8)
        assert.deepStrictEqual(
          new Map(runners.map(({ buckets, runner }) => [runner, buckets])),
          new Map([
            ["one", 2],
            ["two", 2]
          ])
        )
        for (const { silentMillis } of runners) {
          assert.isAtLeast(silentMillis, 0)
          assert.isBelow(silentMillis, minute)
        }
        assert.strictEqual(orphans, 4)
        yield* store.release(claims)
        assert.strictEqual((yield* store.runners(minute, 8)).orphans, 6)
        yield* Effect.sleep(30)
        const silent = (yield* store.runners(20, 8)).runners
        assert.deepStrictEqual(
          silent.filter(({ runner }) => runner === "one"),
          []
        )
      })
    )
  )

  it.live("scan, load - find the few rows that are due among many that are not", () =>
    law(({ store }) =>
      Effect.gen(function* () {
        const claim = yield* claimOf(store, 0)
        yield* store.insert(jobs(numbered(5_000), { delayMillis: 60 * minute }))
        const { cursor } = yield* scan(store, [claim], undefined)
        const due = Array.from({ length: 100 }, (_, index) => `due ${index}`)
        yield* store.insert(jobs(due))
        assert.deepStrictEqual(idsOf((yield* scan(store, [claim], cursor)).rows), due.toSorted())
        const page = yield* store.load({
          buckets: [0],
          kinds: ["render"],
          dueBefore: cursor.dueBefore,
          after: undefined,
          limit: 1_000
        })
        assert.deepStrictEqual(idsOf(page), due.toSorted())
      })
    )
  )
}
