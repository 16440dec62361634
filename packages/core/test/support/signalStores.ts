import { createHash } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as SignalCrypto from "effect-poll/SignalCrypto"
import type * as SignalRow from "effect-poll/SignalRow"
import * as SignalStore from "effect-poll/SignalStore"

type Row = SignalRow.SignalRow

/** A digest that takes no real time, which the test clock would not wait for. */
export const digest = SignalCrypto.layer({
  sha256: (data) => Effect.sync(() => new Uint8Array(createHash("sha256").update(data).digest()))
})

let rows = 0

/** The row of a new signal, open from 1,000 to 2,000 unless stated otherwise. */
export const rowOf = (overrides: Partial<Row> = {}): Row => {
  const expiresAt = overrides.expiresAt ?? 2_000
  return {
    hash: (++rows).toString(16).padStart(64, "0"),
    job: "review",
    key: `key-${rows}`,
    tags: [],
    createdAt: 1_000,
    expiresAt,
    heartbeatMillis: null,
    closesAt: expiresAt,
    endedAt: null,
    ending: null,
    ...overrides
  }
}

export const succeeded = (value: unknown): SignalRow.Settlement => ({ _tag: "Succeeded", value })

const race = 200

const indices = Array.from({ length: race }, (_, index) => index)

const atOnce = { concurrency: "unbounded" } as const

/** Texts that stores, formats and languages trip over. */
const oddTexts = [
  "__proto__",
  "constructor",
  "toString",
  "a/b%c_d",
  "it's",
  '"quoted"',
  '"',
  "back\\slash",
  "\0",
  "a\0b",
  "\uD800",
  "\uD800x",
  "é",
  "e\u0301",
  "🙂",
  "Case",
  "case",
  " ",
  "line\nbreak",
  "x".repeat(100_000)
]

