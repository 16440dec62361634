import { assert, describe, it } from "@effect/vitest"
import {
  dehydrate,
  environmentManager,
  focusManager,
  hydrate,
  onlineManager,
  QueryClient,
  QueryObserver
} from "@tanstack/react-query"
import * as CheckResult from "effect-poll/CheckResult"
import * as Job from "effect-poll/Job"
import type { PollError } from "effect-poll/PollError"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Schema from "effect/Schema"
import { afterAll, afterEach, beforeAll, beforeEach, vi } from "vitest"
import { pollQueryOptions, type PollQueryData } from "@effect-poll/react/query"

// TanStack Query has timers of its own, so time is that of vitest.

const clients: Array<QueryClient> = []

const client = (): QueryClient => {
  const made = new QueryClient()
  made.mount()
  clients.push(made)
  return made
}

beforeAll(() => environmentManager.setIsServer(() => false))
afterAll(() => environmentManager.setIsServer(() => typeof window === "undefined"))
beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 })
})
afterEach(() => {
  for (const made of clients.splice(0)) {
    made.clear()
    made.unmount()
  }
  focusManager.setFocused(undefined)
  onlineManager.setOnline(true)
  vi.useRealTimers()
})

/** Lets promises and fibers settle, and moves the clock. */
const pass = (millis: number) => vi.advanceTimersByTimeAsync(millis)

/** A job that is done with its `last`th check, and when its checks were, in milliseconds since the start. */
const rendering = (last: number, found: (check: number) => CheckResult.CheckResult<string, string> = pendingAt) => {
  const checks: Array<number> = []
  const job = Job.make("render", {
    check: (id: string) =>
      Effect.sync((): CheckResult.CheckResult<string, string> => {
        checks.push(Date.now() - 1_000_000)
        return checks.length < last ? found(checks.length) : Status.succeeded(`${id}.png`)
      }),
    strategy: Strategy.spaced("3 seconds")
  })
  return { checks, job }
}

const pendingAt = (check: number): Status.Status<string, string> =>
  Status.pending({ state: "RENDERING", percent: check * 10, detail: { step: check } })

const observe = <T, Err>(
  from: QueryClient,
  options: ReturnType<typeof pollQueryOptions<string, string, string, never, T>>
) => {
  const observer = new QueryObserver(from, options as never)
  const seen: Array<unknown> = []
  const leave = observer.subscribe((result) => void seen.push(result.data))
  return {
    observer,
    leave,
    result: () => observer.getCurrentResult() as unknown as { data: T | undefined; error: Err | null; status: string }
  }
}

