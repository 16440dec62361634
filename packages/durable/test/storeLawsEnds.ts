import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import type { Change, Service } from "@effect-poll/durable/DurableStore"
import { claimOf, end, get, idsOf, job, jobs, type Make, minute, numbered, on, scan } from "./storeSubject.ts"

/** The laws of ends: a job ends once, ends are read in the order of the commits, and a job can begin again. */
export const endLaws = (make: Make): void => {
  const law = on(make)

  it.live("finish - stores an end found by a check, and one that was settled", () =>
    law(({ store }) =>
      Effect.gen(function* () {
        yield* store.insert([job("a", { token: "t" }), job("b"), job("c")])
        const claim = yield* claimOf(store, 0)
        assert.deepStrictEqual(
          yield* store.finish("render", [
            end("a", { claim, outcome: "JobFailed" }),
            end("missing"),
            end("b", { attempts: undefined })
          ]),
          ["ended", "late", "ended"]
        )
        const a = yield* get(store, "a")
        const b = yield* get(store, "b")
        assert.deepInclude(a, { state: "ended", token: null, key: "key of a" })
        assert.deepInclude(a.ended, { outcome: "JobFailed", ending: `{"of":"a"}`, by: "check", attempts: 3 })
        assert.deepInclude(b.ended, { outcome: "Succeeded", by: "settle", attempts: 0 })
        assert.isBelow(Math.abs(a.ended!.at - Date.now()), minute)
        assert.notStrictEqual(a.ended!.position, b.ended!.position)
        assert.strictEqual((yield* get(store, "c")).state, "pending")
        assert.deepStrictEqual(yield* store.finish("render", []), [])
      })
    )
  )

  it.live(
    "finish - late if the job has ended, was started again, is of another kind, or is repeated in the batch",
    () =>
      law(({ store }) =>
        Effect.gen(function* () {
          yield* store.insert([job("a"), job("b")])
          assert.deepStrictEqual(
            yield* store.finish("render", [end("a", { ending: "first" }), end("a", { ending: "second" })]),
            ["ended", "late"]
          )
          assert.deepStrictEqual(yield* store.finish("render", [end("a", { ending: "third" })]), ["late"])
          assert.strictEqual((yield* get(store, "a")).ended?.ending, "first")
          assert.deepStrictEqual(yield* store.finish("other", [end("b")]), ["late"])
          assert.deepStrictEqual(yield* store.finish("render", [end("b", { round: 2 })]), ["late"])
          yield* store.reopen("render", "a")
          assert.deepStrictEqual(yield* store.finish("render", [end("a"), end("a", { round: 2 })]), ["late", "ended"])
        })
      )
  )

  it.live("finish - fenced if the claim is lost, and the job does not end", () =>
    law(({ other, store }) =>
      Effect.gen(function* () {
        yield* store.insert([job("a"), job("b", { bucket: 1 }), job("ended")])
        yield* store.finish("render", [end("ended")])
        const [zero, one] = yield* store.claim("one", [0, 1])
        const [newer] = yield* other.claim("two", [0])
        assert.deepStrictEqual(
          yield* store.finish("render", [
            end("a", { claim: zero }),
            end("b", { claim: one }),
            end("ended", { claim: zero }),
            end("a", { claim: { bucket: 77, epoch: 1 } })
          ]),
          ["fenced", "ended", "fenced", "fenced"]
        )
        assert.strictEqual((yield* get(store, "a")).state, "pending")
        // The claim of another bucket does not do.
        assert.deepStrictEqual(yield* store.finish("render", [end("a", { claim: one })]), ["late"])
        assert.deepStrictEqual(yield* other.finish("render", [end("a", { claim: newer })]), ["ended"])
      })
    )
  )

  it.live("finish - 200 at once, by check and by settle, in batches and alone: each job ends once", () =>
    law(({ other, store }) =>
      Effect.gen(function* () {
        const ids = numbered(40)
        yield* store.insert(jobs(ids))
        const claim = yield* claimOf(store, 0)
        const results = yield* Effect.forEach(
          Array.from({ length: 200 }, (_, index) => index),
          (index) => {
            const one = index % 2 === 0 ? store : other
            const by = index % 3 === 0 ? undefined : claim
            // Batches overlap, in both directions.
            const batch = Array.from({ length: index % 5 === 0 ? 1 : 20 }, (_, n) => ids[(index * 7 + n) % ids.length]!)
            return Effect.map(
              one.finish(
                "render",
                (index % 4 < 2 ? batch : batch.toReversed()).map((id) => end(id, { claim: by, ending: `by ${index}` }))
              ),
              (finished) => ({
                index,
                ended: (index % 4 < 2 ? batch : batch.toReversed()).filter((_, n) => finished[n] === "ended"),
                finished
              })
            )
          },
          { concurrency: "unbounded" }
        )
        const winners = results.flatMap(({ ended, index }) => ended.map((id) => [id, `by ${index}`] as const))
        assert.deepStrictEqual(winners.map(([id]) => id).toSorted(), ids)
        assert.isTrue(results.every(({ finished }) => finished.every((one) => one !== "fenced")))
        const rows = yield* store.find("render", ids)
        assert.deepStrictEqual(new Map(rows.map((row) => [row.id, row.ended!.ending])), new Map(winners))
        assert.strictEqual(new Set(rows.map((row) => row.ended!.position)).size, ids.length)
      })
    )
  )

  it.live("finish, claim - concurrently: only the newest claim ends jobs", () =>
    law(({ other, store }) =>
      Effect.gen(function* () {
        const ids = numbered(400)
        yield* store.insert(jobs(ids))
        let newest = yield* claimOf(store, 0, "one")
        const endings = yield* Effect.forEach(
          ids,
          (id, index) =>
            Effect.gen(function* () {
              if (index % 10 === 0) newest = yield* claimOf(other, 0, `runner ${index}`)
              const claim = newest
              const [finished] = yield* store.finish("render", [end(id, { claim, ending: String(claim.epoch) })])
              return { id, finished, epoch: claim.epoch }
            }),
          { concurrency: 20 }
        )
        const rows = new Map((yield* store.find("render", ids)).map((row) => [row.id, row]))
        for (const { epoch, finished, id } of endings) {
          assert.strictEqual(finished === "ended", rows.get(id)!.ended?.ending === String(epoch))
        }
        // Epochs never go back along the positions.
        const epochs = (yield* store.ended("render", 0, 1_000)).map((row) => Number(row.ended!.ending))
        assert.deepStrictEqual(
          epochs,
          epochs.toSorted((a, b) => a - b)
        )
        assert.isAbove(epochs.length, 0)
      })
    )
  )

  it.live("ended, position - yield the ends of one kind, in order and in pages", () =>
    law(({ store }) =>
      Effect.gen(function* () {
        assert.strictEqual(yield* store.position("render"), 0)
        assert.deepStrictEqual(yield* store.ended("render", 0, 10), [])
        yield* store.insert([...jobs(["c", "a", "b"]), job("x", { kind: "other" })])
        yield* store.finish("render", [end("c")])
        yield* store.finish("other", [end("x")])
        const newest = yield* store.position("render")
        yield* store.finish("render", [end("a")])
        yield* store.finish("render", [end("b")])
        const [first, second] = yield* store.ended("render", 0, 2)
        assert.deepStrictEqual([first!.id, second!.id], ["c", "a"])
        assert.strictEqual(first!.ended!.position, newest)
        const rest = yield* store.ended("render", second!.ended!.position, 2)
        assert.deepStrictEqual(idsOf(rest), ["b"])
        assert.strictEqual(rest[0]!.ended!.position, yield* store.position("render"))
      })
    )
  )

  it.live("ended - a reader that follows concurrent writers sees each end once", () =>
    law(({ other, store }) =>
      Effect.gen(function* () {
        const ids = numbered(600)
        yield* store.insert(jobs(ids))
        const seen: Array<string> = []
        let position = 0
        const reader = yield* Effect.forkChild(
          Effect.gen(function* () {
            while (seen.length < ids.length) {
              const rows = yield* other.ended("render", position, 50)
              for (const row of rows) {
                assert.isAbove(row.ended!.position, position)
                position = row.ended!.position
                seen.push(row.id)
              }
              yield* Effect.yieldNow
            }
          }).pipe(Effect.timeout("30 seconds"))
        )
        yield* Effect.forEach(
          Array.from({ length: 60 }, (_, index) => ids.slice(index * 10, index * 10 + 10)),
          (part, index) =>
            (index % 2 === 0 ? store : other).finish(
              "render",
              part.map((id) => end(id))
            ),
          { concurrency: 8 }
        )
        yield* Fiber.join(reader)
        assert.deepStrictEqual(seen.toSorted(), ids)
      })
    )
  )

  it.live("reopen - starts an ended wait again, and does not change an open one", () =>
    law(({ store }) =>
      Effect.gen(function* () {
        yield* store.insert([
          job("a", { token: "t", tags: ["x"], since: "s" }),
          job("b", { state: "outbox", key: null, input: "i" })
        ])
        const claim = yield* claimOf(store, 0)
        assert.isUndefined(yield* store.reopen("render", "missing"))
        assert.isUndefined(yield* store.reopen("other", "a"))
        assert.deepStrictEqual(yield* store.reopen("render", "a"), yield* get(store, "a"))
        yield* store.finish("render", [end("a"), end("b")])
        const first = yield* scan(store, [claim], undefined)
        yield* Effect.sleep(2)
        const again = yield* store.reopen("render", "a")
        assert.deepStrictEqual(again, yield* get(store, "a"))
        assert.deepInclude(again, { state: "pending", round: 2, token: null, ended: null, key: "key of a" })
        assert.deepInclude(again, { tags: ["x"], since: "s" })
        assert.strictEqual(again!.deadlineAt, again!.createdAt + 10 * minute)
        assert.isAbove(again!.createdAt, first.now)
        assert.deepInclude(yield* store.reopen("render", "b"), { state: "outbox", round: 2, input: "i" })
        assert.deepStrictEqual(idsOf((yield* scan(store, [claim], first.cursor)).rows), ["a", "b"])
        assert.deepStrictEqual(yield* store.ended("render", 0, 10), [])
        assert.deepStrictEqual(
          yield* Effect.map(
            Effect.forEach([1, 2, 3], () => store.reopen("render", "a"), { concurrency: 3 }),
            (rows) => rows.map((row) => row?.round)
          ),
          [2, 2, 2]
        )
      })
    )
  )

  it.live("reopen - concurrently: an ended wait is started again once", () =>
    law(({ other, store }) =>
      Effect.gen(function* () {
        yield* store.insert([job("a")])
        yield* store.finish("render", [end("a")])
        const rows = yield* Effect.forEach(
          Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? store : other)),
          (one) => one.reopen("render", "a"),
          { concurrency: "unbounded" }
        )
        assert.deepStrictEqual(new Set(rows.map((row) => row?.round)), new Set([2]))
      })
    )
  )

  const hooksOf = (store: Service, over: { readonly buckets?: ReadonlyArray<number>; readonly limit?: number } = {}) =>
    Effect.map(store.hooked({ kinds: ["render"], limit: 100, ...over }), (hooked) =>
      hooked.map(({ hook, row }) => `${row.id} ${hook}`).toSorted()
    )

  it.live(
    "hooks - are due once, after the end, whether they were added by the insert, before the end or after it",
    () =>
      law(({ other, store }) =>
        Effect.gen(function* () {
          yield* store.insert([job("a", { hooks: ["insert"] }), job("b", { hooks: ["insert"], bucket: 1 })])
          assert.isTrue(yield* store.hook("render", "a", "before"))
          assert.isTrue(yield* other.hook("render", "a", "before"))
          assert.isFalse(yield* store.hook("render", "missing", "before"))
          assert.isFalse(yield* store.hook("other", "a", "before"))
          yield* store.insert([job("a", { hooks: ["insert", "second insert"] })])
          assert.deepStrictEqual(yield* hooksOf(store), [])
          yield* store.finish("render", [end("a"), end("b")])
          assert.deepStrictEqual(yield* hooksOf(store), ["a before", "a insert", "a second insert", "b insert"])
          assert.deepStrictEqual(yield* hooksOf(store, { buckets: [1, 2] }), ["b insert"])
          assert.deepStrictEqual(yield* hooksOf(store, { buckets: [] }), [])
          assert.strictEqual((yield* hooksOf(store, { limit: 3 })).length, 3)
          assert.deepStrictEqual(yield* store.hooked({ kinds: ["other"], limit: 10 }), [])
          const inPages: Array<string> = []
          let after: { readonly id: string; readonly hook: string } | undefined
          for (let page = 0; page < 5; page++) {
            const [found] = yield* store.hooked({ kinds: ["render"], after, limit: 1 })
            if (found === undefined) break
            after = { id: found.row.id, hook: found.hook }
            inPages.push(`${after.id} ${after.hook}`)
          }
          assert.deepStrictEqual(inPages, ["a before", "a insert", "a second insert", "b insert"])
          yield* store.unhook(["insert", "before", "second insert"].map((hook) => ({ id: "a", hook, round: 1 })))
          yield* store.unhook([])
          assert.deepStrictEqual(yield* hooksOf(store), ["b insert"])
          // One that was given is not given again by a repeated insert; any other is due at once.
          yield* store.insert([job("a", { hooks: ["insert"] }), job("a", { hooks: ["third"] })])
          assert.isTrue(yield* store.hook("render", "a", "after"))
          assert.deepStrictEqual(yield* hooksOf(store), ["a after", "a third", "b insert"])
        })
      )
  )

  it.live("hooks - of a wait that is started again are those of the new round, and those not delivered yet", () =>
    law(({ store }) =>
      Effect.gen(function* () {
        yield* store.insert([job("a", { hooks: ["first", "left"] })])
        yield* store.finish("render", [end("a")])
        yield* store.unhook([{ id: "a", hook: "first", round: 1 }])
        yield* store.reopen("render", "a", ["again"])
        assert.deepStrictEqual(yield* hooksOf(store), [])
        yield* store.finish("render", [end("a", { round: 2 })])
        assert.deepStrictEqual(yield* hooksOf(store), ["a again", "a left"])
        yield* store.unhook(["again", "left"].map((hook) => ({ id: "a", hook, round: 2 })))
        assert.deepStrictEqual(yield* hooksOf(store), [])
      })
    )
  )

  it.live("unhook - that comes after a later end does not remove the hook of that end", () =>
    law(({ store }) =>
      Effect.gen(function* () {
        yield* store.insert([job("a", { hooks: ["told", "other"] })])
        yield* store.finish("render", [end("a")])
        yield* store.reopen("render", "a", ["told"])
        yield* store.finish("render", [end("a", { round: 2 })])
        yield* store.unhook(["told", "other"].map((hook) => ({ id: "a", hook, round: 1 })))
        assert.deepStrictEqual(yield* hooksOf(store), ["a told"])
        yield* store.unhook([{ id: "a", hook: "told", round: 2 }])
        assert.deepStrictEqual(yield* hooksOf(store), [])
      })
    )
  )

  it.live("hook - added concurrently with the end: it is due in any order", () =>
    law(({ other, store }) =>
      Effect.gen(function* () {
        const ids = numbered(100)
        yield* store.insert(jobs(ids))
        yield* Effect.forEach(
          ids,
          (id) => Effect.all([store.finish("render", [end(id)]), other.hook("render", id, "h")], { concurrency: 2 }),
          { concurrency: 10 }
        )
        assert.deepStrictEqual(
          yield* hooksOf(store),
          ids.map((id) => `${id} h`)
        )
      })
    )
  )

  it.live("changes - have the operations of this store at once", () =>
    law(({ store }) =>
      Effect.gen(function* () {
        const told = yield* Queue.unbounded<Change>()
        yield* Effect.forkScoped(Stream.runForEach(store.changes, (change) => Queue.offer(told, change)))
        // A reader that subscribes late gets no earlier changes.
        yield* Effect.sleep(50)
        yield* Queue.clear(told)
        const next = Effect.timeout(Queue.take(told), "30 seconds")
        yield* store.insert([job("a", { hooks: ["h"] })])
        assert.strictEqual(yield* next, "submitted")
        yield* store.insert([job("a")])
        yield* store.finish("render", [end("a", { claim: yield* claimOf(store, 0) })])
        assert.strictEqual(yield* next, "ended")
        yield* store.finish("render", [end("a")])
        yield* store.reopen("render", "a")
        assert.strictEqual(yield* next, "submitted")
        yield* store.nudge("render", "a")
        assert.strictEqual(yield* next, "submitted")
        yield* store.finish("render", [end("a", { round: 2 })])
        assert.deepStrictEqual(yield* next, { settled: [{ id: "a", round: 2 }] })
        yield* store.hook("render", "a", "late")
        assert.strictEqual(yield* next, "ended")
        assert.strictEqual(yield* Queue.size(told), 0)
      })
    )
  )
}
