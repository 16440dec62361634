import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Hash from "effect/Hash"
import * as Schedule from "effect/Schedule"
import type { ResumeToken } from "effect-poll/ResumeToken"
import * as CheckResult from "effect-poll/CheckResult"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { clockAt, drive, type Driven, event, type Options, policyOf, tokens, waits } from "../support/machine.ts"
import { storedToken } from "../support/tokens.ts"

const strategy = Strategy.spaced("10 seconds")
const fallback = { locate: (): string | undefined => undefined, check: () => Effect.never }
const missing = { fallback }
const options: Options = { strategy, missing, deadline: "1 hour" }
const deadlineAt = 600_000

/** A wait of this clock that is restored from a token, without being started. */
const restored = (token: ResumeToken, some: Options = {}, origin = 20_000): Driven => {
  const driven = drive({ ...options, ...some }, { origin })
  tokens.restore(driven.wait, token)
  return driven
}

/** What is stored of a token. */
const stored = (token: ResumeToken) => JSON.parse(JSON.stringify(token)) as ResumeToken

const full = storedToken({
  since: { run: "run-2" },
  fallbackKey: "archive-1",
  cursor: "page-2",
  attempts: 7,
  strategySteps: 5,
  strategyStartedAt: 11,
  rows: {
    errors: { count: 1, at: 101 },
    throttled: { count: 2, at: 102 },
    rejected: { count: 3, at: 103 },
    missing: { count: 4, at: 104 },
    unknown: { count: 5, at: 105 },
    resultMissing: { count: 6, at: 106, state: "DONE" }
  },
  totalErrors: 9,
  dueAt: 50_000,
  floorAt: 40_000,
  startedAt: 10,
  deadlineAt,
  boundedBy: "strategy",
  writtenAt: 20_000,
  status: {
    state: "RUNNING",
    stateAt: 200,
    progress: 0.5,
    detailHash: "0123456789abcdef",
    action: "approve",
    changedAt: 400,
    isOver: true,
    stallReported: true
  },
  hold: { end: "Failed", sightings: 2, at: 400, elsewhere: true },
  unconfirmed: { end: "Failed", changedAt: 400 },
  checkMillis: [1, 2, 3_000],
  checkedAt: 19_000,
  retries: { count: 2, at: 500 },
  alone: true,
  last: true,
  gateAt: 45_000,
  throttledMillis: 700,
  timeout: { reason: "state", state: "RUNNING", limitMillis: 5_000, cancel: "accepted" },
  actions: ["approve"]
})