describe("pollQueryOptions", () => {
  it("a mounted query - makes the checks of the strategy until the job ends, and no further one", async () => {
    const { checks, job } = rendering(4)
    const { result } = observe<PollQueryData<string, string>, PollError<string, never>>(
      client(),
      pollQueryOptions(job, "cat", { deadline: "1 minute" })
    )
    await pass(0)
    const first = result().data!
    assert.strictEqual(first.phase, "waiting")
    assert.strictEqual(first.attempt, 1)
    assert.strictEqual(first.nextAt, 1_003_000)
    assert.strictEqual(first.startedAt, 1_000_000)
    assert.deepStrictEqual((first.status as Status.Pending).detail, { step: 1 })
    await pass(60_000)
    assert.deepStrictEqual(checks, [0, 3_000, 6_000, 9_000])
    const last = result().data!
    assert.strictEqual(last.phase, "ended")
    assert.strictEqual(last.attempt, 4)
    assert.deepStrictEqual(last.outcome, { _tag: "Success", value: "cat.png" })
    assert.strictEqual(last.nextAt, undefined)
  })

  it("fetches before the time of the next check - send nothing and keep the data", async () => {
    const { checks, job } = rendering(9)
    const from = client()
    const options = pollQueryOptions(job, "cat", { deadline: "1 minute" })
    const { result } = observe<PollQueryData<string, string>, PollError<string, never>>(from, options)
    await pass(0)
    const before = result().data
    for (let at = 0; at < 50; at++) {
      focusManager.setFocused(false)
      focusManager.setFocused(true)
      onlineManager.setOnline(false)
      onlineManager.setOnline(true)
      await pass(10)
    }
    for (let at = 0; at < 10; at++) {
      await from.invalidateQueries({ queryKey: options.queryKey })
      await from.refetchQueries({ queryKey: options.queryKey })
    }
    assert.deepStrictEqual(checks, [0])
    assert.strictEqual(result().data, before)
    await pass(6_000)
    assert.deepStrictEqual(checks, [0, 3_000, 6_000])
  })

  it("a delay that the server requests - holds under focus, invalidation and a remount", async () => {
    const { checks, job } = rendering(3, (check) => CheckResult.withHint(pendingAt(check), "10 seconds"))
    const from = client()
    const options = pollQueryOptions(job, "cat", { deadline: "1 minute" })
    const first = observe(from, options)
    await pass(1_000)
    first.leave()
    const second = observe(from, options)
    focusManager.setFocused(false)
    focusManager.setFocused(true)
    await from.invalidateQueries({ queryKey: options.queryKey })
    await pass(8_999)
    assert.deepStrictEqual(checks, [0])
    await pass(1)
    assert.deepStrictEqual(checks, [0, 10_000])
    second.leave()
  })

  it("a query that is mounted again - continues with its attempt and deadline", async () => {
    const { checks, job } = rendering(99)
    const from = client()
    const options = pollQueryOptions(job, "cat", { deadline: "20 seconds" })
    const first = observe(from, options)
    await pass(4_000)
    first.leave()
    await pass(8_000)
    assert.deepStrictEqual(checks, [0, 3_000])
    const second = observe<PollQueryData<string, string>, PollError<string, never>>(from, options)
    await pass(0)
    assert.deepStrictEqual(checks, [0, 3_000, 12_000])
    assert.strictEqual(second.result().data!.attempt, 3)
    assert.strictEqual(second.result().data!.startedAt, 1_000_000)
    await pass(30_000)
    assert.strictEqual(second.result().error!._tag, "PollTimeout")
    assert.isAtMost(checks.at(-1)!, 20_000)
  })

  it("a query that has ended - makes no check after a remount, an invalidation or a focus", async () => {
    const { checks, job } = rendering(1)
    const from = client()
    const options = pollQueryOptions(job, "cat", { deadline: "20 seconds" })
    const first = observe(from, options)
    await pass(0)
    first.leave()
    const second = observe<PollQueryData<string, string>, never>(from, options)
    focusManager.setFocused(false)
    focusManager.setFocused(true)
    await from.invalidateQueries({ queryKey: options.queryKey })
    await from.refetchQueries({ queryKey: options.queryKey })
    await pass(60_000)
    assert.deepStrictEqual(checks, [0])
    assert.deepStrictEqual(second.result().data!.outcome, { _tag: "Success", value: "cat.png" })
  })

  it("two components - are one loop", async () => {
    const { checks, job } = rendering(4)
    const from = client()
    const [one, two] = [0, 1].map(() =>
      observe<PollQueryData<string, string>, never>(from, pollQueryOptions(job, "cat", { deadline: "1 minute" }))
    )
    await pass(20_000)
    assert.deepStrictEqual(checks, [0, 3_000, 6_000, 9_000])
    assert.deepStrictEqual(one!.result().data, two!.result().data)
  })

  it("refetchInterval - steps nothing, however often it is called", async () => {
    const { checks, job } = rendering(99)
    const from = client()
    const strategy = Strategy.exponential({ initial: "1 second" })
    const options = pollQueryOptions(job, "cat", { deadline: "1 hour", strategy })
    const { observer } = observe(from, options)
    await pass(0)
    const query = from.getQueryCache().get(observer.getCurrentQuery().queryHash)!
    const call = () => options.refetchInterval(query as never)
    const delays = Array.from({ length: 1_000 }, call)
    assert.deepStrictEqual(new Set(delays), new Set([delays[0]]))
    await pass(400)
    assert.strictEqual(call(), (delays[0] as number) - 400)
    for (let at = 0; at < 20; at++) {
      // A new object of options at each render.
      observer.setOptions(pollQueryOptions(job, "cat", { deadline: "1 hour", strategy }) as never)
      await pass(10)
    }
    assert.deepStrictEqual(checks, [0])
    await pass(400)
    assert.deepStrictEqual(checks, [0, 1_000])
  })

  it("a failed job - is the error of the query, and no fetch checks again", async () => {
    const { checks, job } = rendering(99, () => Status.failed("no paper"))
    const from = client()
    const options = pollQueryOptions(job, "cat", { deadline: "1 minute" })
    const { leave, result } = observe<PollQueryData<string, string>, PollError<string, never>>(from, options)
    await pass(0)
    const { data, error, status } = result()
    assert.strictEqual(status, "error")
    assert.strictEqual(error!._tag, "JobFailed")
    assert.strictEqual(data!.status!._tag, "Failed")
    assert.deepStrictEqual(data!.outcome, { _tag: "Failure", error: error! })
    focusManager.setFocused(false)
    focusManager.setFocused(true)
    await from.invalidateQueries({ queryKey: options.queryKey })
    leave()
    const second = observe<PollQueryData<string, string>, PollError<string, never>>(from, options)
    await pass(60_000)
    assert.deepStrictEqual(checks, [0])
    assert.strictEqual(second.result().error, error)
  })

  it("resetQueries - begins a new wait", async () => {
    const { checks, job } = rendering(99, (check) => (check === 1 ? Status.failed("no paper") : pendingAt(check)))
    const from = client()
    const options = pollQueryOptions(job, "cat", { deadline: "1 minute" })
    const { result } = observe<PollQueryData<string, string>, PollError<string, never>>(from, options)
    await pass(5_000)
    await from.resetQueries({ queryKey: options.queryKey })
    await pass(0)
    assert.deepStrictEqual(checks, [0, 5_000])
    assert.strictEqual(result().data!.attempt, 1)
    assert.strictEqual(result().data!.startedAt, 1_005_000)
  })

  it("a failed check - is no error of the query, and keeps the detail of the last status", async () => {
    let checks = 0
    const job = Job.make("render", {
      check: (_: string) =>
        Effect.suspend(() => (++checks === 2 ? Effect.fail("offline" as const) : Effect.succeed(pendingAt(checks)))),
      strategy: Strategy.spaced("3 seconds")
    })
    const { result } = observe<PollQueryData<string, string, "offline">, PollError<string, "offline">>(
      client(),
      pollQueryOptions(job, "cat", { deadline: "1 minute" }) as never
    )
    await pass(0)
    const before = result().data!.status
    await pass(3_000)
    const { data, error, status } = result()
    assert.strictEqual(checks, 2)
    assert.strictEqual(status, "success")
    assert.strictEqual(error, null)
    assert.strictEqual(data!.lastCheckError, "offline")
    assert.strictEqual(data!.status, before)
    await pass(data!.nextAt! - Date.now())
    assert.strictEqual(checks, 3)
    assert.strictEqual(result().data!.lastCheckError, undefined)
  })

  it("an unmount during the check - aborts it, and makes none afterwards", async () => {
    let begun = 0
    let aborted = 0
    const job = Job.make("render", {
      check: (_: string) =>
        Effect.andThen(
          Effect.sync(() => void begun++),
          Effect.as(Effect.sleep("5 seconds"), Status.pending())
        ).pipe(Effect.onInterrupt(() => Effect.sync(() => void aborted++)))
    })
    const from = client()
    const options = pollQueryOptions(job, "cat", { deadline: "1 minute" })
    const { leave } = observe(from, options as never)
    await pass(1_000)
    leave()
    await pass(60_000)
    assert.deepStrictEqual([begun, aborted], [1, 1])
  })

  it("a component that leaves at once, as in StrictMode - sends nothing", async () => {
    const { checks, job } = rendering(9)
    const from = client()
    const options = pollQueryOptions(job, "cat", { deadline: "1 minute" })
    const { leave, observer } = observe(from, options)
    leave()
    observer.subscribe(() => {})
    await pass(1_000)
    assert.deepStrictEqual(checks, [0])
  })

  it("a hidden window - makes no check, and one is due when it is visible again", async () => {
    const { checks, job } = rendering(99)
    observe(client(), pollQueryOptions(job, "cat", { deadline: "1 hour" }))
    await pass(4_000)
    focusManager.setFocused(false)
    await pass(20_000)
    assert.deepStrictEqual(checks, [0, 3_000])
    focusManager.setFocused(true)
    await pass(0)
    assert.deepStrictEqual(checks, [0, 3_000, 24_000])
  })

  it("a slow check - is fetched once", async () => {
    let fetches = 0
    const job = Job.make("render", {
      check: (_: string) => Effect.as(Effect.sleep("2 seconds"), Status.pending()),
      strategy: Strategy.spaced("1 second")
    })
    const options = pollQueryOptions(job, "cat", { deadline: "1 hour" })
    const counted = { ...options, queryFn: (context: never) => (fetches++, options.queryFn(context)) }
    const from = client()
    observe(from, counted as never)
    await pass(3_500)
    // No timer runs while the check does.
    const [query] = from.getQueryCache().getAll()
    assert.strictEqual(options.refetchInterval(query as never), false)
    await pass(6_000)
    assert.strictEqual(fetches, 4)
  })

  it("without a key - is disabled", async () => {
    const { checks, job } = rendering(9)
    const options = pollQueryOptions(job, undefined, { deadline: "1 minute" })
    observe(client(), options)
    await pass(10_000)
    assert.deepStrictEqual(checks, [])
    assert.deepStrictEqual([...options.queryKey], ["effect-poll", "render", null, null])
  })

  it("another run of the same key - is another query", () => {
    const { job } = rendering(9)
    const options = (run: string) => pollQueryOptions(job, "cat", { deadline: "1 minute", since: { run } })
    assert.notDeepEqual([...options("1").queryKey], [...options("2").queryKey])
  })

  it("an option out of range, and a foreign schedule - throw a RangeError at the call", () => {
    const { job } = rendering(9)
    assert.throws(() => pollQueryOptions(job, "cat", { deadline: -1 }), RangeError)
    assert.throws(() => pollQueryOptions(job, "cat", { deadline: "1 minute", strategy: "soon" as never }), RangeError)
  })

  it("select - is what the component reads", async () => {
    const { job } = rendering(9)
    const select = (data: PollQueryData<string, string>) => data.status?.state
    const { result } = observe<string | undefined, never>(
      client(),
      pollQueryOptions(job, "cat", { deadline: "1 minute", select })
    )
    await pass(0)
    assert.strictEqual(result().data, "RENDERING")
  })

  it("runtime - has the services of the job", async () => {
    class Region extends Context.Service<Region, string>()("Region") {}
    let built = 0
    const runtime = ManagedRuntime.make(
      Layer.effect(
        Region,
        Effect.sync(() => (built++, "eu"))
      )
    )
    const job = Job.make("render", {
      check: (id: string) => Effect.map(Region, (region) => Status.succeeded(`${region}/${id}`))
    })
    const options = pollQueryOptions(job, "cat", { deadline: "1 minute", runtime })
    const state = await client().fetchQuery(options)
    assert.deepStrictEqual(options.select(state).outcome, { _tag: "Success", value: "eu/cat" })
    assert.strictEqual(built, 1)
    await runtime.dispose()
  })

  it("a runtime whose layer fails - is the error of the query, and is not repeated", async () => {
    class Region extends Context.Service<Region, string>()("Region") {}
    let built = 0
    const runtime = ManagedRuntime.make(
      Layer.effect(
        Region,
        Effect.suspend(() => (built++, Effect.fail("down" as const)))
      )
    )
    const job = Job.make("render", { check: (_: string) => Effect.as(Region, Status.pending()) })
    const { result } = observe<unknown, unknown>(
      client(),
      pollQueryOptions(job, "cat", { deadline: "1 minute", runtime }) as never
    )
    await pass(60_000)
    assert.strictEqual(result().error, "down")
    assert.strictEqual(built, 1)
    await runtime.dispose()
  })
})

