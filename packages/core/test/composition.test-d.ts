// Wrong tags are among the mistakes below, and layers are provided on purpose.
// @effect-diagnostics missingEffectError:off missingEffectContext:off provideLayerSucceedToProvideService:off
import { describe, expectTypeOf, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { pipe } from "effect/Function"
import * as Layer from "effect/Layer"
import type { Result } from "effect/Result"
import type * as Schedule from "effect/Schedule"
import type { Scope } from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Handle } from "effect-poll/Handle"
import * as Job from "effect-poll/Job"
import * as Gate from "effect-poll/Gate"
import * as Poll from "effect-poll/Poll"
import type { PollError, ResumeTokenError } from "effect-poll/PollError"
import type { PollEvent } from "effect-poll/PollEvent"
import * as Poller from "effect-poll/Poller"
import * as Quorum from "effect-poll/Quorum"
import type { ResumeToken } from "effect-poll/ResumeToken"
import type * as Status from "effect-poll/Status"
import type { SubmitError } from "effect-poll/SubmitError"
import { check, ignore, job, type Network, type NetworkError, options } from "./support/types.ts"

// What Effect.all, a generator or a layer expects of its parts must not become what a wait requires or fails with.

class Pacer extends Context.Service<Pacer, { readonly millis: number }>()("test/Pacer") {}
class Store extends Context.Service<Store, { readonly save: Effect.Effect<void, "full"> }>()("test/Store") {}
class Net extends Context.Service<Net, Network>()("test/Net") {}

declare const poller: Poller.Service
declare const token: ResumeToken
declare const plain: Effect.Effect<Status.Pending | Status.Succeeded<string>>
declare const idle: Effect.Effect<Status.Pending>
declare const online: Job.Job<string, string, number, NetworkError, Net, boolean, "busy">
declare const offline: Job.Job<number, Date, "torn">
declare const paced: Schedule.Schedule<number, unknown, never, Pacer>

const onReceipt = () => Effect.flatMap(Store, (store) => store.save)
const gate = Gate.make(() => Effect.as(Store, Gate.open))

type Failed = PollError<number, NetworkError>
// Where effect unites the errors of its parts, CheckRejected<never> goes into CheckRejected<NetworkError>.
type FailedOrTorn = Failed | Extract<PollError<"torn", never>, { readonly _tag: "JobFailed" }>

