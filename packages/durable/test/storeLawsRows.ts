import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { claimOf, end, get, idsOf, job, jobs, type Make, minute, numbered, on } from "./storeSubject.ts"

/** What texts may hold. */
const odd = ["nul \0 inside", "half a \ud83d", '"quoted"', "\\u0000", "ünï-🦆", "'; DROP TABLE jobs; --", ""]

/** The laws of rows: they are stored once, found, listed, counted and removed. */
export const rowLaws = (make: Make): void => {
  const law = on(make)

  it.live("insert - stores a wait with the times of the store", () =>
    law(({ store }) =>
      Effect.gen(function* () {
        const before = Date.now()
        const inserted = yield* store.insert([
          job("a", {
            token: `{"t":1}`,
            input: "in",
            since: `{"generation":2}`,
            idempotencyKey: "once",
            tags: ["x", "y"],
            delayMillis: 1_500,
            bucket: 7
          })
        ])
        assert.deepStrictEqual(inserted, [{ id: "a", isNew: true }])
        const row = yield* get(store, "a")
        assert.isAtLeast(row.createdAt, before - 1)
        assert.isAtMost(row.createdAt, Date.now() + 1)
        assert.deepStrictEqual(row, {
          id: "a",
          kind: "render",
          key: "key of a",
          bucket: 7,
          state: "pending",
          since: `{"generation":2}`,
          round: 1,
          createdAt: row.createdAt,
          deadlineAt: row.createdAt + 10 * minute,
          deadlineMillis: 10 * minute,
          dueAt: row.createdAt + 1_500,
          nudges: 0,
          token: `{"t":1}`,
          input: "in",
          idempotencyKey: "once",
          tags: ["x", "y"],
          ended: null
        })
      })
    )
  )

  it.live("insert - an unbounded wait of the outbox", () =>
    law(({ store }) =>
      Effect.gen(function* () {
        yield* store.insert([job("a", { deadlineMillis: null, key: null, state: "outbox" })])
        const row = yield* get(store, "a")
        assert.strictEqual(row.since, null)
        assert.deepInclude(row, { deadlineAt: null, deadlineMillis: null, key: null, state: "outbox" })
      })
    )
  )

  it.live("insert - an id is stored once, even within one batch, and its row is kept", () =>
    law(({ other, store }) =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* store.insert([job("b"), job("a"), job("b", { key: "again" })]), [
          { id: "b", isNew: true },
          { id: "a", isNew: true },
          { id: "b", isNew: false }
        ])
        assert.deepStrictEqual(yield* other.insert([job("c"), job("b", { key: "later" })]), [
          { id: "c", isNew: true },
          { id: "b", isNew: false }
        ])
        assert.strictEqual((yield* get(store, "b")).key, "key of b")
        assert.deepStrictEqual(yield* store.insert([]), [])
      })
    )
  )

  it.live("insert - concurrently by two clients: each id is new for one of them", () =>
    law(({ other, store }) =>
      Effect.gen(function* () {
        const ids = numbered(300)
        const results = yield* Effect.forEach(
          [store, other, store, other],
          (one, index) => one.insert(jobs(index % 2 === 0 ? ids : ids.toReversed(), { hooks: [`hook ${index}`] })),
          { concurrency: "unbounded" }
        )
        const fresh = results.flat().filter(({ isNew }) => isNew)
        assert.deepStrictEqual(idsOf(fresh), ids)
        assert.strictEqual((yield* store.find("render", ids)).length, 300)
      })
    )
  )

  it.live("insert - 2,500 rows are stored", () =>
    law(({ store }) =>
      Effect.gen(function* () {
        const inserted = yield* store.insert(jobs(numbered(2_500)))
        assert.isTrue(inserted.every(({ isNew }) => isNew))
        assert.deepStrictEqual(
          inserted.map(({ id }) => id),
          numbered(2_500)
        )
        assert.strictEqual((yield* store.stats)[0]?.open["pending"], 2_500)
      })
    )
  )

  it.live("texts - are preserved, whatever characters they contain", () =>
    law(({ store }) =>
      Effect.gen(function* () {
        const rows = odd.map((text, index) =>
          job(`id ${index} ${text}`, {
            kind: `kind ${text}`,
            key: text,
            token: text,
            input: text,
            idempotencyKey: text,
            tags: [text, "other"],
            hooks: [text]
          })
        )
        yield* store.insert(rows)
        for (const [index, text] of odd.entries()) {
          const kind = `kind ${text}`
          const id = `id ${index} ${text}`
          const row = yield* get(store, id, kind)
          assert.deepInclude(row, { id, kind, key: text, token: text, input: text, idempotencyKey: text })
          assert.deepStrictEqual(row.tags, [text, "other"])
          assert.deepStrictEqual(idsOf(yield* store.list({ kind, tag: text })), [id])
          const claim = yield* claimOf(store, 0, text)
          assert.deepStrictEqual(yield* store.save([{ id, round: 1, claim, token: `again ${text}`, dueAt: 5 }]), [id])
          assert.deepStrictEqual(yield* store.finish(kind, [end(id, { outcome: `outcome ${text}`, ending: text })]), [
            "ended"
          ])
          assert.deepInclude((yield* get(store, id, kind)).ended, { outcome: `outcome ${text}`, ending: text })
          const hooked = yield* store.hooked({ kinds: [kind], limit: 10 })
          assert.deepStrictEqual(
            hooked.map(({ hook, row }) => [hook, row.id]),
            [[text, id]]
          )
          yield* store.unhook([{ id, hook: text, round: 1 }])
          assert.deepStrictEqual(yield* store.hooked({ kinds: [kind], limit: 10 }), [])
          yield* store.pause(kind, true)
          assert.isTrue((yield* store.stats).find((one) => one.kind === kind)?.paused)
        }
      })
    )
  )

  it.live("find - yields the rows that there are, of the kind", () =>
    law(({ store }) =>
      Effect.gen(function* () {
        yield* store.insert([job("a"), job("b"), job("c", { kind: "other" })])
        assert.deepStrictEqual(idsOf(yield* store.find("render", ["b", "c", "missing", "a", "a"])), ["a", "b"])
        assert.deepStrictEqual(yield* store.find("render", []), [])
      })
    )
  )

  it.live("list - finds a tag, and no part of one", () =>
    law(({ store }) =>
      Effect.gen(function* () {
        const others = [['x"a'], ['"a"'], ['x"a"y'], ["[a"], ["x,", "b"], ["x[", "b"], ['\\"a']]
        yield* store.insert(others.map((tags, index) => job(`other-${index}`, { tags })))
        for (const tag of ["a", ",", '"', "]", "\\", ...odd]) {
          assert.deepStrictEqual(yield* store.list({ tag }), [], tag)
          yield* store.insert([job(`with ${tag}`, { tags: ["first", tag] })])
          assert.deepStrictEqual(idsOf(yield* store.list({ tag })), [`with ${tag}`], tag)
        }
      })
    )
  )

  it.live("list - by kind, state, outcome, tag and age, in pages", () =>
    law(({ store }) =>
      Effect.gen(function* () {
        yield* store.insert([
          job("d", { tags: ["red"] }),
          job("b", { tags: ['a"red', ',"red'], state: "outbox", key: null }),
          job("c", { tags: ["blue", "red"], kind: "other" }),
          job("a")
        ])
        yield* store.finish("render", [end("a", { outcome: "JobFailed" })])
        const list = (filter: Parameters<typeof store.list>[0]) => Effect.map(store.list(filter), idsOf)
        assert.deepStrictEqual(yield* list({}), ["a", "b", "c", "d"])
        assert.deepStrictEqual(yield* list({ kind: "render" }), ["a", "b", "d"])
        assert.deepStrictEqual(yield* list({ state: "open" }), ["b", "c", "d"])
        assert.deepStrictEqual(yield* list({ state: "outbox" }), ["b"])
        assert.deepStrictEqual(yield* list({ state: "ended" }), ["a"])
        assert.deepStrictEqual(yield* list({ outcome: "JobFailed" }), ["a"])
        assert.deepStrictEqual(yield* list({ outcome: "Succeeded" }), [])
        assert.deepStrictEqual(yield* list({ tag: "red" }), ["c", "d"])
        assert.deepStrictEqual(yield* list({ tag: "red", kind: "render" }), ["d"])
        assert.deepStrictEqual(yield* list({ olderThanMillis: minute }), [])
        assert.deepStrictEqual(yield* list({ olderThanMillis: -minute }), ["a", "b", "c", "d"])

        const [first, second] = yield* store.list({ limit: 2 })
        const rest = yield* store.list({ after: { createdAt: second!.createdAt, id: second!.id } })
        assert.deepStrictEqual(idsOf([first!, second!, ...rest]), ["a", "b", "c", "d"])
        assert.strictEqual(rest.length, 2)
      })
    )
  )

  it.live("list - yields rows in the order of createdAt and id, by default 100", () =>
    law(({ store }) =>
      Effect.gen(function* () {
        yield* store.insert(jobs(numbered(120).toReversed()))
        const rows = yield* store.list({})
        assert.deepStrictEqual(
          rows.map(({ id }) => id),
          numbered(100)
        )
      })
    )
  )

  it.live("stats - counts by kind, state and outcome", () =>
    law(({ store }) =>
      Effect.gen(function* () {
        yield* store.insert([job("a"), job("b"), job("c", { state: "outbox" }), job("d"), job("e", { kind: "other" })])
        yield* store.finish("render", [end("a"), end("d", { outcome: "JobFailed" })])
        yield* store.pause("other", true)
        yield* store.pause("third", true)
        const stats = yield* store.stats
        assert.deepStrictEqual(
          stats.map(({ oldestMillis: _, ...one }) => one),
          [
            { kind: "other", open: { pending: 1 }, ended: {}, paused: true },
            { kind: "render", open: { outbox: 1, pending: 1 }, ended: { JobFailed: 1, Succeeded: 1 }, paused: false },
            { kind: "third", open: {}, ended: {}, paused: true }
          ]
        )
        assert.isAtLeast(stats[1]!.oldestMillis!, 0)
        assert.isBelow(stats[1]!.oldestMillis!, minute)
        assert.isNull(stats[2]!.oldestMillis)
        yield* store.pause("third", false)
        yield* store.pause("third", false)
        assert.strictEqual((yield* store.stats).length, 2)
      })
    )
  )

  it.live("prune - removes the oldest ended rows of a kind, at most as many as allowed, with their hooks", () =>
    law(({ store }) =>
      Effect.gen(function* () {
        yield* store.insert([...jobs(["a", "b", "c", "open"], { hooks: ["h"] }), job("other", { kind: "other" })])
        yield* store.finish("other", [end("other")])
        for (const id of ["b", "a", "c"]) yield* store.finish("render", [end(id)])
        assert.strictEqual(yield* store.prune("render", minute, 10), 0)
        assert.strictEqual(yield* store.prune("render", -minute, 2), 2)
        assert.deepStrictEqual(idsOf(yield* store.list({})), ["c", "open", "other"])
        assert.deepStrictEqual(
          (yield* store.hooked({ kinds: ["render"], limit: 10 })).map(({ row }) => row.id),
          ["c"]
        )
        assert.strictEqual(yield* store.prune("render", -minute, 2), 1)
        assert.strictEqual(yield* store.prune("render", -minute, 2), 0)
        assert.deepStrictEqual(yield* store.insert([job("a")]), [{ id: "a", isNew: true }])
      })
    )
  )
}
