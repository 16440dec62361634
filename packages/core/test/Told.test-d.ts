// The mistakes below are errors of these kinds too.
// @effect-diagnostics missingEffectError:off missingEffectContext:off
import { describe, expectTypeOf, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { Handle } from "effect-poll/Handle"
import * as Job from "effect-poll/Job"
import * as Poll from "effect-poll/Poll"
import type { PollError, ResumeTokenError } from "effect-poll/PollError"
import type * as Poller from "effect-poll/Poller"
import type { ResumeToken } from "effect-poll/ResumeToken"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import * as Told from "effect-poll/Told"
import * as Wakes from "effect-poll/Wakes"
import { check, ignore, job, type Network, type NetworkError, options } from "./support/types.ts"

class Hub extends Context.Service<Hub, { readonly url: string }>()("test/Hub") {}

declare const poller: Poller.Service
declare const token: ResumeToken
// Of the result string and the failure number, which the job has.
declare const source: Told.Source<string, number, Hub>
declare const wakes: Stream.Stream<Told.Wake, Error>
declare const other: Told.Source<boolean>

type Result = Effect.Effect<string, PollError<number, NetworkError>, Network | Hub>

describe("Told", () => {
  it("signal and push - are of the result and the failure of the job, and require their services", () => {
    expectTypeOf(Poll.until(job, "a", { ...options, signal: source })).toEqualTypeOf<Result>()
    expectTypeOf(Poll.until(check, { ...options, push: source })).toEqualTypeOf<Result>()
    expectTypeOf(Poll.until(job, "a", { ...options, push: wakes, behind: Strategy.spaced(5) })).toEqualTypeOf<
      Effect.Effect<string, PollError<number, NetworkError>, Network>
    >()
    expectTypeOf(poller.until(job, "a", { ...options, signal: source })).toEqualTypeOf<Result>()
    expectTypeOf(poller.add(job, "a", { ...options, signal: source })).toEqualTypeOf<
      Effect.Effect<Handle<string, number, NetworkError>, never, Network | Hub>
    >()
    expectTypeOf(Poll.resume(job, token, { signal: source })).toEqualTypeOf<
      Effect.Effect<string, PollError<number, NetworkError> | ResumeTokenError, Network | Hub>
    >()
    expectTypeOf(poller.resume(job, token, { push: source })).toEqualTypeOf<
      Effect.Effect<Handle<string, number, NetworkError>, ResumeTokenError, Network | Hub>
    >()
  })

  it("results - takes a stream for each key", () => {
    const results = poller.results(job, ["a"], {
      ...options,
      signal: (key) => {
        expectTypeOf(key).toEqualTypeOf<string>()
        return source
      }
    })
    expectTypeOf(results).toEqualTypeOf<
      Stream.Stream<Poller.Settled<string, string, number, NetworkError>, never, Network | Hub>
    >()
    // @ts-expect-error one stream for all keys
    ignore(poller.results(job, ["a"], { ...options, signal: source }))
  })

  it("a stream of another result or failure - is an error", () => {
    // @ts-expect-error another result
    ignore(Poll.until(job, "a", { ...options, signal: other }))
    // @ts-expect-error another result
    ignore(Poll.until(check, { ...options, signal: other }))
    // @ts-expect-error another failure
    ignore(Poll.start(job, "a", { ...options, push: Stream.make(Told.ended(Status.failed("no"))) }))
    // @ts-expect-error another result
    ignore(poller.add(job, "a", { ...options, push: other }))
    // @ts-expect-error another result
    ignore(poller.results(job, ["a"], { ...options, push: () => other }))
    // @ts-expect-error another result
    ignore(Poll.resume(job, token, { signal: other }))
    // @ts-expect-error a stream of statuses
    ignore(Poll.until(job, "a", { ...options, push: Stream.make(Status.succeeded("done")) }))
  })

  it("until with the options first - has the results of both", () => {
    expectTypeOf(check.pipe(Poll.until({ ...options, signal: source }))).toEqualTypeOf<Result>()
    expectTypeOf(check.pipe(Poll.until({ ...options, signal: other }))).toEqualTypeOf<
      Effect.Effect<string | boolean, PollError<number, NetworkError>, Network>
    >()
  })

  it("a literal - is no Told", () => {
    // @ts-expect-error what is told is made by the module
    ignore(Poll.until(job, "a", { ...options, push: Stream.make({ _tag: "Wake" as const }) }))
  })

  it("fromStream - is dual, and keeps the error and the services of the stream", () => {
    const numbers = Stream.make(1) as Stream.Stream<number, "gone", Hub>
    const toTold = (n: number) => (n > 0 ? Told.ended(Status.succeeded(n)) : undefined)
    type Made = Stream.Stream<Told.Told<number, never>, "gone", Hub>
    expectTypeOf(Told.fromStream(numbers, toTold)).toExtend<Made>()
    expectTypeOf(numbers.pipe(Told.fromStream(toTold))).toExtend<Made>()
  })

  it("push of a job - is of its result, and its services are those of the job", () => {
    const pushed = Job.make("render", {
      check: (_: string) => Effect.andThen(Hub, check),
      push: (id): Told.Source<string, number, Network | Hub> => (id === "" ? Stream.empty : source)
    })
    expectTypeOf(pushed).toExtend<Job.Watchable<string, string, number, NetworkError, Network | Hub>>()
    const hub = Context.make(Hub, { url: "wss://hub" })
    expectTypeOf(Job.provide(pushed, hub)).toExtend<Job.Watchable<string, string, number, NetworkError, Network>>()
  })

  it("tell - takes what is of the result of the job", () => {
    ignore(Wakes.tell(job, "a", Told.ended(Status.succeeded("done"))))
    // @ts-expect-error another result
    ignore(Wakes.tell(job, "a", Told.ended(Status.succeeded(5))))
    // @ts-expect-error another key
    ignore(Wakes.wake(job, 5))
  })
})
