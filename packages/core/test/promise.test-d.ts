// Calls that must not compile.
// @effect-diagnostics missingEffectContext:off missingLayerContext:off
import { describe, expectTypeOf, it } from "@effect/vitest"
import type * as Job from "effect-poll/Job"
import * as promise from "effect-poll/promise"
import type { ResumeToken } from "effect-poll/ResumeToken"
import * as Status from "effect-poll/Status"
import { ignore, job, options } from "./support/types.ts"

describe("promise", () => {
  it("poll - infers result and failure from an async check, or one that is not", () => {
    const async = promise.poll(
      async ({ attempt }) => (attempt < 3 ? Status.pending() : Status.succeeded(attempt)),
      options
    )
    expectTypeOf(async).toEqualTypeOf<Promise<number>>()
    expectTypeOf(promise.poll(() => Status.succeeded("a"), options)).toEqualTypeOf<Promise<string>>()
    expectTypeOf(promise.poll(async () => Status.pending(), options)).toEqualTypeOf<Promise<never>>()
  })

  it("start - has the types of the status in its handle", () => {
    const handle = promise.start(
      async ({ attempt }) => (attempt < 3 ? Status.failed("torn" as const) : Status.succeeded(attempt)),
      options
    )
    expectTypeOf(handle).toEqualTypeOf<promise.Handle<number, "torn">>()
    expectTypeOf(handle.status()).toEqualTypeOf<Status.Status<number, "torn"> | undefined>()
    expectTypeOf(handle.leave()).toEqualTypeOf<Promise<ResumeToken>>()
  })

  it("advance - yields what is known or the result, and takes a key or a token", () => {
    const provided = null as unknown as Job.Job<string, Date, never, "offline">
    const token = null as unknown as ResumeToken
    expectTypeOf(promise.advance(provided, "a", options)).toEqualTypeOf<Promise<promise.Advanced<Date>>>()
    expectTypeOf(promise.advance(provided, token, options)).toEqualTypeOf<Promise<promise.Advanced<Date>>>()
    // @ts-expect-error it needs the network
    ignore(() => promise.advance(job, "a", options))
    // @ts-expect-error its keys are strings
    ignore(() => promise.advance(provided, 7, options))
  })

  it("poll - takes jobs that need no services, and no others", () => {
    const provided = null as unknown as Job.Job<string, Date, never, "offline">
    expectTypeOf(promise.poll(provided, "a", options)).toEqualTypeOf<Promise<Date>>()
    // @ts-expect-error it needs the network
    ignore(() => promise.poll(job, "a", options))
    // @ts-expect-error it needs the network
    ignore(() => promise.start(job, "a", options))
    // @ts-expect-error its keys are strings
    ignore(() => promise.poll(provided, 7, options))
  })

  it("check without a status, and options without a deadline - do not compile", () => {
    // @ts-expect-error a text is no status
    ignore(() => promise.poll(async () => "done", options))
    // @ts-expect-error there is no deadline
    ignore(() => promise.poll(async () => Status.succeeded(), {}))
  })

  it("job - infers its types, and requires a codec if keys are not strings", () => {
    const made = promise.job("render", {
      submit: async (scene: number) => ({ key: `${scene}` }),
      check: async (id) => Status.succeeded(id)
    })
    expectTypeOf(made).toEqualTypeOf<Job.Job<string, string, never, unknown, never, number, unknown>>()
    expectTypeOf(promise.run(made, 7, options)).toEqualTypeOf<Promise<string>>()
    // @ts-expect-error the scene is a number
    ignore(() => promise.run(made, "7", options))
    // @ts-expect-error a number has no default encoding
    promise.job("render", { check: async (id: number) => Status.succeeded(id) })
  })

  it("onProgress - is given a pending status", () => {
    ignore(() =>
      promise.poll(async () => Status.succeeded(), {
        ...options,
        onProgress: (status, event) => {
          expectTypeOf(status).toEqualTypeOf<Status.Pending>()
          expectTypeOf(event.attempt).toEqualTypeOf<number>()
        }
      })
    )
  })
})
