// Calls that must not compile.
// @effect-diagnostics missingEffectContext:off missingLayerContext:off
import { describe, expectTypeOf, it } from "@effect/vitest"
import type * as Brand from "effect/Brand"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Job from "effect-poll/Job"
import * as KeyCodec from "effect-poll/KeyCodec"
import * as Status from "effect-poll/Status"
import * as Poll from "effect-poll/Poll"
import { check, ignore, job, type Network, type NetworkError, options } from "./support/types.ts"

class Region extends Context.Service<Region, string>()("Region") {}
class Tenant extends Context.Service<Tenant, string>()("Tenant") {}
declare const region: Layer.Layer<Region>
declare const opened: Layer.Layer<Network, "closed">

describe("Job", () => {
  it("make - infers its types from the check", () => {
    const made = Job.make("render", { check: (_id: string) => check })
    expectTypeOf(made).toExtend<Job.Job<string, string, number, NetworkError, Network>>()
  })

  it("make - infers the key of the check from the codec", () => {
    const key = KeyCodec.fromSchema(Schema.fromJsonString(Schema.Struct({ model: Schema.String })))
    const made = Job.make("render", { key, check: ({ model }) => Effect.succeed(Status.succeeded(model)) })
    expectTypeOf(made).toExtend<Job.Job<{ readonly model: string }, string>>()
  })

  it("make - takes keys for strings where neither the check nor a codec says otherwise", () => {
    type Id = string & Brand.Brand<"Id">
    const submit = (_scene: boolean): Effect.Effect<{ readonly key: Id }, "busy"> => Effect.fail("busy")
    const made = Job.make("render", { submit, check: (id) => Effect.succeed(Status.succeeded(id)) })
    expectTypeOf(made).toEqualTypeOf<Job.Job<string, string, never, never, never, boolean, "busy">>()
    expectTypeOf(Job.make("render", { check: () => check })).toEqualTypeOf<
      Job.Job<string, string, number, NetworkError, Network>
    >()
  })

  it("make - takes a codec made in place", () => {
    const byNumber = Job.make("render", {
      key: { encode: (id: number) => String(id), decode: Number },
      submit: (id: number) => Effect.succeed({ key: id }),
      check: (id) => Effect.succeed(Status.succeeded(id))
    })
    expectTypeOf(byNumber).toEqualTypeOf<Job.Job<number, number, never, never, never, number>>()
    const identity = { encode: (key: string) => key, decode: (encoded: string) => encoded }
    expectTypeOf(Job.make("render", { key: identity, check: () => check })).toEqualTypeOf<
      Job.Job<string, string, number, NetworkError, Network>
    >()
  })

  it("make - can be called by functions that are generic", () => {
    const keyed = <K, A>(key: KeyCodec.KeyCodec<K>, check: (key: K) => Effect.Effect<Status.Status<A>>) =>
      Job.make("render", { key, check })
    expectTypeOf(keyed<number, Date>).returns.toEqualTypeOf<Job.Job<number, Date>>()
    const plain = <A>(check: (key: string) => Effect.Effect<Status.Status<A>>) => Job.make("render", { check })
    expectTypeOf(plain<Date>).returns.toEqualTypeOf<Job.Job<string, Date>>()
    expectTypeOf(Job.make<Date, "torn">).returns.toEqualTypeOf<Job.Job<string, Date, "torn">>()
  })

  it("key that is no plain string - does not compile without a codec", () => {
    // @ts-expect-error a key that is no string needs a codec
    Job.make("render", { check: (_id: number) => check })
    // @ts-expect-error a stored key can be any string
    Job.make("render", { check: (_id: "a" | "b") => check })
    // @ts-expect-error a number has no default encoding
    Job.make("render", { check: (_id: string | number) => check })
  })

  it("key of another type than that of the check - does not compile", () => {
    // @ts-expect-error the check takes a string
    Job.make("render", { check: (_id: string) => check, submit: () => Effect.succeed({ key: 7 }) })
    // @ts-expect-error the check takes a string
    Job.make("render", { check: (_id: string) => check, cancel: (_id: number) => Effect.void })
    const locate = (_id: number) => "old"
    // @ts-expect-error the check takes a string
    Job.make("render", { check: (_id: string) => check, missing: { fallback: { locate, check: () => check } } })
  })

  it("provide - removes the provided services, and adds the error of the layer", () => {
    const provided = Job.provide(job, opened)
    expectTypeOf(provided).toEqualTypeOf<
      Job.Job<string, string, number, NetworkError | "closed", never, boolean, "busy" | "closed">
    >()
    expectTypeOf(job.pipe(Job.provide(opened))).toEqualTypeOf(provided)
    expectTypeOf(Poll.promise(provided, "a", options)).toEqualTypeOf<Promise<string>>()
  })

  it("provide - leaves the services that the layer or the context does not have", () => {
    const both = Job.make("both", {
      check: () => Effect.map(Effect.all([Region, Tenant]), ([name]) => Status.succeeded(name))
    })
    expectTypeOf(both.pipe(Job.provide(region))).toEqualTypeOf<Job.Job<string, string, never, never, Tenant>>()
    expectTypeOf(both.pipe(Job.provide(Context.make(Tenant, "t")))).toEqualTypeOf<
      Job.Job<string, string, never, never, Region>
    >()
    expectTypeOf(both.pipe(Job.provide(region), Job.provide(Context.make(Tenant, "t")))).toEqualTypeOf<
      Job.Job<string, string>
    >()
    // @ts-expect-error the tenant is still required
    ignore(Poll.promise(both.pipe(Job.provide(region)), "a", options))
  })

  it("provide - takes no layer that requires services itself", () => {
    // @ts-expect-error provide them to the layer
    ignore(Job.provide(job, opened as Layer.Layer<Network, never, Tenant>))
  })
})