describe("Effect.all", () => {
  it("until - adds nothing to its services and errors", () => {
    const noResult = Effect.all([Poll.until(idle, options)])
    expectTypeOf(Effect.all([Poll.until(check, options)])).toEqualTypeOf<Effect.Effect<[string], Failed, Network>>()
    expectTypeOf(Effect.all([Poll.until(job, "a", options)])).toEqualTypeOf<Effect.Effect<[string], Failed, Network>>()
    expectTypeOf(Effect.all([check.pipe(Poll.until(options))])).toEqualTypeOf<
      Effect.Effect<[string], Failed, Network>
    >()
    expectTypeOf(Effect.all([pipe(check, Poll.until(options))])).toEqualTypeOf<
      Effect.Effect<[string], Failed, Network>
    >()
    expectTypeOf(Effect.all([Poll.until(plain, options)])).toEqualTypeOf<
      Effect.Effect<[string], PollError<never, never>>
    >()
    expectTypeOf<Effect.Error<typeof noResult>>().toEqualTypeOf<PollError<never, never>>()
    expectTypeOf<Effect.Services<typeof noResult>>().toBeNever()
  })

  it("run - has the errors of submit and onReceipt only", () => {
    expectTypeOf(Effect.all([Poll.run(job, true, options)])).toEqualTypeOf<
      Effect.Effect<[string], Failed | "busy" | SubmitError, Network>
    >()
    expectTypeOf(Effect.all([Poll.run(job, true, { ...options, onReceipt })])).toEqualTypeOf<
      Effect.Effect<[string], Failed | "busy" | SubmitError | "full", Network | Store>
    >()
    expectTypeOf(Effect.all([Poll.until(job, "a", options), Poll.run(job, true, options)])).toEqualTypeOf<
      Effect.Effect<[string, string], Failed | "busy" | SubmitError, Network>
    >()
  })

  it("resume, start and a collected stream of events - add nothing", () => {
    expectTypeOf(Effect.all([Poll.resume(job, token)])).toEqualTypeOf<
      Effect.Effect<[string], Failed | ResumeTokenError, Network>
    >()
    expectTypeOf(Effect.all([Poll.start(job, "a", options), Poll.start(check, options)])).toEqualTypeOf<
      Effect.Effect<
        [Handle<string, number, NetworkError>, Handle<string, number, NetworkError>],
        never,
        Network | Scope
      >
    >()
    expectTypeOf(Effect.all([Stream.runCollect(Poll.events(check, options))])).toEqualTypeOf<
      Effect.Effect<[Array<PollEvent<string, number, NetworkError>>], never, Network>
    >()
  })

  it("strategy, gate and observers - add their services only", () => {
    expectTypeOf(Effect.all([Poll.until(job, "a", { ...options, strategy: paced })])).toEqualTypeOf<
      Effect.Effect<[string], Failed, Network | Pacer>
    >()
    expectTypeOf(Effect.all([check.pipe(Poll.until({ ...options, gate }))])).toEqualTypeOf<
      Effect.Effect<[string], Failed, Network | Store>
    >()
    const observers = [{ observe: () => Effect.asVoid(Pacer) }]
    expectTypeOf(Effect.all([Poll.until(plain, { ...options, observers })])).toEqualTypeOf<
      Effect.Effect<[string], PollError<never, never>, Pacer>
    >()
  })

  it("options made in place - add nothing of their own", () => {
    expectTypeOf(
      Effect.all([
        Poll.until(job, "a", { ...options, gate: Gate.make(() => Effect.succeed(Gate.open)) }),
        Poll.until(check, { ...options, observers: [{ observe: () => Effect.void }] })
      ])
    ).toEqualTypeOf<Effect.Effect<[string, string], Failed, Network>>()
    expectTypeOf(
      Effect.all([Poll.run(job, true, { ...options, onReceipt: () => Effect.fail("full" as const) })])
    ).toEqualTypeOf<Effect.Effect<[string], Failed | "busy" | SubmitError | "full", Network>>()
    expectTypeOf(
      Effect.all([Poll.until(Job.make("render", { check: (_id: string) => check }), "a", options)])
    ).toEqualTypeOf<Effect.Effect<[string], Failed, Network>>()
  })

  it("a record with options - stays exact", () => {
    expectTypeOf(
      Effect.all({ a: Poll.until(job, "a", options), b: poller.until(offline, 1, options) }, { concurrency: 2 })
    ).toEqualTypeOf<Effect.Effect<{ a: string; b: Date }, Failed | PollError<"torn", never>, Network>>()
    expectTypeOf(Effect.all([Poll.run(job, true, options)], { mode: "result" })).toEqualTypeOf<
      Effect.Effect<[Result<string, Failed | "busy" | SubmitError>], never, Network>
    >()
  })

  it("effects around a wait - stay exact", () => {
    const mapped = Effect.all([
      Effect.map(Poll.until(job, "a", options), (name) => name.length),
      Poll.until(offline, 1, options).pipe(Effect.map((date) => date.getTime()))
    ])
    expectTypeOf(mapped).toEqualTypeOf<Effect.Effect<[number, number], FailedOrTorn, Network>>()
    const nested = Effect.all([Effect.all([Poll.run(job, true, options)]), Effect.scoped(Poll.start(check, options))])
    expectTypeOf(nested).toEqualTypeOf<
      Effect.Effect<[[string], Handle<string, number, NetworkError>], Failed | "busy" | SubmitError, Network>
    >()
  })

  it("poller - adds nothing", () => {
    expectTypeOf(Effect.all([poller.until(job, "a", options), poller.add(job, "a", options)])).toEqualTypeOf<
      Effect.Effect<[string, Handle<string, number, NetworkError>], Failed, Network>
    >()
    expectTypeOf(Effect.all([poller.resume(job, token)])).toEqualTypeOf<
      Effect.Effect<[Handle<string, number, NetworkError>], ResumeTokenError, Network>
    >()
    expectTypeOf(Effect.all([Stream.runDrain(poller.results(job, ["a"], options))])).toEqualTypeOf<
      Effect.Effect<[void], never, Network>
    >()
    expectTypeOf(Effect.all([Poller.make(), Poller.make({ concurrency: 7 })])).toEqualTypeOf<
      Effect.Effect<[Poller.Service, Poller.Service], never, Scope>
    >()
  })
})

