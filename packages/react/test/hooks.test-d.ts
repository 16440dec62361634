// The mistakes below are errors of these kinds too.
// @effect-diagnostics missingEffectContext:off
import { describe, expectTypeOf, it } from "@effect/vitest"
import type { Outcome, Snapshot } from "@effect-poll/web/Snapshot"
import type { PollStore } from "@effect-poll/web/PollStore"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as Job from "effect-poll/Job"
import type { PollError } from "effect-poll/PollError"
import type * as Status from "effect-poll/Status"
import { createElement } from "react"
import {
  type Polled,
  type PolledRow,
  PollHooks,
  PollProvider,
  usePoll,
  usePolls,
  useSuspensePoll
} from "@effect-poll/react"

class Api extends Context.Service<Api, { readonly get: Effect.Effect<Status.Status<string, number>, "down"> }>()(
  "Api"
) {}
class Other extends Context.Service<Other, string>()("Other") {}

declare const status: Status.Status<string, number>
declare const store: PollStore<Api>

const Render = Job.make("render", {
  check: (_id: string): Effect.Effect<Status.Status<string, number>, "down"> => Effect.succeed(status)
})
const WithApi = Job.make("render", { check: (_id: string) => Effect.flatMap(Api, (api) => api.get) })
const api = Layer.succeed(Api, { get: Effect.succeed(status) })
const options = { deadline: "1 minute" } as const
const ignore = (_: () => unknown): void => {}

describe("hooks", () => {
  it("usePoll - has the results, failures and check errors of the job", () => {
    ignore(() => {
      const poll = usePoll(Render, "a", options)
      expectTypeOf(poll).toEqualTypeOf<Polled<string, number, "down">>()
      expectTypeOf(poll).toExtend<Snapshot<string, number, "down">>()
      expectTypeOf(poll.outcome).toEqualTypeOf<Outcome<string, number, "down"> | undefined>()
      if (poll.outcome?._tag === "Failure") expectTypeOf(poll.outcome.error).toEqualTypeOf<PollError<number, "down">>()
      expectTypeOf(poll.lastCheckError).toEqualTypeOf<"down" | undefined>()
    })
  })

  it("usePoll - takes no key, and any Schedule", () => {
    ignore(() => usePoll(Render, undefined, options))
    ignore(() => usePoll(Render, "a", { ...options, strategy: Schedule.spaced("1 second") }))
    // @ts-expect-error its keys are strings
    ignore(() => usePoll(Render, 7, options))
    // @ts-expect-error there is no deadline
    ignore(() => usePoll(Render, "a", {}))
  })

  it("usePolls and useSuspensePoll - have rows and the result", () => {
    ignore(() => {
      expectTypeOf(usePolls(Render, ["a"], options)).toEqualTypeOf<
        ReadonlyArray<PolledRow<string, string, number, "down">>
      >()
      usePolls(Render, ["a"], (key) => {
        expectTypeOf(key).toEqualTypeOf<string>()
        return options
      })
      expectTypeOf(useSuspensePoll(Render, "a", options)).toEqualTypeOf<string>()
    })
    // @ts-expect-error a suspended component needs a key
    ignore(() => useSuspensePoll(Render, undefined, options))
  })

  it("a job that needs services - is refused by the plain hooks", () => {
    // @ts-expect-error it requires the Api
    ignore(() => usePoll(WithApi, "a", options))
    // @ts-expect-error it requires the Api
    ignore(() => usePolls(WithApi, ["a"], options))
    // @ts-expect-error it requires the Api
    ignore(() => useSuspensePoll(WithApi, "a", options))
    ignore(() => usePoll(Job.provide(WithApi, api), "a", options))
  })

  it("PollHooks.make - takes jobs that need its services, and layers and stores that have them", () => {
    ignore(() => {
      const hooks = PollHooks.make<Api>()
      expectTypeOf(hooks.usePoll(WithApi, "a", options)).toEqualTypeOf<Polled<string, number, "down">>()
      hooks.usePoll(Render, "a", options)
      createElement(hooks.PollProvider, { layer: api })
      createElement(hooks.PollProvider, { layer: Layer.merge(api, Layer.succeed(Other, "")) })
      createElement(hooks.PollProvider, { store })
      // @ts-expect-error the layer does not have the Api
      createElement(hooks.PollProvider, { layer: Layer.succeed(Other, "") })
      // @ts-expect-error the store has more options
      createElement(hooks.PollProvider, { store, linger: "1 second" })
    })
    ignore(() => {
      const hooks = PollHooks.make<Other>()
      // @ts-expect-error the job requires the Api
      hooks.usePoll(WithApi, "a", options)
    })
    ignore(() => createElement(PollProvider, { hidden: "pause", linger: "1 second" }))
    // @ts-expect-error there is no such policy
    ignore(() => createElement(PollProvider, { hidden: "never" }))
  })
})
