import { assert, describe, it, vi } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as CheckError from "effect-poll/CheckError"
import * as CheckResult from "effect-poll/CheckResult"
import * as Job from "effect-poll/Job"
import type { PollError } from "effect-poll/PollError"
import * as promise from "effect-poll/promise"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { countingSignal } from "./support/signals.ts"

const quick = Strategy.spaced("1 millis")
const options = { strategy: quick, deadline: "10 seconds" } as const
const pending = Status.pending()

const rejectionOf = (result: Promise<unknown>): Promise<unknown> =>
  result.then(
    (value) => assert.fail(`resolved with ${String(value)}`),
    (error: unknown) => error
  )

const pollErrorOf = async (result: Promise<unknown>) => (await rejectionOf(result)) as PollError<unknown, unknown>

/** What a function writes to the console, and to stderr. */
const written = async (run: () => Promise<unknown>): Promise<ReadonlyArray<unknown>> => {
  const lines: Array<unknown> = []
  const record = (...args: ReadonlyArray<unknown>) => lines.push(args[0]) > 0
  const spies = [
    ...(["log", "info", "warn", "error", "debug"] as const).map((name) => vi.spyOn(console, name)),
    vi.spyOn(process.stderr, "write")
  ]
  for (const spy of spies) spy.mockImplementation(record)
  try {
    await run()
  } finally {
    for (const spy of spies) spy.mockRestore()
  }
  return lines
}

/** A check that never answers, and how often its signal aborted. */
const hanging = () => {
  const reasons: Array<unknown> = []
  const check = ({ signal }: promise.Context) =>
    new Promise<Status.Status<string>>((_, reject) => {
      signal.addEventListener("abort", () => {
        reasons.push(signal.reason)
        reject(signal.reason)
      })
    })
  return { check, reasons }
}

/** A job of async functions, and the calls that it received. */
const renderJob = (checks = 3) => {
  const calls: Array<string> = []
  let made = 0
  const job = promise.job("render", {
    submit: async (scene: string) => {
      calls.push(`submit ${scene}`)
      return { key: `${scene}-1` }
    },
    check: async (id: string) => {
      calls.push(`check ${id}`)
      return ++made < checks ? Status.pending() : Status.succeeded(`${id}.png`)
    },
    cancel: async (id) => calls.push(`cancel ${id}`),
    strategy: quick
  })
  return { job, calls }
}