describe("pollQueryOptions, dehydrated", () => {
  const json = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T

  it("a pending wait - continues in the page: same attempt and deadline, no check before its time", async () => {
    const { checks, job } = rendering(4)
    const options = pollQueryOptions(job, "cat", { deadline: "1 minute" })
    const server = client()
    await server.prefetchQuery(options)
    const page = client()
    hydrate(page, json(dehydrate(server)))
    const { result } = observe<PollQueryData<string, string>, never>(page, options)
    assert.strictEqual(result().data!.attempt, 1)
    assert.isTrue(Status.isStatus(result().data!.status))
    await pass(2_999)
    assert.deepStrictEqual(checks, [0])
    await pass(30_000)
    assert.deepStrictEqual(checks, [0, 3_000, 6_000, 9_000])
    assert.deepStrictEqual(result().data!.outcome, { _tag: "Success", value: "cat.png" })
  })

  it("by a server whose clock is ahead - the delay is that of the server", async () => {
    const { checks, job } = rendering(9)
    const options = pollQueryOptions(job, "cat", { deadline: "1 minute" })
    const server = client()
    await server.prefetchQuery(options)
    vi.setSystemTime(1_000_000 - 60_000)
    const page = client()
    hydrate(page, json(dehydrate(server)))
    observe(page, options)
    await pass(2_900)
    assert.strictEqual(checks.length, 1)
    await pass(200)
    assert.strictEqual(checks.length, 2)
  })

  it("results - are encoded by the Schema of the job, and read as its type", async () => {
    const Review = Schema.Struct({ at: Schema.Date })
    const job = Job.make("review", {
      check: (_: string) => Effect.succeed(Status.succeeded({ at: new Date(0) }))
    }).pipe(Job.withCodecs({ success: Review }))
    const options = pollQueryOptions(job, "cat", { deadline: "1 minute" })
    const server = client()
    await server.prefetchQuery(options)
    const page = client()
    hydrate(page, json(dehydrate(server)))
    const { result } = observe<PollQueryData<{ readonly at: Date }>, never>(page, options as never)
    const { outcome, status } = result().data!
    assert.deepStrictEqual(outcome, { _tag: "Success", value: { at: new Date(0) } })
    assert.deepStrictEqual((status as Status.Succeeded<{ readonly at: Date }>).value, { at: new Date(0) })
  })

  it("an end that was dehydrated without its error - is found again by one check, in the same wait", async () => {
    const { checks, job } = rendering(99, (check) => (check === 1 ? pendingAt(1) : Status.failed("no paper")))
    const options = pollQueryOptions(job, "cat", { deadline: "1 minute" })
    const server = client()
    observe(server, options)
    await pass(5_000)
    assert.deepStrictEqual(checks, [0, 3_000])
    const page = client()
    hydrate(page, json(dehydrate(server, { shouldDehydrateQuery: () => true })))
    const { result } = observe<PollQueryData<string, string>, PollError<string, never>>(page, options)
    await pass(60_000)
    assert.strictEqual(checks.length, 3)
    assert.strictEqual(result().error!._tag, "JobFailed")
    assert.strictEqual(result().error!.attempts, 2)
  })

  for (const found of [
    null,
    "x",
    [],
    { version: 2, token: { dueAt: 9e15 } },
    { version: 1 },
    { version: 1, token: {} }
  ]) {
    it(`data of another release or of a stranger, ${JSON.stringify(found)} - is read as nothing, and fetched again`, async () => {
      const { checks, job } = rendering(2)
      const options = pollQueryOptions(job, "cat", { deadline: "1 hour" })
      const query = client()
      const { result } = observe(query, options)
      await pass(10)
      query.setQueryData(options.queryKey, found as never)
      assert.deepInclude(result().data, { phase: "waiting", attempt: 0, status: undefined })
      await pass(10)
      assert.strictEqual(checks.length, 2)
      assert.deepInclude(result().data, { phase: "ended" })
    })
  }

  it("removeQueries - during the check that finds a failure, the query is not made again", async () => {
    const job = Job.make("render", {
      check: (_: string) => Effect.as(Effect.sleep(1_000), Status.failed("no paper"))
    })
    const options = pollQueryOptions(job, "cat", { deadline: "1 hour" })
    const query = client()
    const fetched = query.fetchQuery(options as never)
    fetched.catch(() => {})
    await pass(500)
    query.removeQueries({ queryKey: options.queryKey })
    await pass(2_000)
    assert.strictEqual(query.getQueryCache().getAll().length, 0)
  })

  it("select that throws - is the error of the component, and the wait goes on", async () => {
    const { checks, job } = rendering(4)
    const select = ({ attempt }: PollQueryData<string, string>) => {
      if (attempt === 2) throw new Error("of the view")
      return attempt
    }
    const { result } = observe(client(), pollQueryOptions(job, "cat", { deadline: "1 hour", select }) as never)
    await pass(3_010)
    assert.strictEqual((result().error as Error | null)?.message, "of the view")
    await pass(10_000)
    assert.strictEqual(checks.length, 4)
    assert.strictEqual(result().data, 4)
  })

  it("data that cannot be read - counts as no data", async () => {
    for (const stored of [{}, { version: 1, token: { version: 9, job: "render", key: "cat", dueAt: 0 }, attempt: 7 }]) {
      const { checks, job } = rendering(9)
      const options = pollQueryOptions(job, "cat", { deadline: "1 minute" })
      const from = client()
      from.setQueryData(options.queryKey, stored as never)
      observe(from, { ...options, staleTime: () => 0 })
      await pass(0)
      assert.strictEqual(checks.length, 1)
      assert.strictEqual(from.getQueryData(options.queryKey)!.attempt, 1)
    }
  })
})