describe("token", () => {
  it("wait that is restored and left - has the same token", () => {
    assert.deepStrictEqual(stored(restored(full, { since: { run: "run-2" } }).token()), full)
    const plain = storedToken({ writtenAt: 20_000 })
    assert.deepStrictEqual(stored(restored(plain).token()), plain)
    const others = storedToken({
      writtenAt: 20_000,
      deadlineAt: "unbounded",
      located: "archive-2",
      status: { stateAt: 200, changedAt: 300 },
      hold: { end: "Canceled", sightings: 1, at: 500 },
      timeout: { reason: "deadline" },
      rows: { missing: { count: 1, at: 7 } }
    })
    assert.deepStrictEqual(stored(restored(others).token()), others)
    assert.strictEqual(restored(others).wait.deadlineAt, Number.POSITIVE_INFINITY)
    assert.deepStrictEqual(restored(others).wait.status, Status.pending())
    assert.strictEqual(restored(others).wait.cold.heldTimeout?.cancel, undefined)
  })

  it("wait that is restored - has everything in place", () => {
    const { wait } = restored(full)
    const { cold } = wait
    assert.deepStrictEqual(
      [wait.startedAt, wait.changedAt, wait.stateSince, wait.strategyStarted, wait.nextAt, wait.floorAt],
      [-19_990, -19_600, -19_800, -19_989, 30_000, 20_000]
    )
    assert.deepStrictEqual([wait.attempts, wait.strategySteps, wait.deadlineAt], [7, 5, 580_000])
    assert.deepStrictEqual([wait.checkStarted, waits.longestCheck(wait)], [-1_000, 3_000])
    assert.deepStrictEqual([cold.rows?.errors, cold.rows?.end?.state], [{ count: 1, since: -19_899 }, "DONE"])
    assert.deepStrictEqual(
      [cold.heldTimeout?.limit, cold.heldTimeout?.cancel],
      [5_000, { outcome: "accepted", error: undefined }]
    )
    assert.deepStrictEqual([cold.gatedUntil, cold.retriesStarted, cold.boundedBy], [25_000, -19_500, "strategy"])
  })

  it("wait without trouble - has no state for it", () => {
    const untouched = waits.make(drive().wait.setting, "a", "a", undefined).cold
    const { cold } = restored(
      storedToken({
        status: { state: "RUNNING", stateAt: 0, changedAt: 0 },
        checkMillis: [5],
        totalErrors: 0,
        throttledMillis: 0,
        actions: [],
        alone: false,
        last: false,
        rows: {},
        retries: { count: 0, at: 0 },
        hold: { end: "Failed", sightings: 0, at: 0 }
      })
    ).wait
    assert.strictEqual(cold, untouched)
  })

  it("rows of 0 - are not restored", () => {
    const { wait } = restored(
      storedToken({ rows: { errors: { count: 0, at: 5 }, resultMissing: { count: 0, at: 5, state: "DONE" } } })
    )
    assert.deepStrictEqual([wait.cold.rows?.errors.since, wait.cold.rows?.end], [undefined, undefined])
    const wordless = restored(storedToken({ rows: { resultMissing: { count: 1, at: 5 } } })).wait
    assert.deepStrictEqual(wordless.cold.rows?.end, CheckResult.resultMissing())
  })

  it("clock that is behind - shifts the times of the token by the difference", () => {
    const { time, wait } = restored(full, {}, 15_000)
    assert.deepStrictEqual([wait.startedAt, wait.nextAt, wait.deadlineAt], [-19_990, 30_000, 580_000])
    assert.strictEqual(time.base, 15_000)
    const later = drive(options, { origin: 12_000 })
    later.move(15_000)
    tokens.restore(later.wait, full)
    assert.deepStrictEqual([later.wait.startedAt, later.wait.nextAt], [-16_990, 33_000])
    const ahead = restored(full, {}, 25_000).wait
    assert.deepStrictEqual([ahead.startedAt, ahead.nextAt, ahead.deadlineAt], [-24_990, 25_000, 575_000])
  })

  it("time that must be past - is not ahead of now", () => {
    const late = 30_000
    const { wait } = restored(
      storedToken({
        startedAt: late,
        strategyStartedAt: late,
        checkedAt: late,
        status: { stateAt: late, changedAt: late },
        retries: { count: 1, at: late },
        hold: { end: "Failed", sightings: 1, at: late },
        rows: { errors: { count: 1, at: late } }
      })
    )
    const { cold } = wait
    assert.deepStrictEqual(
      [wait.startedAt, wait.strategyStarted, wait.checkStarted, wait.stateSince, wait.changedAt],
      [0, 0, 0, 0, 0]
    )
    assert.deepStrictEqual([cold.retriesStarted, cold.hold?.since, cold.rows?.errors.since], [0, 0, 0])
    const held = restored(storedToken({ unconfirmed: { end: "Failed", changedAt: late } })).wait
    assert.strictEqual(held.changedAt, 0)
  })

  it("floor - is at most maxHint from now", () => {
    const floorAt = (at: number) => restored(storedToken({ floorAt: at }), { maxHint: "5 seconds" }).wait.floorAt
    assert.deepStrictEqual([floorAt(24_999), floorAt(25_001), floorAt(99_000)], [4_999, 5_000, 5_000])
  })

  it("lengths of checks - are at least 0 and at most the time since the start", () => {
    const longest = (millis: number) =>
      waits.longestCheck(restored(storedToken({ startedAt: 15_000, checkMillis: [millis] })).wait)
    assert.deepStrictEqual([longest(-5), longest(4_000), longest(6_000)], [0, 4_000, 5_000])
  })

  it("steps of a foreign schedule - start anew", () => {
    const foreign = restored(full, { strategy: Schedule.spaced("1 second") }).wait
    assert.strictEqual(foreign.strategySteps, 0)
  })

  it("key and cursor of a fallback - are of no use to a job without one", () => {
    const { cold } = restored(full, { missing: undefined }).wait
    assert.deepStrictEqual([cold.fallbackKey, cold.cursor], [undefined, undefined])
    const own = restored(storedToken({ cursor: "page-2" }), { missing: undefined }).wait.cold
    assert.deepStrictEqual([own.fallbackKey, own.cursor], [undefined, "page-2"])
  })

  it("key at the fallback - is left out with its cursor if it is longer than a KiB as JSON", () => {
    const tokenOf = (fallbackKey: string) => restored({ ...full, fallbackKey }).token()
    assert.strictEqual(tokenOf("x".repeat(1_022)).fallbackKey, "x".repeat(1_022))
    assert.strictEqual(tokenOf("x".repeat(1_022)).cursor, "page-2")
    const long = tokenOf("x".repeat(1_023))
    assert.deepStrictEqual([long.fallbackKey, long.cursor], [undefined, undefined])
    assert.strictEqual(tokenOf('"'.repeat(600)).fallbackKey, undefined)
  })

  it("action - is that of the status if it was reported, unless its id is longer than a KiB as JSON", () => {
    const actionsOf = (action: string | undefined, actions: ReadonlyArray<string> | undefined) =>
      restored(storedToken({ status: { stateAt: 0, changedAt: 0, action }, actions })).token().actions
    assert.deepStrictEqual(actionsOf("pay", ["approve", "pay"]), ["pay"])
    assert.deepStrictEqual(actionsOf("pay", ["approve"]), undefined)
    assert.deepStrictEqual(actionsOf("pay", undefined), undefined)
    assert.deepStrictEqual(actionsOf(undefined, ["pay"]), undefined)
    const long = "x".repeat(1_022)
    assert.deepStrictEqual(actionsOf(long, [long]), [long])
    assert.deepStrictEqual(actionsOf(`${long}x`, [`${long}x`]), undefined)
  })

  it("state words - are cut", () => {
    const long = "x".repeat(300)
    const { wait } = restored(
      storedToken({
        status: { state: long, stateAt: 0, changedAt: 0 },
        rows: { resultMissing: { count: 1, at: 0, state: long } }
      })
    )
    assert.deepStrictEqual([wait.status?.state?.length, wait.cold.rows?.end?.state?.length], [200, 200])
  })

  describe("located", () => {
    const locate = (_: unknown, last: Status.Status<unknown, unknown> | undefined) => {
      const { detail } = last as Status.Pending
      if (detail === "unknown") throw new Error("no detail")
      return detail as string | undefined
    }
    const locatedIn = (detail: unknown, some: Options = { missing: { fallback: { ...fallback, locate } } }) => {
      const driven = drive({ ...options, ...some })
      driven.start()
      driven.answer(0, Status.pending({ detail }))
      return driven.token().located
    }

    it("is what locate returns for the last status, if it is short", () => {
      assert.strictEqual(locatedIn("archive"), "archive")
      assert.strictEqual(locatedIn("x".repeat(1_023)), undefined)
      assert.strictEqual(locatedIn(undefined), undefined)
      assert.strictEqual(locatedIn("archive", { missing: undefined }), undefined)
      const gone = restored(storedToken({ located: "archive" }), { missing: undefined })
      assert.strictEqual(gone.token().located, undefined)
    })

    it("is nothing if locate throws", () => {
      assert.strictEqual(locatedIn("unknown"), undefined)
    })

    it("is nothing before the first status, and at the fallback", () => {
      const driven = drive({ ...options, missing: { fallback: { ...fallback, locate: () => "archive" } } })
      driven.start()
      assert.strictEqual(driven.token().located, undefined)
      const there = restored({ ...full, located: "elsewhere" }, { missing: { fallback: { ...fallback, locate } } })
      assert.strictEqual(there.token().located, undefined)
    })

    it("is not computed where the detail is known as a hash alone", () => {
      const status = { stateAt: 0, changedAt: 0, detailHash: "0123456789abcdef" }
      const some = { missing: { fallback: { ...fallback, locate: () => "computed" } } }
      assert.strictEqual(restored(storedToken({ status }), some).token().located, undefined)
      assert.strictEqual(restored(storedToken({ status, located: "known" }), some).token().located, "known")
      const plain = { stateAt: 0, changedAt: 0 }
      assert.strictEqual(restored(storedToken({ status: plain, located: "known" }), some).token().located, "known")
      assert.strictEqual(restored(storedToken({ status: plain }), some).token().located, "computed")
    })
  })

  it("status - is stored without its detail, and not if it is an end", () => {
    const driven = drive({ ...options, confirm: { success: { times: 2 } } })
    driven.start()
    driven.answer(5, Status.pending({ state: "RUNNING", detail: "x", action: { id: "y".repeat(300) } }))
    const { status } = driven.token()
    assert.deepStrictEqual([status?.state, status?.detailHash], ["RUNNING", String(Hash.hash("x"))])
    assert.notInclude(JSON.stringify(status), 'detail":')
    assert.isBelow(status?.action?.length ?? 0, 201)
    driven.step(10_005, event.due)
    driven.answer(10_005, Status.succeeded("done"))
    const ended = driven.token()
    assert.deepStrictEqual([ended.status, ended.unconfirmed], [undefined, { end: "Succeeded", changedAt: 10_005 }])
  })

  it("check in flight - is due again with its number, unless it is a retry or alone", () => {
    const attempts = (retries: number, alone: boolean) => {
      const driven = drive(options)
      driven.start()
      waits.cold(driven.wait).retries = retries
      waits.cold(driven.wait).alone = alone
      const token = driven.token()
      return [token.attempts, token.dueAt]
    }
    assert.deepStrictEqual(
      [attempts(0, false), attempts(1, false), attempts(0, true)],
      [
        [0, 0],
        [1, 0],
        [1, 0]
      ]
    )
    const sleeping = drive(options)
    sleeping.start()
    sleeping.answer(0, Status.pending())
    assert.deepStrictEqual([sleeping.token().attempts, sleeping.token().dueAt], [1, 10_000])
  })

  it("token - says when it was written, by a clock that never runs backwards", () => {
    let clock = 5_000
    const driven = drive(options)
    const wait = waits.make({ ...driven.wait.setting, time: waits.timeline(clockAt(() => clock)) }, "a", "a", undefined)
    tokens.begin(wait)
    clock = 7_000
    assert.strictEqual(tokens.fromWait(wait).writtenAt, 7_000)
    clock = 4_000
    assert.strictEqual(tokens.fromWait(wait).writtenAt, 5_000)
  })

  it("schedule that has not decided - is asked again, unless a check is requested", () => {
    const driven = drive({ ...options, strategy: Schedule.spaced("1 second") })
    driven.start()
    assert.strictEqual(driven.token().deciding, undefined)
    driven.answer(0, Status.pending())
    assert.strictEqual(driven.token().deciding, "strategy")
    driven.step(1, { _tag: "Woken", force: false })
    assert.strictEqual(driven.token().deciding, undefined)
    driven.step(1, { _tag: "Decided", exit: Exit.succeed(5_000) })
    assert.strictEqual(driven.step(10, event.due), "check")
    assert.strictEqual(driven.answer(10, Status.pending()), "step")
    driven.step(10, { _tag: "Decided", exit: Exit.succeed(5_000) })
    assert.deepStrictEqual([driven.wait.stage.phase, driven.token().deciding], ["waiting", undefined])
  })

  it("gate - is stored while it postpones a check", () => {
    const gateAt = (gatedUntil: number) => {
      const driven = drive(options, { origin: 100 })
      driven.start()
      waits.cold(driven.wait).gatedUntil = gatedUntil
      return driven.token().gateAt
    }
    assert.deepStrictEqual([gateAt(0), gateAt(1)], [undefined, 101])
  })

  describe("receipt", () => {
    const receipt = (some: Options = {}, hint?: CheckResult.Hint, now = 5_000.5) =>
      tokens.receipt(policyOf({ ...options, ...some }), "a", now, hint)

    it("is a wait that starts now", () => {
      assert.deepStrictEqual(stored(receipt({ since: { generation: 3 } })), {
        version: 1,
        job: "render",
        key: "a",
        since: { generation: 3 },
        attempts: 0,
        strategySteps: 0,
        strategyStartedAt: 5_000.5,
        totalErrors: 0,
        dueAt: 5_001,
        floorAt: 5_001,
        startedAt: 5_000.5,
        deadlineAt: 3_605_001,
        boundedBy: "deadline",
        writtenAt: 5_000.5
      })
      assert.strictEqual(receipt({ deadline: "unbounded" }).deadlineAt, "unbounded")
    })

    it("has the first wait of the strategy, and its limit", () => {
      const first = Strategy.maxDuration(Strategy.withFirstWait(strategy, "3 seconds"), "1 minute")
      const { boundedBy, deadlineAt, dueAt } = receipt({ strategy: first })
      assert.deepStrictEqual([dueAt, deadlineAt, boundedBy], [8_001, 65_001, "strategy"])
    })

    it("has the hint of the server, clamped to maxHint", () => {
      const floor = (hint: CheckResult.Hint) => receipt({ maxHint: "20 seconds" }, hint, 0).floorAt
      assert.deepStrictEqual(
        [floor("unreadable"), floor(Duration.seconds(5)), floor(Duration.seconds(50))],
        [0, 5_000, 20_000]
      )
    })
  })

  it("begin - starts a wait now", () => {
    const first = Strategy.withFirstWait(strategy, "3 seconds")
    const driven = drive({ ...options, strategy: first })
    waits.advance(driven.time, 7)
    tokens.begin(driven.wait)
    const { changedAt, deadlineAt, floorAt, nextAt, startedAt } = driven.wait
    assert.deepStrictEqual([startedAt, changedAt, floorAt, nextAt, deadlineAt], [7, 7, 7, 3_007, 3_600_007])
  })

  it("withKnown - adds a floor and a cursor to a token, or to a new one", () => {
    const token = storedToken({ floorAt: 5, cursor: "own" })
    const fresh = () => storedToken({ floorAt: 1 })
    assert.strictEqual(tokens.withKnown(undefined, undefined, undefined, fresh), undefined)
    assert.strictEqual(tokens.withKnown(token, undefined, undefined, fresh), token)
    assert.deepStrictEqual(tokens.withKnown(token, 9, undefined, fresh), { ...token, floorAt: 9 })
    assert.deepStrictEqual(tokens.withKnown(token, 3, undefined, fresh), token)
    assert.deepStrictEqual(tokens.withKnown(token, undefined, "new", fresh), { ...token, cursor: "new" })
    assert.deepStrictEqual(tokens.withKnown(undefined, undefined, "new", fresh), { ...fresh(), cursor: "new" })
  })
})