/** What every store of signals must do. `layer` makes a new store, with a retention of 10 seconds. */
export const conformance = <E>(layer: Effect.Effect<Layer.Layer<SignalStore.SignalStore, E>>): void => {
  const test = (title: string, body: (store: SignalStore.Service) => Effect.Effect<void, unknown>): void =>
    it.effect(title, () =>
      Effect.gen(function* () {
        const provided = yield* layer
        yield* Effect.provide(Effect.flatMap(SignalStore.SignalStore, body), provided)
      })
    )

  describe("getMany", () => {
    test("getMany - yields the rows that there are, if the store reads many at once", (store) =>
      Effect.gen(function* () {
        if (store.getMany === undefined) return
        const all = Array.from({ length: 499 }, () => rowOf())
        for (const row of all) yield* store.insert(row, "fail")
        const found = yield* store.getMany([rowOf().hash, ...all.map(({ hash }) => hash)])
        assert.deepStrictEqual(
          found.toSorted((one, other) => (one.hash < other.hash ? -1 : 1)),
          all
        )
      }))
  })

  describe("insert", () => {
    test("insert - yields a row as it was stored", (store) =>
      Effect.gen(function* () {
        const row = rowOf({ tags: ["legal", "eu"], heartbeatMillis: 100, closesAt: 1_100 })
        assert.strictEqual(yield* store.insert(row, "fail"), "inserted")
        assert.deepStrictEqual(yield* store.get(row.hash), row)
        assert.deepStrictEqual(yield* store.newest(row.job, row.key), row)
        assert.isUndefined(yield* store.get(rowOf().hash))
        assert.isUndefined(yield* store.newest(row.job, "another"))
        assert.isUndefined(yield* store.newest("another", row.key))
      }))

    test("insert - leaves one of 200 concurrent signals for a job open [R68]", (store) =>
      Effect.gen(function* () {
        const all = indices.map(() => rowOf({ key: "same" }))
        const answers = yield* Effect.forEach(all, (row) => store.insert(row, "fail"), atOnce)
        const inserted = all.filter((_, index) => answers[index] === "inserted")
        assert.strictEqual(inserted.length, 1)
        assert.deepStrictEqual(yield* store.list({ state: "open" }, 1_000), inserted)
        for (const answer of answers) if (answer !== "inserted") assert.strictEqual(answer.hash, inserted[0]!.hash)
      }))

    test("insert - leaves one of 200 concurrent replacements open and ends the others [R68]", (store) =>
      Effect.gen(function* () {
        const all = indices.map(() => rowOf({ key: "same" }))
        const answers = yield* Effect.forEach(all, (row) => store.insert(row, "replace"), atOnce)
        assert.isTrue(answers.every((answer) => answer === "inserted"))
        const open = yield* store.list({ state: "open" }, 1_000)
        assert.strictEqual(open.length, 1)
        assert.deepStrictEqual(yield* store.newest("review", "same"), open[0])
        const ended = yield* store.list({ state: "ended" }, 1_000)
        assert.strictEqual(ended.length, race - 1)
        assert.isTrue(ended.every((row) => row.ending?._tag === "Replaced" && row.endedAt === 1_000))
      }))

    test("insert - is not held up by a signal that has ended or is due to expire", (store) =>
      Effect.gen(function* () {
        const first = rowOf({ key: "same" })
        const second = rowOf({ key: "same", createdAt: 1_500 })
        const third = rowOf({ key: "same", createdAt: 2_000, expiresAt: 3_000 })
        assert.strictEqual(yield* store.insert(first, "fail"), "inserted")
        assert.strictEqual(yield* store.settle(first.hash, succeeded(1), 1_500), "settled")
        assert.strictEqual(yield* store.insert(second, "fail"), "inserted")
        assert.strictEqual(yield* store.insert(third, "fail"), "inserted")
        const expired = (yield* store.get(second.hash))!
        assert.deepStrictEqual([expired.ending, expired.endedAt], [{ _tag: "Expired", reason: "maxWaitTime" }, 2_000])
        assert.strictEqual((yield* store.newest("review", "same"))!.hash, third.hash)
      }))

    test("insert - refuses a hash that is taken", (store) =>
      Effect.gen(function* () {
        const row = rowOf()
        yield* store.insert(row, "fail")
        for (const onConflict of ["fail", "replace"] as const) {
          const exit = yield* Effect.exit(store.insert({ ...row, key: "another" }, onConflict))
          assert.isTrue(Exit.isFailure(exit))
        }
        assert.deepStrictEqual(yield* store.get(row.hash), row)
      }))

    test("insert - keeps jobs, keys and tags of any text apart", (store) =>
      Effect.gen(function* () {
        const all = oddTexts.flatMap((text) => [
          rowOf({ key: text, tags: [text] }),
          rowOf({ job: text, key: "plain", tags: [`${text}!`] })
        ])
        for (const row of all) assert.strictEqual(yield* store.insert(row, "fail"), "inserted", row.key)
        for (const row of all) {
          assert.deepStrictEqual(yield* store.newest(row.job, row.key), row)
          assert.deepStrictEqual(yield* store.list({ tag: row.tags[0] }, 1_000), [row])
        }
        for (const text of oddTexts) assert.strictEqual((yield* store.list({ job: text }, 1_000)).length, 1)
      }))
  })

  describe("settle", () => {
    test("settle - records one of 200 concurrent endings [R68]", (store) =>
      Effect.gen(function* () {
        const row = rowOf()
        yield* store.insert(row, "fail")
        const answers = yield* Effect.forEach(indices, (n) => store.settle(row.hash, succeeded(n), 1_500), atOnce)
        const winners = indices.filter((n) => answers[n] === "settled")
        assert.strictEqual(winners.length, 1)
        const ended = { ...row, endedAt: 1_500, ending: succeeded(winners[0]) }
        assert.deepStrictEqual(yield* store.get(row.hash), ended)
        for (const answer of answers) if (answer !== "settled") assert.deepStrictEqual(answer, ended)
      }))

    test("settle - stores any JSON as it is", (store) =>
      Effect.gen(function* () {
        const values = [
          null,
          "",
          "\0\uD800",
          0.1,
          -0.5,
          [],
          {},
          JSON.parse('{"__proto__":{"a":1},"constructor":[null]}')
        ]
        for (const value of values) {
          const row = rowOf()
          yield* store.insert(row, "fail")
          const ending: SignalRow.Settlement = { _tag: "Failed", failure: value }
          assert.strictEqual(yield* store.settle(row.hash, ending, 1_500), "settled")
          assert.deepStrictEqual((yield* store.get(row.hash))!.ending, ending)
        }
      }))

    test("settle - does not end a signal that is due to expire, nor afterwards by an earlier time [R70]", (store) =>
      Effect.gen(function* () {
        const row = rowOf()
        yield* store.insert(row, "fail")
        const expired = { ...row, endedAt: 2_000, ending: { _tag: "Expired", reason: "maxWaitTime" } as const }
        assert.deepStrictEqual(yield* store.settle(row.hash, succeeded(1), 2_000), expired)
        assert.deepStrictEqual(yield* store.settle(row.hash, succeeded(1), 1_500), expired)
        assert.deepStrictEqual(yield* store.touch(row.hash, 1_500), expired)
        assert.deepStrictEqual(yield* store.get(row.hash), expired)
      }))

    test("settle - ends a signal just before it expires", (store) =>
      Effect.gen(function* () {
        const row = rowOf()
        yield* store.insert(row, "fail")
        assert.strictEqual(yield* store.settle(row.hash, { _tag: "Canceled", reason: "why" }, 1_999), "settled")
        assert.deepStrictEqual((yield* store.expire(row.hash, 9_999))!.ending, { _tag: "Canceled", reason: "why" })
      }))

    test("settle - knows no signal that there is not", (store) =>
      Effect.gen(function* () {
        for (const hash of [rowOf().hash, "", "__proto__"]) {
          assert.isUndefined(yield* store.settle(hash, succeeded(1), 1_500))
          assert.isUndefined(yield* store.touch(hash, 1_500))
          assert.isUndefined(yield* store.expire(hash, 1_500))
          assert.isUndefined(yield* store.get(hash))
        }
      }))

    test("settle - and a replacement at the same time agree on how the signal ended [R68]", (store) =>
      Effect.gen(function* () {
        for (let round = 0; round < 50; round++) {
          const old = rowOf({ key: "same", createdAt: 1_000, expiresAt: 2_000 })
          yield* store.insert(old, "replace")
          const next = rowOf({ key: "same", createdAt: 1_000, expiresAt: 2_000 })
          const settle = store.settle(old.hash, succeeded(round), 1_000)
          const replace = store.insert(next, "replace")
          const [first, second] =
            round % 2 === 0
              ? yield* Effect.all([settle, replace], atOnce)
              : (yield* Effect.all([replace, settle], atOnce)).toReversed()
          const ended = (yield* store.get(old.hash))!
          assert.strictEqual(second, "inserted")
          assert.strictEqual(ended.ending?._tag, first === "settled" ? "Succeeded" : "Replaced")
          assert.isNull((yield* store.get(next.hash))!.ending)
        }
      }))
  })

  describe("touch", () => {
    test("touch - moves the time at which the signal closes, but not beyond its expiry [R70]", (store) =>
      Effect.gen(function* () {
        const row = rowOf({ heartbeatMillis: 300, closesAt: 1_300 })
        yield* store.insert(row, "fail")
        assert.strictEqual(yield* store.touch(row.hash, 1_299), "touched")
        assert.strictEqual((yield* store.get(row.hash))!.closesAt, 1_599)
        assert.strictEqual(yield* store.touch(row.hash, 1_500), "touched")
        assert.strictEqual(yield* store.touch(row.hash, 1_790), "touched")
        assert.deepStrictEqual(yield* store.get(row.hash), { ...row, closesAt: 2_000 })
        const late = (yield* store.touch(row.hash, 2_000)) as Row
        assert.deepStrictEqual(late.ending, { _tag: "Expired", reason: "maxWaitTime" })
      }))

    test("touch - comes too late after a missed heartbeat [R70]", (store) =>
      Effect.gen(function* () {
        const row = rowOf({ heartbeatMillis: 300, closesAt: 1_300 })
        yield* store.insert(row, "fail")
        const missed = { ...row, endedAt: 1_300, ending: { _tag: "Expired", reason: "heartbeat" } as const }
        assert.deepStrictEqual(yield* store.touch(row.hash, 1_300), missed)
        assert.deepStrictEqual(yield* store.settle(row.hash, succeeded(1), 1_200), missed)
      }))

    test("touch - changes nothing without a heartbeat", (store) =>
      Effect.gen(function* () {
        const row = rowOf()
        yield* store.insert(row, "fail")
        assert.strictEqual(yield* store.touch(row.hash, 1_999), "touched")
        assert.deepStrictEqual(yield* store.get(row.hash), row)
      }))
  })

  describe("list", () => {
    test("list - finds a tag, and no part of one", (store) =>
      Effect.gen(function* () {
        const others = [['x"a'], ['"a"'], ['x"a"y'], ["[a"], ["x,", "b"], ["x[", "b"], ['\\"a']]
        for (const [index, tags] of others.entries()) yield* store.insert(rowOf({ key: `${index}`, tags }), "fail")
        for (const tag of ["a", ",", '"', "]", "\\", ""]) {
          assert.deepStrictEqual(yield* store.list({ tag }, 1_000), [], tag)
          const row = rowOf({ key: `with ${tag}`, tags: ["first", tag] })
          yield* store.insert(row, "fail")
          assert.deepStrictEqual(yield* store.list({ tag }, 1_000), [row], tag)
        }
      }))

    test("list - yields the rows that all conditions describe, the oldest first", (store) =>
      Effect.gen(function* () {
        const late = rowOf({ tags: ["a", "b"], createdAt: 1_200 })
        const early = rowOf({ tags: ["a"], createdAt: 1_100 })
        const due = rowOf({ tags: ["a"], createdAt: 1_000, expiresAt: 1_250 })
        const other = rowOf({ job: "payment", tags: ["A", "ab"], createdAt: 1_300 })
        for (const row of [late, early, due, other]) yield* store.insert(row, "fail")
        const listed = (filter: SignalRow.Filter, at: number) =>
          Effect.map(store.list(filter, at), (rows) => rows.map((row) => row.hash))
        assert.deepStrictEqual(
          yield* listed({}, 1_000),
          [due, early, late, other].map((row) => row.hash)
        )
        assert.deepStrictEqual(yield* listed({ limit: 2 }, 1_000), [due.hash, early.hash])
        assert.deepStrictEqual(yield* listed({ tag: "a", state: "open" }, 1_300), [early.hash, late.hash])
        assert.deepStrictEqual(yield* listed({ tag: "a", state: "ended" }, 1_300), [due.hash])
        assert.deepStrictEqual(yield* listed({ tag: "b" }, 1_300), [late.hash])
        assert.deepStrictEqual(yield* listed({ tag: "a", job: "payment" }, 1_300), [])
        assert.deepStrictEqual(yield* listed({ job: "payment" }, 1_300), [other.hash])
        assert.deepStrictEqual(yield* listed({ tag: '","' }, 1_300), [])
      }))
  })

  describe("changes", () => {
    test("changes - has the signals that end, however they end", (store) =>
      Effect.gen(function* () {
        const [settled, expired, replaced] = [rowOf(), rowOf(), rowOf({ key: "same" })]
        const reader = yield* store.changes.pipe(
          Stream.take(3),
          Stream.runCollect,
          Effect.forkChild({ startImmediately: true })
        )
        for (const row of [settled, expired, replaced]) yield* store.insert(row, "fail")
        yield* store.settle(settled.hash, succeeded(1), 1_500)
        yield* store.expire(expired.hash, 2_000)
        yield* store.insert(rowOf({ key: "same" }), "replace")
        assert.deepStrictEqual(yield* Fiber.join(reader), [settled.hash, expired.hash, replaced.hash])
      }))
  })

  describe("retention", () => {
    test("retention - keeps an ended signal for its time, and removes it as others are made [R70]", (store) =>
      Effect.gen(function* () {
        const [settled, forgotten] = [rowOf({ key: "same" }), rowOf()]
        for (const row of [settled, forgotten]) yield* store.insert(row, "fail")
        yield* store.settle(settled.hash, succeeded(1), 1_500)
        const insertAt = (createdAt: number) =>
          Effect.forEach(Array.from({ length: 48 }), () =>
            store.insert(rowOf({ createdAt, expiresAt: 1_000_000 }), "fail")
          )
        yield* insertAt(11_499)
        assert.isDefined(yield* store.get(settled.hash))
        assert.strictEqual((yield* store.get(forgotten.hash))?.ending?._tag, "Expired")
        yield* insertAt(12_000)
        yield* insertAt(12_000)
        assert.isUndefined(yield* store.get(settled.hash))
        assert.isUndefined(yield* store.newest("review", "same"))
        assert.isUndefined(yield* store.get(forgotten.hash))
        assert.strictEqual((yield* store.list({ state: "open" }, 12_000)).length, 144)
      }))

    test("retention - of a replaced signal does not hide the one that replaced it", (store) =>
      Effect.gen(function* () {
        const old = rowOf({ key: "same" })
        const next = rowOf({ key: "same", createdAt: 1_100, expiresAt: 1_000_000 })
        yield* store.insert(old, "fail")
        yield* store.insert(next, "replace")
        for (let more = 0; more < 48; more++) {
          yield* store.insert(rowOf({ createdAt: 20_000, expiresAt: 1_000_000 }), "fail")
        }
        assert.isUndefined(yield* store.get(old.hash))
        assert.deepStrictEqual(yield* store.newest("review", "same"), next)
        assert.deepStrictEqual(yield* store.insert(rowOf({ key: "same", createdAt: 20_000 }), "fail"), next)
      }))
  })
}