describe("other combinators", () => {
  it("zip, race and raceAll - keep services and errors", () => {
    expectTypeOf(Effect.zip(Poll.until(check, options), Poll.run(job, true, options))).toEqualTypeOf<
      Effect.Effect<[string, string], Failed | "busy" | SubmitError, Network>
    >()
    expectTypeOf(Effect.race(Poll.until(check, options), poller.until(offline, 1, options))).toEqualTypeOf<
      Effect.Effect<string | Date, Failed | PollError<"torn", never>, Network>
    >()
    expectTypeOf(Effect.raceAll([Poll.run(job, true, options), Poll.until(offline, 1, options)])).toEqualTypeOf<
      Effect.Effect<string | Date, Failed | "busy" | SubmitError | PollError<"torn", never>, Network>
    >()
  })

  it("forEach and partition - keep services and errors", () => {
    expectTypeOf(Effect.forEach(["a"], (key) => Poll.until(job, key, options), { concurrency: 2 })).toEqualTypeOf<
      Effect.Effect<Array<string>, Failed, Network>
    >()
    expectTypeOf(Effect.forEach([1], (key) => poller.until(offline, key, options))).toEqualTypeOf<
      Effect.Effect<Array<Date>, PollError<"torn", never>>
    >()
    expectTypeOf(Effect.partition(["a"], (key) => Poll.until(job, key, options))).toEqualTypeOf<
      Effect.Effect<[passes: Array<string>, fails: Array<Failed>], never, Network>
    >()
  })

  it("gen - keeps services and errors", () => {
    const all = Effect.gen(function* () {
      const first = yield* Poll.run(job, true, { ...options, onReceipt })
      const second = yield* check.pipe(Poll.until(options))
      const [third] = yield* Effect.all([poller.until(offline, 1, options)])
      return { first, second, third }
    })
    expectTypeOf(all).toEqualTypeOf<
      Effect.Effect<
        { first: string; second: string; third: Date },
        FailedOrTorn | "busy" | SubmitError | "full",
        Network | Store
      >
    >()
    const fn = Effect.fn(function* (key: string) {
      return yield* Poll.until(job, key, options)
    })
    expectTypeOf(fn("a")).toEqualTypeOf<Effect.Effect<string, Failed, Network>>()
  })

  it("Quorum - keeps services and errors", () => {
    expectTypeOf(Quorum.atLeast([Poll.until(job, "a", options)], 1)).toEqualTypeOf<
      Effect.Effect<Array<string>, Quorum.QuorumFailed<Failed>, Network>
    >()
    expectTypeOf(Quorum.tolerate([Poll.run(job, true, options), poller.until(offline, 1, options)], 1)).toEqualTypeOf<
      Effect.Effect<
        Array<string | Date>,
        Quorum.QuorumFailed<Failed | "busy" | SubmitError | PollError<"torn", never>>,
        Network
      >
    >()
    expectTypeOf(pipe([Poll.until(plain, options)], Quorum.atLeast(1))).toEqualTypeOf<
      Effect.Effect<Array<string>, Quorum.QuorumFailed<PollError<never, never>>>
    >()
    expectTypeOf(Effect.all([Quorum.atLeast([Poll.until(job, "a", options)], 1)])).toEqualTypeOf<
      Effect.Effect<[Array<string>], Quorum.QuorumFailed<Failed>, Network>
    >()
  })

  it("Stream - keeps services and errors", () => {
    expectTypeOf(Stream.mergeAll([Poll.events(job, "a", options)], { concurrency: 2 })).toEqualTypeOf<
      Stream.Stream<PollEvent<string, number, NetworkError>, never, Network>
    >()
    expectTypeOf(Stream.merge(Poll.events(check, options), poller.results(offline, [1], options))).toEqualTypeOf<
      Stream.Stream<PollEvent<string, number, NetworkError> | Poller.Settled<number, Date, "torn">, never, Network>
    >()
    expectTypeOf(
      Stream.fromIterable(["a"]).pipe(
        Stream.flatMap((key) => Poll.events(job, key, options)),
        Stream.filter((event) => event._tag === "Ended")
      )
    ).toExtend<Stream.Stream<PollEvent<string, number, NetworkError>, never, Network>>()
    expectTypeOf(
      Stream.fromIterable(["a"]).pipe(Stream.mapEffect((key) => Poll.until(job, key, options)))
    ).toEqualTypeOf<Stream.Stream<string, Failed, Network>>()
  })
})

