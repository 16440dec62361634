import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as CheckResult from "effect-poll/CheckResult"
import * as Job from "effect-poll/Job"
import * as Poll from "effect-poll/Poll"
import * as Poller from "effect-poll/Poller"
import * as PollDefaults from "effect-poll/PollDefaults"
import * as promise from "effect-poll/promise"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { plain } from "./support/options.ts"

// What callers without types pass: each wrong value is a RangeError at the call, which names the option and the value.

type Untyped = (...args: ReadonlyArray<unknown>) => unknown

const job = Job.make("render", {
  check: (id: string) => Effect.succeed(Status.succeeded(id)),
  submit: (id: string) => Effect.succeed({ key: id })
})
const check = Effect.succeed(Status.succeeded("done"))
const token = Effect.runSync(
  Effect.scoped(Effect.flatMap(Poll.start(job, "a", { deadline: "1 hour" }), (it) => it.token))
)

/** Options of a wait, and what the message says of each. */
const wrongInWaits: ReadonlyArray<readonly [options: object, message: string]> = [
  [{ strategy: "1 second" }, 'strategy must be a Schedule, got "1 second"'],
  [{ strategy: () => 5 }, "strategy must be a Schedule, got a function"],
  [{ unknownState: "ignore" }, 'unknownState must be either "fail" or "continue"'],
  [{ unknownState: {} }, "or { treatAs() }, got an object"],
  [{ unknownState: { treatAs: "x" } }, "unknownState must be"],
  [{ unknownState: { times: "3" } }, 'unknownState.times must be an integer >= 1, got "3"'],
  [{ onTimeout: "cancel" }, 'onTimeout must be "leave" or "cancelRemote", got "cancel"'],
  [{ onInterrupt: true }, 'onInterrupt must be "leave" or "cancelRemote", got true'],
  [{ onClose: "stop" }, 'onClose must be "leave" or "cancelRemote", got "stop"'],
  [{ stall: "1 minute" }, 'stall must be { after }, got "1 minute"'],
  [{ stall: { after: "1 minute", onStall: "x" } }, 'stall.onStall must be "fail" or "report", got "x"'],
  [{ stall: { after: "soon" } }, 'stall.after must be a positive finite duration, got "soon"'],
  [{ checkErrors: 5 }, 'checkErrors must be "unbounded" or an object, got 5'],
  [{ checkErrors: { schedule: "1 second" } }, 'checkErrors.schedule must be a Schedule, got "1 second"'],
  [{ checkErrors: { retry: 3 } }, "checkErrors.retry must be a Schedule, got 3"],
  [{ checkErrors: { onExhausted: "continue" } }, 'checkErrors.onExhausted must be "fail" or "skip", got "continue"'],
  [{ checkErrors: { rejectAfter: 3 } }, "checkErrors.rejectAfter must be either { times } or { for }, got 3"],
  [{ checkErrors: { kindOf: "permanent" } }, 'checkErrors.kindOf must be a function, got "permanent"'],
  [{ checkErrors: { maxTotal: "5" } }, 'checkErrors.maxTotal must be an integer >= 0 or "unbounded", got "5"'],
  [{ gate: {} }, "gate must be { ask() }, got an object"],
  [{ gate: null }, "gate must be { ask() }, got null"],
  [{ observers: {} }, "observers must be an array of { observe() }, got an object"],
  [{ observers: [{ observe: () => Effect.void }, 7] }, "observers must be an array of { observe() }, got an array"],
  [{ since: "run-1" }, 'since must be { run } or { generation }, got "run-1"'],
  [{ history: "yes" }, 'history must be a boolean, got "yes"'],
  [{ confirm: 3 }, "confirm must be an object, got 3"],
  [{ confirm: { success: 3 } }, "confirm.success must be either { times } or { for }, got 3"],
  [{ stateLimits: "1 minute" }, 'stateLimits must be an object, got "1 minute"'],
  [{ stateLimits: { QUEUED: "soon" } }, 'stateLimits.QUEUED must be a positive finite duration, got "soon"'],
  [{ onAction: "ask" }, 'onAction must be "report" or "fail" or a function, got "ask"'],
  [{ minInterval: -1 }, "minInterval must be a non-negative finite duration, got -1"],
  [{ checkTimeout: "soon" }, 'checkTimeout must be a positive finite duration or "unbounded", got "soon"'],
  [{ cancelTimeout: {} }, "cancelTimeout must be a positive finite duration, got an object"],
  [{ deadline: null }, "deadline must be"],
  [{ deadline: undefined }, "deadline must be"],
  [{ deadline: "soon" }, 'deadline must be a positive finite duration or "unbounded", got "soon"'],
  [{ deadline: Symbol("x") }, "deadline must be"],
  // Two ways where only one is possible, and none.
  [{ confirm: { success: { times: 2, for: "1 second" } } }, "confirm.success must be either { times } or { for }"],
  [{ confirm: { failure: {} } }, "confirm.failure must be either { times } or { for }, got an object"],
  [{ confirm: { failure: { times: 0 } } }, "confirm.failure.times must be an integer >= 1, got 0"],
  [{ confirm: { success: { for: {} } } }, "confirm.success.for must be a positive finite duration, got an object"],
  [{ unknownState: { times: 2, for: "1 second" } }, "unknownState must be either"],
  [{ unknownState: { times: 2, treatAs: () => Status.pending() } }, "unknownState must be either"],
  [{ checkErrors: { rejectAfter: { times: 2, for: "1 second" } } }, "checkErrors.rejectAfter must be either"],
  // Objects and durations of another shape.
  [{ confirm: [] }, "confirm must be an object, got an array"],
  [{ stateLimits: [] }, "stateLimits must be an object, got an array"],
  [{ stateLimits: { QUEUED: {} } }, "stateLimits.QUEUED must be a positive finite duration, got an object"],
  [{ stateLimits: { QUEUED: null } }, "stateLimits.QUEUED must be a positive finite duration, got null"],
  [{ stall: { after: {} } }, "stall.after must be a positive finite duration, got an object"],
  [{ checkErrors: [] }, "checkErrors must be"],
  [{ checkErrors: { maxOutage: {} } }, "checkErrors.maxOutage must be a non-negative finite duration"],
  [{ checkErrors: { maxConsecutive: null } }, "checkErrors.maxConsecutive must be an integer >= 0"],
  [{ minInterval: {} }, "minInterval must be a non-negative finite duration, got an object"],
  [{ minInterval: [] }, "minInterval must be a non-negative finite duration, got an array"],
  [{ minInterval: { secnds: 5 } }, "minInterval must be a non-negative finite duration, got an object"],
  [{ maxHint: {} }, "maxHint must be a non-negative finite duration, got an object"],
  // Null is no way to leave an option out.
  ...[
    "strategy",
    "unknownState",
    "checkErrors",
    "checkTimeout",
    "stall",
    "confirm",
    "stateLimits",
    "minInterval",
    "onAction",
    "name",
    "maxHint",
    "since",
    "gate",
    "onTimeout",
    "onInterrupt",
    "onClose",
    "cancelTimeout",
    "observers",
    "history"
  ].map((option) => [{ [option]: null }, `${option} must be`] as const),
  // Names that no option has.
  [{ unknownStatus: "continue" }, "there is no option unknownStatus; did you mean unknownState?"],
  [{ onTimeOut: "cancelRemote" }, "there is no option onTimeOut; did you mean onTimeout?"],
  [{ checktimeout: "1 second" }, "there is no option checktimeout; did you mean checkTimeout?"],
  [{ interval: "1 second" }, "there is no option interval; did you mean minInterval?"],
  [{ headers: {} }, "there is no option headers"],
  [{ missing: { times: 3 } }, "there is no option missing"],
  [{ cancel: () => Effect.void }, "there is no option cancel"],
  [{ toString: 1 }, "there is no option toString"],
  [{ confirm: { succeeded: { times: 2 } } }, "there is no option confirm.succeeded; did you mean confirm.success?"],
  [
    { confirm: { success: { times: 2, time: 3 } } },
    "there is no option confirm.success.time; did you mean confirm.success.times?"
  ],
  [{ stall: { after: "1 minute", then: "report" } }, "there is no option stall.then"],
  [{ checkErrors: { inRow: 3 } }, "there is no option checkErrors.inRow"],
  [
    { checkErrors: { maxConsecutiv: 3 } },
    "no option checkErrors.maxConsecutiv; did you mean checkErrors.maxConsecutive?"
  ],
  [{ unknownState: { times: 2, then: "fail" } }, "there is no option unknownState.then"]
]

