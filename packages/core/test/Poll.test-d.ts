// The mistakes below are errors of these kinds too.
// @effect-diagnostics missingEffectError:off missingEffectContext:off
import { describe, expectTypeOf, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type * as Stream from "effect/Stream"
import * as CheckError from "effect-poll/CheckError"
import type { Handle } from "effect-poll/Handle"
import * as Job from "effect-poll/Job"
import type { Observation } from "effect-poll/Observation"
import * as Poll from "effect-poll/Poll"
import type { PollError, ResumeTokenError } from "effect-poll/PollError"
import type { PollEvent } from "effect-poll/PollEvent"
import type { ResumeToken } from "effect-poll/ResumeToken"
import * as Status from "effect-poll/Status"
import type { SubmitError } from "effect-poll/SubmitError"
import * as Strategy from "effect-poll/Strategy"
import { check, ignore, job, type Network, type NetworkError, options } from "./support/types.ts"

class Service extends Context.Service<Service, { readonly wait: number }>()("test/Service") {}

type Result = Effect.Effect<string, PollError<number, NetworkError>, Network>

describe("Poll", () => {
  describe("advance", () => {
    it("advance - has the types of until, and takes a key or a token", () => {
      type Advanced = Effect.Effect<Poll.Advanced<string, number, NetworkError>, ResumeTokenError, Network>
      expectTypeOf(Poll.advance(job, "a", options)).toEqualTypeOf<Advanced>()
      expectTypeOf(Poll.advance(job, null as unknown as ResumeToken, options)).toEqualTypeOf<Advanced>()
      // @ts-expect-error its keys are strings
      ignore(() => Poll.advance(job, 7, options))
      // @ts-expect-error the deadline of the first call is missing
      ignore(() => Poll.advance(job, "a", {}))
    })

    it("schedules - are made by Strategy", () => {
      ignore(() => Poll.advance(job, "a", { ...options, strategy: Strategy.spaced("1 second") }))
      ignore(() => Poll.advance(job, "a", { ...options, checkErrors: { retry: Strategy.spaced("1 second") } }))
      // @ts-expect-error the state of another Schedule cannot be stored
      ignore(() => Poll.advance(job, "a", { ...options, strategy: Schedule.spaced("1 second") }))
      // @ts-expect-error the same
      ignore(() => Poll.advance(job, "a", { ...options, checkErrors: { schedule: Schedule.spaced("1 second") } }))
      // @ts-expect-error the same
      ignore(() => Poll.advance(job, "a", { ...options, checkErrors: { retry: Schedule.spaced("1 second") } }))
      // @ts-expect-error an interrupted call ends no wait
      ignore(() => Poll.advance(job, "a", { ...options, onInterrupt: "cancelRemote" }))
    })
  })

  describe("until", () => {
    it("until - has the typed result and errors in all three forms", () => {
      expectTypeOf(Poll.until(check, options)).toEqualTypeOf<Result>()
      expectTypeOf(check.pipe(Poll.until(options))).toEqualTypeOf<Result>()
      expectTypeOf(Poll.until(job, "a", options)).toEqualTypeOf<Result>()
    })

    it("strategy - is any schedule without an error, whose services are required", () => {
      const schedule = Schedule.addDelay(Schedule.forever, () => Service.useSync((service) => service.wait))
      expectTypeOf(Poll.until(Effect.succeed(Status.pending()), { ...options, strategy: schedule })).toExtend<
        Effect.Effect<never, unknown, Service>
      >()
    })

    it("strategy - gives the while of a schedule a typed input", () => {
      const untilHalf = Schedule.spaced("1 second").pipe(
        Schedule.setInputType<Observation>(),
        Schedule.while(({ input }) => (input.status.progress ?? 0) < 0.5)
      )
      ignore(Poll.until(check, { ...options, strategy: untilHalf }))
    })

    it("kindOf - has the error of the check", () => {
      ignore(
        Poll.until(check, {
          ...options,
          checkErrors: {
            kindOf: (error) => {
              expectTypeOf(error).toEqualTypeOf<NetworkError>()
              return CheckError.permanent()
            }
          }
        })
      )
    })

    it("errors - have single tags for catchTag", () => {
      const handled = Poll.until(job, "a", options).pipe(
        Effect.catchTag("JobFailed", (error) => {
          expectTypeOf(error.failure).toEqualTypeOf<number>()
          return Effect.succeed("failed" as const)
        })
      )
      expectTypeOf<Effect.Error<typeof handled>["_tag"]>().toEqualTypeOf<
        | "JobCanceled"
        | "JobExpired"
        | "JobNotFound"
        | "JobStalled"
        | "ActionRequired"
        | "PollTimeout"
        | "UnknownState"
        | "ResultMissing"
        | "CheckRejected"
        | "CheckErrorsExhausted"
      >()
    })
  })

  describe("other entry points", () => {
    it("events - never fails and has the types of the job", () => {
      expectTypeOf(Poll.events(job, "a", options)).toEqualTypeOf<
        Stream.Stream<PollEvent<string, number, NetworkError>, never, Network>
      >()
    })

    it("start - yields a handle with the types of the job", () => {
      expectTypeOf(Poll.start(job, "a", options)).toExtend<
        Effect.Effect<Handle<string, number, NetworkError>, never, unknown>
      >()
    })

    it("run - takes the input of the job and adds the error of submit", () => {
      expectTypeOf(Poll.run(job, true, options)).toEqualTypeOf<
        Effect.Effect<string, PollError<number, NetworkError> | "busy" | SubmitError, Network>
      >()
    })
  })

  // A mistake must be an error of the compiler, at the call.
  describe("mistakes", () => {
    it("until without a deadline - does not compile [R1]", () => {
      // @ts-expect-error the deadline is missing
      ignore(Poll.until(check, {}))
      // @ts-expect-error the deadline is missing
      ignore(Poll.until(check, { strategy: Strategy.spaced("1 second") }))
      // @ts-expect-error the deadline is missing
      ignore(Poll.until(job, "a", {}))
    })

    it("key of another type - does not compile", () => {
      // @ts-expect-error the key of this job is a string
      ignore(Poll.until(job, 7, options))
    })

    it("options in place of the key - do not compile", () => {
      // @ts-expect-error the key is missing
      ignore(Poll.until(job, options))
    })

    it("checkErrors for another error than that of the check - do not compile", () => {
      const checkErrors = { kindOf: (_error: "other") => CheckError.permanent() }
      // @ts-expect-error the check fails with NetworkError
      ignore(Poll.until(check, { ...options, checkErrors }))
      // @ts-expect-error the check of the job fails with NetworkError
      ignore(Poll.until(job, "a", { ...options, checkErrors }))
      // @ts-expect-error the check fails with NetworkError
      ignore(check.pipe(Poll.until({ ...options, checkErrors })))
    })

    it("run without the input of the job - does not compile", () => {
      // @ts-expect-error the input of this job is a boolean
      ignore(Poll.run(job, "a", options))
      // @ts-expect-error the input is missing
      ignore(Poll.run(job, options))
      const unsubmitted = Job.make("render", { check: (_id: string) => check })
      // @ts-expect-error this job cannot be submitted
      ignore(() => Poll.run(unsubmitted, "scene", options))
      // @ts-expect-error this job cannot be submitted
      ignore(() => Poll.run(unsubmitted, undefined, options))
    })

    it("times and for of the same policy - do not compile", () => {
      const both = { times: 2, for: "1 second" } as const
      // @ts-expect-error how often or how long, not both
      ignore(Poll.until(check, { ...options, confirm: { success: both } }))
      // @ts-expect-error how often or how long, not both
      ignore(Poll.until(check, { ...options, confirm: { failure: { times: 2, for: "1 second" } } }))
      // @ts-expect-error how often or how long, not both
      ignore(Poll.until(check, { ...options, unknownState: both }))
      // @ts-expect-error how often, or a status, not both
      ignore(Poll.until(job, "a", { ...options, unknownState: { times: 2, treatAs: () => Status.pending() } }))
      // @ts-expect-error how often or how long, not both
      ignore(Poll.until(check, { ...options, checkErrors: { rejectAfter: both } }))
      // @ts-expect-error how often or how long, not both
      ignore(Job.make("render", { check: () => check, confirm: { success: both } }))
      const one = { times: 2, for: undefined } as const
      ignore(Poll.until(check, { ...options, confirm: { success: one }, unknownState: one }))
    })

    it("strategy that can fail - does not compile", () => {
      // @ts-expect-error a cron schedule can fail
      ignore(Poll.until(check, { ...options, strategy: Schedule.cron("* * * * *") }))
    })

    it("promise of a check that needs services - does not compile", () => {
      // @ts-expect-error the check needs Network
      ignore(() => Poll.promise(check, options))
      // @ts-expect-error the check of the job needs Network
      ignore(() => Poll.promise(job, "a", options))
    })
  })
})