describe("handling", () => {
  it("catchTag - handles an ending inside of Effect.all, and rejects a tag that cannot occur", () => {
    const both = Effect.all([Poll.until(job, "a", options), Poll.resume(job, token)])
    const handled = both.pipe(Effect.catchTag("JobFailed", ({ failure }) => Effect.succeed(failure)))
    expectTypeOf(handled).toEqualTypeOf<
      Effect.Effect<
        number | [string, string],
        Exclude<Failed, { readonly _tag: "JobFailed" }> | ResumeTokenError,
        Network
      >
    >()
    // @ts-expect-error there is no such ending
    ignore(Effect.catchTag(both, "JobFialed", () => Effect.void))
    // @ts-expect-error only a resumed wait fails with it
    ignore(Effect.catchTag(Effect.all([Poll.until(job, "a", options)]), "ResumeTokenError", () => Effect.void))
    // @ts-expect-error only a submit fails with it
    ignore(Effect.all([Poll.run(offline, null as never, options)]).pipe(Effect.catchTag("Busy", () => Effect.void)))
  })

  it("provide - removes exactly what it provides", () => {
    const two = Effect.all([
      Poll.until(online, "a", { ...options, strategy: paced }),
      Poll.run(online, true, { ...options, gate })
    ])
    expectTypeOf(two).toEqualTypeOf<
      Effect.Effect<[string, string], Failed | "busy" | SubmitError, Net | Pacer | Store>
    >()
    expectTypeOf(two.pipe(Effect.provide(Layer.succeed(Pacer, { millis: 1 })))).toEqualTypeOf<
      Effect.Effect<[string, string], Failed | "busy" | SubmitError, Net | Store>
    >()
    expectTypeOf(
      Effect.all([
        Poll.until(online, "a", { ...options, strategy: paced }).pipe(
          Effect.provide(Layer.succeed(Pacer, { millis: 1 }))
        )
      ])
    ).toEqualTypeOf<Effect.Effect<[string], Failed, Net>>()
    expectTypeOf(
      Effect.provideService(Poll.until(online, "a", { ...options, strategy: paced }), Net, { network: true })
    ).toEqualTypeOf<Effect.Effect<string, Failed, Pacer>>()
    const run = (_effect: Effect.Effect<unknown, unknown>): void => {}
    // @ts-expect-error Net is not provided
    run(Effect.all([Poll.until(online, "a", options)]))
  })

  it("Layer - is built from a wait and a Poller without further services", () => {
    class Result extends Context.Service<Result, string>()("test/Result") {}
    expectTypeOf(Layer.effect(Result, Poll.until(online, "a", options))).toEqualTypeOf<
      Layer.Layer<Result, Failed, Net>
    >()
    expectTypeOf(Layer.mergeAll(Poller.layer(), Poller.layer({}))).toEqualTypeOf<Layer.Layer<Poller.Poller>>()
    const storing = Poller.layer({ onShutdown: () => Effect.asVoid(Store) })
    expectTypeOf(Layer.mergeAll(storing, Layer.succeed(Pacer, { millis: 1 }))).toEqualTypeOf<
      Layer.Layer<Poller.Poller | Pacer, never, Store>
    >()
    expectTypeOf(Layer.effectDiscard(Effect.all([Poll.run(online, true, options)]))).toEqualTypeOf<
      Layer.Layer<never, Failed | "busy" | SubmitError, Net>
    >()
  })
})

describe("code that is generic", () => {
  it("a function over any job - returns what the wait does", () => {
    const untilAll = <K, A, F, E, R>(job: Job.Watchable<K, A, F, E, R>, keys: ReadonlyArray<K>) =>
      Effect.forEach(keys, (key) => Poll.until(job, key, options))
    expectTypeOf(untilAll(online, ["a"])).toEqualTypeOf<Effect.Effect<Array<string>, Failed, Net>>()
    const declared = <A, F, E, R>(
      check: Effect.Effect<Status.Status<A, F>, E, R>
    ): Effect.Effect<A, PollError<F, E>, R> => Poll.until(check, options)
    expectTypeOf(Effect.all([declared(check)])).toExtend<Effect.Effect<[string], Failed, Network>>()
    const submitted = <I, ES, R>(
      job: Job.Job<string, string, number, NetworkError, R, I, ES>,
      input: I
    ): Effect.Effect<string, Failed | SubmitError | ES, R> => Poll.run(job, input, options)
    expectTypeOf(submitted(job, true)).toEqualTypeOf<Effect.Effect<string, Failed | "busy" | SubmitError, Network>>()
    const added = <K, A, F, E, R>(
      job: Job.Watchable<K, A, F, E, R>,
      key: K
    ): Effect.Effect<Handle<A, F, E>, never, R> => poller.add(job, key, options)
    expectTypeOf(added(online, "a")).toEqualTypeOf<Effect.Effect<Handle<string, number, NetworkError>, never, Net>>()
  })
})