const messageOf = (call: () => unknown): string => {
  try {
    call()
  } catch (error) {
    assert.instanceOf(error, RangeError)
    return error.message
  }
  return "nothing was thrown"
}

describe("callers without types", () => {
  describe.each([
    ["Poll.until", Poll.until as Untyped],
    ["Poll.events", Poll.events as Untyped],
    ["Poll.start", Poll.start as Untyped]
  ])("%s", (name, call) => {
    for (const [options, message] of wrongInWaits) {
      it(`${name} - refuses ${message}`, () => {
        const all = { deadline: "1 minute", ...options }
        assert.include(
          messageOf(() => call(job, "a", all)),
          message
        )
        assert.include(
          messageOf(() => call(job, "a", all)),
          `${name}: `
        )
        assert.include(
          messageOf(() => call(check, all)),
          message
        )
        assert.include(
          messageOf(() => (call(all) as Untyped)(check)),
          message
        )
      })
    }

    it("check - must be an Effect", () => {
      const options = { deadline: "1 minute" }
      const wrong = `${name}: the check must be an Effect that yields a status, got `
      for (const [value, shown] of [
        ["x", '"x"'],
        [undefined, "undefined"],
        [null, "null"],
        [Promise.resolve(), "an object"],
        [() => check, "a function"],
        [{ ...job }, "an object"]
      ] as const) {
        assert.strictEqual(
          messageOf(() => call(value, options)),
          wrong + shown
        )
      }
    })

    it("options - are required", () => {
      assert.include(
        messageOf(() => call(check)),
        `${name}: deadline must be`
      )
      assert.include(
        messageOf(() => call(job, "a")),
        `${name}: deadline must be`
      )
      assert.include(
        messageOf(() => call(job, "a", 5)),
        `${name}: deadline must be`
      )
      assert.include(
        messageOf(() => call(job)),
        `${name}: key must be a non-empty string, got undefined`
      )
    })

    it("options that have no value - are left out, whatever their name", () => {
      const options = { deadline: "1 minute", signal: undefined, unknownStatus: undefined, confirm: undefined }
      assert.doesNotThrow(() => call(job, "a", options))
      assert.doesNotThrow(() => call(check, options))
    })

    it("name of an option - is refused after a call with the same options but that one", () => {
      const options = { deadline: "1 minute", strategy: Strategy.spaced("1 second") }
      call(job, "a", options)
      assert.include(
        messageOf(() => call(job, "a", { ...options, missing: { times: 3 } })),
        `${name}: there is no option missing`
      )
      assert.doesNotThrow(() => call(job, "a", options))
    })

    it("name - must be a non-empty string", () => {
      for (const value of ["", 7, {}]) {
        assert.include(
          messageOf(() => call(check, { deadline: "1 minute", name: value })),
          `${name}: name must be`
        )
      }
    })
  })

  it("Poll.run - refuses a wrong job, callback or option", () => {
    const run = Poll.run as Untyped
    assert.strictEqual(
      messageOf(() => run({}, "a", {})),
      "Poll.run: the job must be a Job, got an object"
    )
    const onReceipt = messageOf(() => run(job, "a", { deadline: "1 minute", onReceipt: "log" }))
    assert.strictEqual(onReceipt, 'Poll.run: onReceipt must be a function, got "log"')
    assert.include(
      messageOf(() => run(job, "a", { deadline: "1 minute", gate: {} })),
      "Poll.run: gate must be"
    )
    assert.include(
      messageOf(() => run(job, "a")),
      "Poll.run: deadline must be"
    )
  })

  it("Poll.resume - refuses a wrong job, token or option", () => {
    const resume = Poll.resume as Untyped
    assert.include(
      messageOf(() => resume("render", token)),
      'Poll.resume: the job must be a Job, got "render"'
    )
    assert.include(
      messageOf(() => resume(job, undefined)),
      "Poll.resume: token must be"
    )
    assert.include(
      messageOf(() => resume(job, token, { onTimeout: "x" })),
      "Poll.resume: onTimeout must be"
    )
    assert.include(
      messageOf(() => resume(job, token, { signal: AbortSignal.abort() })),
      "Poll.resume: signal must be a Stream, got an object"
    )
    const ofRun = { deadline: "1 hour", since: { run: "1" }, submitTimeout: "1 minute", onReceipt: () => Effect.void }
    assert.doesNotThrow(() => resume(job, token, ofRun))
  })

  it("promise - rejects with the same errors, and for its own options", async () => {
    const rejected = async (call: Promise<unknown>) => String(await call.catch((error: unknown) => error))
    const poll = promise.poll as (...args: ReadonlyArray<unknown>) => Promise<unknown>
    const async = async () => Status.pending()
    for (const [options, message] of wrongInWaits) {
      const all = { deadline: "1 minute", ...options }
      assert.include(await rejected(poll(async, all)), message)
      assert.include(
        messageOf(() => (promise.start as Untyped)(async, all)),
        message
      )
      assert.include(await rejected((Poll.promise as typeof poll)(check, all)), message)
    }
    assert.include(
      await rejected(poll(async, { deadline: "1 minute", signal: "x" })),
      'RangeError: promise.poll: signal must be { aborted, addEventListener() }, got "x"'
    )
    assert.include(
      await rejected(poll(async, { deadline: "1 minute", onProgress: [] })),
      "RangeError: promise.poll: onProgress must be a function, got an array"
    )
    assert.include(
      await rejected(poll("x", { deadline: "1 minute" })),
      "promise.poll: the check must be a function that returns a status"
    )
    const run = promise.run as typeof poll
    for (const none of [undefined, null]) {
      assert.include(await rejected(run(job, "a", none)), "RangeError: promise.run: deadline must be")
    }
    for (const [name, call] of [
      ["run", run],
      ["resume", promise.resume as typeof poll]
    ] as const) {
      assert.include(await rejected(call(null, "{}")), `RangeError: promise.${name}: the job must be a Job, got null`)
    }
    assert.include(await rejected((promise.resume as typeof poll)(job, "{}", null)), "ResumeTokenError")
    assert.include(
      await rejected(run(job, "a", { deadline: "1 minute", onReceipt: 1 })),
      "promise.run: onReceipt must be a function, got 1"
    )
  })

  it("Job.make - refuses calls and policies of another shape", () => {
    const make = Job.make as Untyped
    const wrong: ReadonlyArray<readonly [options: object, message: string]> = [
      [{ check: undefined }, "check must be a function, got null"],
      [{ check }, "check must be a function, got an object"],
      [{ checkMany: 5 }, "checkMany must be { check(), max }, got 5"],
      [{ checkMany: { max: 5 } }, "checkMany must be { check(), max }, got an object"],
      [{ checkMany: { check: () => check } }, "checkMany must be { check(), max }, got an object"],
      [{ checkMany: { check: () => check, max: 0 } }, "checkMany.max must be an integer >= 1, got 0"],
      [{ submit: check }, "submit must be a function, got an object"],
      [{ cancel: "DELETE" }, 'cancel must be a function, got "DELETE"'],
      [{ strategy: "1 second" }, 'strategy must be a Schedule or a function, got "1 second"'],
      [{ missing: "fail" }, 'missing must be an object, got "fail"'],
      [{ missing: { gone: Status.canceled() } }, "missing.gone must be a function, got an object"],
      [{ missing: { fallback: () => check } }, "missing.fallback must be { locate(), check() }, got a function"],
      [
        { missing: { fallback: { check: () => check } } },
        "missing.fallback must be { locate(), check() }, got an object"
      ],
      [{ key: { encode: String } }, "key must be { encode(), decode() }, got an object"],
      [{ key: { encode: String, decode: String, show: 1 } }, "key.show must be a function, got 1"],
      [{ confirm: { check } }, "confirm.check must be a function, got an object"],
      [{ unknownState: "ignore" }, "unknownState must be"],
      [{ checkErrors: 5 }, "checkErrors must be"],
      [{ checkErrors: { kindOf: {} } }, "checkErrors.kindOf must be a function, got an object"],
      [{ stall: 5 }, "stall must be { after }, got 5"],
      [{ onAction: 5 }, "onAction must be"],
      [{ checkTimeout: 0 }, "checkTimeout must be a positive finite duration"],
      [{ minInterval: null }, "minInterval must be a non-negative finite duration, got null"],
      [{ stateLimits: { QUEUED: 0 } }, "stateLimits.QUEUED must be a positive finite duration, got 0"],
      [{ confirm: { success: { times: 2, for: 1 } } }, "confirm.success must be either { times } or { for }"],
      [{ missing: [] }, "missing must be an object, got an array"],
      [{ missing: { grace: {} } }, "missing.grace must be a non-negative finite duration, got an object"],
      [{ missing: { times: 0 } }, "missing.times must be an integer >= 1, got 0"],
      [{ missing: { time: 3 } }, "there is no option missing.time; did you mean missing.times?"],
      [
        { missing: { fallback: { locate: () => "x", check: () => check, key: "x" } } },
        "there is no option missing.fallback.key"
      ],
      [{ confirm: { checks: () => check } }, "there is no option confirm.checks; did you mean confirm.check?"],
      [{ deadline: "1 hour" }, "there is no option deadline"],
      [{ unknownStatus: "continue" }, "there is no option unknownStatus; did you mean unknownState?"],
      [{ checkMany: { check: () => check, max: 5, slack: null } }, "checkMany.slack must be"],
      [{ checkMany: { check: () => check, max: 5, size: 3 } }, "there is no option checkMany.size"]
    ]
    for (const [options, message] of wrong) {
      assert.include(
        messageOf(() => make("render", { check: () => check, ...options })),
        `Job.make: ${message}`
      )
      if ("checkMany" in options) continue
      assert.include(
        messageOf(() => (promise.job as Untyped)("render", { check: () => check, ...options })),
        `promise.job: ${message}`
      )
    }
    for (const [name, options] of [["render"], ["render", {}], ["render", null]] as const) {
      assert.strictEqual(
        messageOf(() => (promise.job as Untyped)(name, options)),
        "promise.job: check must be a function, got null"
      )
      assert.strictEqual(
        messageOf(() => make(name, options)),
        "Job.make: check must be a function, got null"
      )
    }
    assert.strictEqual((make("render 2", job) as Job.Any).name, "render 2")
    const codec = { encode: String, decode: Number, unit: "meter" }
    assert.doesNotThrow(() => make("render", { check: () => check, key: codec }))
    assert.strictEqual(
      messageOf(() => (promise.job as Untyped)("", { check: () => check })),
      'promise.job: name must be a non-empty string, got ""'
    )
    assert.include(
      messageOf(() => make(7, { check: () => check })),
      "Job.make: name must be a non-empty string, got 7"
    )
  })

  it("Job.provide - refuses what is no job, no layer, no context", () => {
    const provide = Job.provide as Untyped
    for (const [args, message] of [
      [[{}, Layer.empty], "Job.provide: the job must be a Job, got an object"],
      [[job, { get: 1 }], "Job.provide: services must be a Layer or a Context, got an object"],
      [[job, undefined], "Job.provide: services must be a Layer or a Context, got undefined"]
    ] as const) {
      assert.strictEqual(
        messageOf(() => provide(...args)),
        message
      )
    }
  })

  it("CheckResult.fromEffect - refuses options of another shape", () => {
    for (const [options, message] of [
      [{ pending: "NotReady" }, 'pending must be an array of tags, got "NotReady"'],
      [{ failed: [7] }, "failed must be an array of tags, got an array"],
      [{ hint: "5 seconds" }, 'hint must be a function, got "5 seconds"'],
      [{ penidng: ["NotReady"] }, "there is no option penidng; did you mean pending?"],
      [{ retryAfter: () => 5 }, "there is no option retryAfter"]
    ] as const) {
      assert.strictEqual(
        messageOf(() => (CheckResult.fromEffect as Untyped)(check, options)),
        `CheckResult.fromEffect: ${message}`
      )
    }
  })

  it.effect("PollDefaults - refuses defaults of another shape", () =>
    Effect.gen(function* () {
      for (const [defaults, message] of [
        [{ maxHnt: 5 }, "there is no option maxHnt; did you mean maxHint?"],
        [{ zeroDelay: null }, "zeroDelay must be a non-negative finite duration, got null"],
        [{ checkErrors: { inRow: 3 } }, "there is no option checkErrors.inRow"],
        [{ span: "no" }, 'span must be a boolean, got "no"']
      ] as const) {
        const wait = Poll.until(check, { deadline: "1 hour" })
        const exit = yield* Effect.exit(Effect.provide(wait, PollDefaults.layer(defaults as never)))
        assert.include(String(Exit.isFailure(exit) && Cause.squash(exit.cause)), `RangeError: Poll.until: ${message}`)
      }
    })
  )

  it.effect("Poll.run - refuses a receipt without a key, or with an end that is none", () =>
    Effect.gen(function* () {
      for (const [receipt, message] of [
        [undefined, "Poll.run: the receipt of the submit must be { key }, got undefined"],
        ["r-1", 'Poll.run: the receipt of the submit must be { key }, got "r-1"'],
        [{ id: 7 }, "Poll.run: the receipt of the submit must be { key }, got an object"],
        [{ key: 7 }, "Poll.run: key must be a non-empty string, got 7"],
        [{ key: "a", ended: "done" }, 'Poll.run: ended of the receipt of "a" must be a terminal status, got "done"'],
        [{ key: "a", ended: null }, 'Poll.run: ended of the receipt of "a" must be a terminal status, got null']
      ] as const) {
        const submitting = Job.make("render", {
          check: (id: string) => Effect.succeed(Status.succeeded(id)),
          submit: () => Effect.succeed(receipt as never)
        })
        const defect = yield* Effect.flip(
          Effect.sandbox(Poll.run(submitting, undefined as never, { deadline: "1 hour" }))
        )
        const error = Cause.squash(defect)
        assert.instanceOf(error, RangeError)
        assert.strictEqual(error.message, message)
      }
    })
  )

  it.effect("Poll.run - takes a receipt whose end is pending, or whose hint is no duration", () =>
    Effect.gen(function* () {
      for (const receipt of [{ ended: Status.pending() }, { hint: "soon" }, { hint: {} }]) {
        const stored: Array<string> = []
        const submitting = Job.make("render", {
          check: (id: string) => Effect.succeed(Status.succeeded(id)),
          submit: () => Effect.succeed({ key: "a", ...receipt } as never)
        })
        const onReceipt = ({ key }: { readonly key: string }) => Effect.sync(() => void stored.push(key))
        const result = yield* Poll.run(submitting, undefined as never, { deadline: "1 hour", onReceipt })
        assert.deepStrictEqual([result, stored], ["a", ["a"]])
      }
    })
  )

  it.effect("Poll.run - submits nothing with defaults out of range", () =>
    Effect.gen(function* () {
      let submitted = 0
      const submitting = Job.make("render", {
        check: (id: string) => Effect.succeed(Status.succeeded(id)),
        submit: (key: string) => Effect.sync(() => (submitted++, { key }))
      })
      const exit = yield* Effect.exit(
        Effect.provide(Poll.run(submitting, "a", { deadline: "1 hour" }), PollDefaults.layer({ maxHint: -1 }))
      )
      assert.include(String(Exit.isFailure(exit) && Cause.squash(exit.cause)), "RangeError: Poll.run: maxHint must be")
      assert.strictEqual(submitted, 0)
    })
  )

  it("Poller.make - refuses options of another type", () => {
    const wrong: ReadonlyArray<readonly [options: object, message: string]> = [
      [{ concurrency: "10" }, 'concurrency must be an integer >= 1 or "unbounded", got "10"'],
      [{ concurrencyPerJob: 0 }, 'concurrencyPerJob must be an integer >= 1 or "unbounded", got 0'],
      [{ capacity: 1.5 }, 'capacity must be an integer >= 1 or "unbounded", got 1.5'],
      [{ stagger: "no" }, 'stagger must be a boolean, got "no"'],
      [{ coalesce: "soon" }, 'coalesce must be a non-negative finite duration, got "soon"'],
      [{ linger: -1 }, "linger must be a non-negative finite duration, got -1"],
      [{ onShutdown: [] }, "onShutdown must be a function, got an array"],
      [{ linger: {} }, "linger must be a non-negative finite duration, got an object"],
      [{ capacity: null }, 'capacity must be an integer >= 1 or "unbounded", got null'],
      [{ concurency: 5 }, "there is no option concurency; did you mean concurrency?"]
    ]
    for (const [options, message] of wrong) {
      assert.strictEqual(
        messageOf(() => Poller.make(options)),
        `Poller.make: ${message}`
      )
      assert.strictEqual(
        messageOf(() => Poller.layer(options)),
        `Poller.make: ${message}`
      )
    }
  })

  it.effect("Poller - refuses the same as Poll, and a wrong job, keys or token", () =>
    Effect.gen(function* () {
      const poller = (yield* Poller.make(plain)) as unknown as Record<"add" | "until" | "results" | "resume", Untyped>
      for (const [options, message] of wrongInWaits) {
        const all = { deadline: "1 minute", ...options }
        assert.include(
          messageOf(() => poller.add(job, "a", all)),
          message
        )
        assert.include(
          messageOf(() => poller.until(job, "a", all)),
          message
        )
        assert.include(
          messageOf(() => poller.results(job, ["a"], all)),
          message
        )
      }
      const options = { deadline: "1 minute" }
      assert.include(
        messageOf(() => poller.add({}, "a", options)),
        "Poller.add: the job must be a Job, got an object"
      )
      assert.include(
        messageOf(() => poller.results({}, ["a"], options)),
        "Poller.results: the job must be a Job"
      )
      assert.include(
        messageOf(() => poller.results(job, 5, options)),
        "Poller.results: keys must be an Iterable"
      )
      assert.include(
        messageOf(() => poller.resume(job, undefined)),
        "Poller.resume: token must be"
      )
    })
  )
})