describe("promise", () => {
  describe("poll", () => {
    it("check - may be async or not, and is given attempt, cursor and last status", async () => {
      const given: Array<unknown> = []
      const result = await promise.poll(({ attempt, cursor, last, signal }) => {
        given.push([attempt, cursor, last?._tag, signal.aborted])
        if (attempt === 3) return Status.succeeded("done")
        const status = CheckResult.withCursor(Status.pending({ state: "RUNNING" }), `c${attempt}`)
        return attempt === 1 ? status : Promise.resolve(status)
      }, options)
      assert.strictEqual(result, "done")
      assert.deepStrictEqual(given, [
        [1, undefined, undefined, false],
        [2, "c1", "Pending", false],
        [3, "c2", "Pending", false]
      ])
    })

    it("job - is waited for by its key", async () => {
      assert.strictEqual(await promise.poll(renderJob().job, "a", options), "a.png")
      const job = Job.make("j", { check: (id: string) => Effect.succeed(Status.succeeded(id)) })
      assert.strictEqual(await promise.poll(job, "b", options), "b")
    })

    it("job with services - works once they are provided", async () => {
      class Region extends Context.Service<Region, string>()("test/Region") {}
      const job = Job.make("j", { check: () => Effect.map(Region, (region) => Status.succeeded(region)) })
      assert.strictEqual(await promise.poll(Job.provide(job, Layer.succeed(Region, "eu")), "a", options), "eu")
    })

    it("job that failed - rejects with JobFailed", async () => {
      const error = await pollErrorOf(promise.poll(async () => Status.failed("torn"), options))
      assert(error._tag === "JobFailed")
      assert.strictEqual(error.failure, "torn")
      assert.instanceOf(error, Error)
    })

    it("check that throws or rejects - is checked again", async () => {
      const result = await promise.poll(
        ({ attempt }) => {
          if (attempt === 1) throw new Error("thrown")
          return attempt === 2 ? Promise.reject(new Error("rejected")) : Promise.resolve(Status.succeeded(attempt))
        },
        { ...options, checkErrors: { schedule: quick } }
      )
      assert.strictEqual(result, 3)
    })

    it("check error that states its kind - is of that kind", async () => {
      const denied = Object.assign(new Error("denied"), { [CheckError.kind]: CheckError.permanent() })
      const error = await pollErrorOf(promise.poll(() => Promise.reject(denied), options))
      assert(error._tag === "CheckRejected")
      assert.strictEqual(error.error, denied)
    })

    it("kindOf - classifies what the check threw", async () => {
      let checks = 0
      const result = promise.poll(
        async () => {
          checks++
          throw new SyntaxError("bad body")
        },
        {
          ...options,
          checkErrors: {
            kindOf: (error) => (error instanceof SyntaxError ? CheckError.permanent() : CheckError.transient())
          }
        }
      )
      assert.deepStrictEqual([(await pollErrorOf(result))._tag, checks], ["CheckRejected", 1])
    })

    it("check that returns no status - rejects with a TypeError that does not show it", async () => {
      for (const value of ["secret", undefined, 7, { status: "secret" }]) {
        const error = await rejectionOf(promise.poll(async () => value as never, options))
        assert.instanceOf(error, TypeError)
        assert.match(error.message, /must return a status/)
        assert.notInclude(error.message, "secret")
      }
    })

    it("bad options - reject with a RangeError, also when there are none", async () => {
      const check = async () => pending
      assert.instanceOf(await rejectionOf(promise.poll(check, { deadline: 0 })), RangeError)
      const none = promise.poll as (...args: ReadonlyArray<unknown>) => Promise<unknown>
      assert.match(((await rejectionOf(none(check))) as Error).message, /^promise\.poll: deadline/)
      assert.match(((await rejectionOf(none(renderJob().job, "a"))) as Error).message, /^promise\.poll: deadline/)
    })

    it("name - is in the error", async () => {
      const result = promise.poll(async () => Status.failed("torn"), { ...options, name: "nightly export" })
      assert.match((await pollErrorOf(result)).message, /^nightly export failed/)
    })
  })

  describe("signal", () => {
    it("abort - rejects with its reason, and passes it to the check in flight [R8]", async () => {
      const { controller, count, signal } = countingSignal()
      const { check, reasons } = hanging()
      const result = promise.poll(check, { ...options, signal })
      const reason = new Error("the tab was closed")
      controller.abort(reason)
      assert.strictEqual(await rejectionOf(result), reason)
      assert.deepStrictEqual([reasons, count.now], [[reason], 0])
    })

    it("abort between two checks - rejects at once, and no check follows [R8]", async () => {
      const controller = new AbortController()
      let checks = 0
      const result = promise.poll(async () => (checks++, pending), {
        deadline: "1 hour",
        strategy: Strategy.spaced("30 minutes"),
        signal: controller.signal
      })
      await new Promise((resolve) => setImmediate(resolve))
      controller.abort("enough")
      assert.deepStrictEqual([await rejectionOf(result), checks], ["enough", 1])
    })

    it("signal that has already aborted - makes no check [R8]", async () => {
      let checks = 0
      const check = async () => (checks++, pending)
      const signal = AbortSignal.abort("before")
      assert.strictEqual(await rejectionOf(promise.poll(check, { ...options, signal })), "before")
      assert.strictEqual(await rejectionOf(promise.run(renderJob().job, "a", { ...options, signal })), "before")
      assert.throws(() => promise.start(check, { ...options, signal }), "before")
      assert.strictEqual(checks, 0)
    })

    it("listeners - are gone after every ending [R9]", async () => {
      const endings = [
        async () => Status.succeeded(1),
        async () => Status.failed("torn"),
        () => Promise.reject(Object.assign(new Error("denied"), { [CheckError.kind]: CheckError.permanent() })),
        async () => 7 as never,
        async ({ attempt }: promise.Context) => (attempt < 50 ? Status.pending() : Status.canceled())
      ]
      for (const check of endings) {
        const { count, signal } = countingSignal()
        await promise.poll<unknown, unknown>(check, { ...options, signal }).catch(() => {})
        assert.deepStrictEqual(count, { now: 0, most: 1 })
        await promise.start<unknown, unknown>(check, { ...options, signal }).result.catch(() => {})
        assert.deepStrictEqual(count, { now: 0, most: 1 })
      }
    })

    it("check that takes too long - has its signal aborted, and is made again", async () => {
      const { check, reasons } = hanging()
      const result = await promise.poll(
        (context) => (context.attempt === 1 ? check(context) : Promise.resolve(Status.succeeded("late"))),
        { ...options, checkTimeout: 5, checkErrors: { schedule: quick } }
      )
      assert.deepStrictEqual([result, reasons.length], ["late", 1])
    })

    it("console - is never written to", async () => {
      const lines = await written(async () => {
        const controller = new AbortController()
        const aborted = promise.poll(hanging().check, { ...options, signal: controller.signal })
        controller.abort("enough")
        await rejectionOf(aborted)
        await rejectionOf(promise.poll(async () => Status.failed("torn"), options))
        const failing = () => Promise.reject(new Error("reset"))
        await rejectionOf(promise.poll(failing, { ...options, checkErrors: { schedule: quick, maxConsecutive: 4 } }))
        await rejectionOf(promise.poll(async () => Status.pending({ progress: 50 }), { ...options, deadline: 20 }))
      })
      assert.deepStrictEqual(lines, [])
    })
  })

  describe("onProgress", () => {
    it("onProgress - receives each pending status that differs from the one before, in order", async () => {
      const seen: Array<unknown> = []
      const result = await promise.poll(
        async ({ attempt }) =>
          attempt < 6 ? Status.pending({ percent: Math.floor(attempt / 2) * 10 }) : Status.succeeded(),
        { ...options, onProgress: ({ progress }, event) => seen.push([event.attempt, progress]) }
      )
      assert.isUndefined(result)
      assert.deepStrictEqual(seen, [
        [1, 0],
        [2, 0.1],
        [4, 0.2]
      ])
    })

    it("onProgress of run, resume and start - is called too", async () => {
      const seen: Array<string> = []
      const onProgress = ({ state = "pending" }) => seen.push(state)
      await promise.run(renderJob(2).job, "a", { ...options, onProgress })
      const { job } = renderJob(2)
      const token = await promise
        .start(promise.job("render", { check: (_id: string, context) => hanging().check(context) }), "b", options)
        .leave()
      await promise.resume(job, token, { onProgress })
      await promise.start(renderJob(2).job, "c", { ...options, onProgress }).result
      assert.deepStrictEqual(seen, ["pending", "pending", "pending"])
    })

    it("onProgress that throws or rejects - is reported, and the wait gets its result", async () => {
      const thrown = new Error("bar is broken")
      const rejected = new Error("bar is gone")
      let result: unknown
      const lines = await written(async () => {
        result = await promise.poll(
          async ({ attempt }) => (attempt < 3 ? Status.pending({ percent: attempt }) : Status.succeeded("done")),
          {
            ...options,
            onProgress: (_, { attempt }) => {
              if (attempt === 1) throw thrown
              return Promise.reject(rejected)
            }
          }
        )
      })
      assert.deepStrictEqual([result, lines], ["done", [thrown, rejected]])
    })

    it("onProgress - is not called once the signal has aborted", async () => {
      const controller = new AbortController()
      const seen: Array<unknown> = []
      const result = promise.poll(
        () => {
          // After the check has returned, and before callbacks are called.
          queueMicrotask(() => controller.abort("enough"))
          return Status.pending()
        },
        { ...options, signal: controller.signal, onProgress: (status) => seen.push(status) }
      )
      assert.deepStrictEqual([await rejectionOf(result), seen], ["enough", []])
    })
  })

  describe("start", () => {
    it("handle - shows the status and the token, checks on demand, pauses and unpauses", async () => {
      let state = "QUEUED"
      let checks = 0
      let onRunning = () => {}
      const isRunning = new Promise<void>((resolve) => (onRunning = resolve))
      const handle = promise.start(
        () => (checks++, state === "DONE" ? Status.succeeded("a.png") : Status.pending({ state })),
        {
          deadline: "1 hour",
          strategy: Strategy.spaced("30 minutes"),
          onProgress: (status) => status.state === "RUNNING" && onRunning()
        }
      )
      assert.deepStrictEqual([handle.status()?.state, handle.token().attempts, checks], ["QUEUED", 1, 1])
      state = "RUNNING"
      handle.checkNow()
      // Not before `zeroDelay` has passed since the check before.
      await isRunning
      assert.deepStrictEqual([handle.status()?.state, checks], ["RUNNING", 2])
      state = "DONE"
      handle.pause()
      handle.checkNow()
      assert.strictEqual(checks, 2)
      handle.unpause()
      handle.checkNow()
      assert.strictEqual(await handle.result, "a.png")
      handle.checkNow({ force: true })
      assert.strictEqual(checks, 3)
    })

    it("interrupt - rejects the result with the reason, and aborts the check", async () => {
      const { check, reasons } = hanging()
      const handle = promise.start(check, options)
      const reason = new Error("closed")
      await handle.interrupt(reason)
      assert.deepStrictEqual([await rejectionOf(handle.result), reasons], [reason, [reason]])
      const other = promise.start(hanging().check, options)
      await other.interrupt()
      assert.propertyVal((await rejectionOf(other.result)) as object, "name", "AbortError")
    })

    it("interrupt after the end - changes nothing", async () => {
      const handle = promise.start(async () => Status.failed("torn"), options)
      assert.strictEqual((await pollErrorOf(handle.result))._tag, "JobFailed")
      await handle.interrupt("late")
      assert.strictEqual((await pollErrorOf(handle.result))._tag, "JobFailed")
    })

    it("interrupt - cancels the job if the options say so", async () => {
      const { calls, job } = renderJob(99)
      const slow = { ...options, strategy: Strategy.spaced("1 hour"), deadline: "2 hours" } as const
      await promise.start(job, "a", { ...slow, onInterrupt: "cancelRemote" }).interrupt()
      assert.deepStrictEqual(calls, ["check a", "cancel a"])
    })

    it("signal - interrupts the wait with its reason", async () => {
      const controller = new AbortController()
      const handle = promise.start(hanging().check, { ...options, signal: controller.signal })
      controller.abort("shutdown")
      assert.strictEqual(await rejectionOf(handle.result), "shutdown")
    })

    it("cancel - asks the server, and the wait continues", async () => {
      const { calls, job } = renderJob(2)
      const handle = promise.start(job, "a", { deadline: "1 hour", strategy: Strategy.spaced("30 minutes") })
      await handle.cancel()
      assert.strictEqual(await handle.result, "a.png")
      assert.deepStrictEqual(calls, ["check a", "cancel a", "check a"])
    })

    it("cancel without one - rejects with CancelFailed", async () => {
      const handle = promise.start(async () => pending, options)
      assert.propertyVal((await rejectionOf(handle.cancel())) as object, "_tag", "CancelFailed")
      await handle.interrupt()
    })

    it("leave - returns a token without canceling, from which the wait is resumed", async () => {
      const { calls, job } = renderJob(2)
      const slow = { deadline: "2 hours", strategy: Strategy.spaced("1 hour"), onInterrupt: "cancelRemote" } as const
      const handle = promise.start(job, "a", slow)
      const token = await handle.leave()
      assert.propertyVal((await rejectionOf(handle.result)) as object, "name", "AbortError")
      // The check in flight is due again.
      assert.deepStrictEqual([calls, token.attempts], [["check a"], 0])
    })

    it("result that rejects and is not awaited - is not an unhandled rejection", async () => {
      const unhandled: Array<unknown> = []
      const record = (error: unknown) => unhandled.push(error)
      process.on("unhandledRejection", record)
      promise.start(async () => Status.failed("torn"), options)
      await new Promise((resolve) => setTimeout(resolve, 20))
      process.off("unhandledRejection", record)
      assert.deepStrictEqual(unhandled, [])
    })

    it("bad options - throw a RangeError", () => {
      assert.throws(() => promise.start(async () => pending, { deadline: -1 }), RangeError)
    })
  })

  describe("run", () => {
    it("run - submits, stores the receipt before the first check, and waits", async () => {
      const { calls, job } = renderJob(2)
      const result = await promise.run(job, "cat", {
        ...options,
        onReceipt: async ({ attempts, key }, receipt) => {
          await Promise.resolve()
          calls.push(`stored ${key} ${receipt.key} ${attempts}`)
        }
      })
      assert.strictEqual(result, "cat-1.png")
      assert.deepStrictEqual(calls, ["submit cat", "stored cat-1 cat-1 0", "check cat-1", "check cat-1"])
    })

    it("onReceipt that rejects - rejects with that error, and no check is made", async () => {
      const { calls, job } = renderJob()
      const full = new Error("disk full")
      const result = promise.run(job, "cat", { ...options, onReceipt: () => Promise.reject(full) })
      assert.strictEqual(await rejectionOf(result), full)
      assert.deepStrictEqual(calls, ["submit cat"])
    })

    it("submit that rejects - rejects with that error, and is not repeated", async () => {
      let submits = 0
      const busy = new Error("busy")
      const job = promise.job("render", {
        submit: (_scene: string) => (submits++, Promise.reject(busy)),
        check: async (id: string) => Status.succeeded(id)
      })
      assert.strictEqual(await rejectionOf(promise.run(job, "cat", options)), busy)
      assert.strictEqual(submits, 1)
    })

    it("abort during the submit - aborts its signal, and rejects with the reason", async () => {
      const controller = new AbortController()
      const reasons: Array<unknown> = []
      const job = promise.job("render", {
        submit: (_scene: string, { signal }) =>
          new Promise<{ readonly key: string }>(() => {
            signal.addEventListener("abort", () => reasons.push(signal.reason))
          }),
        check: async (id) => Status.succeeded(id)
      })
      const result = promise.run(job, "cat", { ...options, signal: controller.signal })
      controller.abort("enough")
      assert.deepStrictEqual([await rejectionOf(result), reasons], ["enough", ["enough"]])
    })
  })

  describe("resume", () => {
    it("resume - takes a token, its JSON text, or the object that was parsed from it", async () => {
      const job = promise.job("render", {
        check: async (id: string, { attempt }) =>
          attempt === 1 ? Status.pending() : Status.succeeded(`${id} ${attempt}`),
        strategy: quick
      })
      const token = await promise.start(job, "a", { deadline: "1 hour" }).leave()
      const text = JSON.stringify(token)
      assert.strictEqual(await promise.resume(job, token), "a 2")
      assert.strictEqual(await promise.resume(job, text), "a 2")
      assert.strictEqual(await promise.resume(job, JSON.parse(text) as never), "a 2")
    })

    it("token that is malformed or of another job - rejects with ResumeTokenError", async () => {
      const { job } = renderJob()
      const token = await promise
        .start(promise.job("other", { check: (_id: string, context) => hanging().check(context) }), "a", options)
        .leave()
      for (const bad of ["{", "{}", { version: 1 } as never, { version: 9 } as never, token]) {
        const error = await rejectionOf(promise.resume(job, bad))
        assert.propertyVal(error as object, "_tag", "ResumeTokenError")
      }
    })
  })

  describe("advance", () => {
    it("advance - makes one check per call, and yields a token or the value [R67]", async () => {
      const { calls, job } = renderJob(2)
      const first = await promise.advance(job, "a", { ...options, strategy: Strategy.spaced("20 millis") })
      assert(first._tag === "Pending")
      assert.deepStrictEqual([first.attempts, calls.length], [1, 1])
      const early = await promise.advance(job, first.token, options)
      assert(early._tag === "Pending")
      assert.deepStrictEqual([early.dueAt, calls.length], [first.dueAt, 1])
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, first.dueAt - Date.now() + 1)))
      const stored = JSON.parse(JSON.stringify(first.token)) as typeof first.token
      assert.deepStrictEqual(await promise.advance(job, stored, options), { _tag: "Ended", value: "a.png" })
      assert.strictEqual(calls.length, 2)
    })

    it("an end that is an error, and a bad token - reject [R67]", async () => {
      const job = promise.job("render", { check: async (_id: string) => Status.failed("torn") })
      assert.strictEqual((await pollErrorOf(promise.advance(job, "a", options)))._tag, "JobFailed")
      const bad = { version: 9, job: "render", key: "a" } as never
      assert.propertyVal((await rejectionOf(promise.advance(job, bad, options))) as object, "_tag", "ResumeTokenError")
    })

    it("abort - rejects with the reason, aborts the check, and leaves no listener [R67]", async () => {
      const { check, reasons } = hanging()
      const counting = countingSignal()
      const job = promise.job("render", { check: (_id: string, context) => check(context) })
      const result = promise.advance(job, "a", { ...options, signal: counting.signal })
      await new Promise((resolve) => setTimeout(resolve, 5))
      counting.controller.abort("enough")
      assert.deepStrictEqual([await rejectionOf(result), reasons], ["enough", ["enough"]])
      assert.strictEqual(counting.count.now, 0)
    })

    it("onProgress and an async handler - are called within the call [R67]", async () => {
      const seen = new Set<string>()
      const job = promise.job("render", { check: async (_id: string) => Status.pending({ action: { id: "login" } }) })
      const found = await promise.advance(job, "a", {
        ...options,
        onProgress: ({ action }) => seen.add(`progress ${action?.id}`),
        onAction: async ({ id }) => {
          await Promise.resolve()
          seen.add(`handled ${id}`)
        }
      })
      assert.deepStrictEqual(seen, new Set(["handled login", "progress login"]))
      assert(found._tag === "Pending" && found.dueAt <= Date.now())
    })
  })

  describe("job", () => {
    it("job - takes a key codec, a missing policy and error policies", async () => {
      const gone = promise.job("render", {
        key: { encode: (id: number) => String(id), decode: Number },
        check: async (id) => (id === 7 ? CheckResult.missing : Status.pending()),
        missing: { gone: () => Status.canceled({ reason: "deleted" }) }
      })
      assert.strictEqual((await pollErrorOf(promise.poll(gone, 7, options)))._tag, "JobCanceled")
    })
  })
})
