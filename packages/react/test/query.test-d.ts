import { describe, expectTypeOf, it } from "@effect/vitest"
import { QueryClient, useQueries, useQuery, useSuspenseQuery } from "@tanstack/react-query"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Schedule from "effect/Schedule"
import * as Job from "effect-poll/Job"
import type { PollError } from "effect-poll/PollError"
import type * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { pollQueryOptions, type PollQueryData, type PollQueryState } from "../src/query.ts"

class Api extends Context.Service<Api, { readonly get: Effect.Effect<Status.Status<string, number>, "down"> }>()(
  "Api"
) {}
class Other extends Context.Service<Other, string>()("Other") {}

declare const status: Status.Status<string, number>

const Render = Job.make("render", {
  check: (_id: string): Effect.Effect<Status.Status<string, number>, "down"> => Effect.succeed(status)
})
const WithApi = Job.make("render", { check: (_id: string) => Effect.flatMap(Api, (api) => api.get) })
const options = { deadline: "1 minute" } as const
const ignore = (_: () => unknown): void => {}

type Data = PollQueryData<string, number, "down">
type Error = PollError<number, "down">

describe("pollQueryOptions", () => {
  it("useQuery - has the results, failures and check errors of the job", () => {
    ignore(() => {
      const { data, error } = useQuery(pollQueryOptions(Render, "a", options))
      expectTypeOf(data).toEqualTypeOf<Data | undefined>()
      expectTypeOf(error).toEqualTypeOf<Error | null>()
      if (data?.outcome?._tag === "Success") expectTypeOf(data.outcome.value).toEqualTypeOf<string>()
      if (data?.outcome?._tag === "Failure") expectTypeOf(data.outcome.error).toEqualTypeOf<Error>()
      expectTypeOf(data!.lastCheckError).toEqualTypeOf<"down" | undefined>()
    })
  })

  it("useQuery - takes the options in a spread, with those of TanStack Query", () => {
    ignore(() => {
      const { data } = useQuery({ ...pollQueryOptions(Render, "a", options), refetchIntervalInBackground: true })
      expectTypeOf(data).toEqualTypeOf<Data | undefined>()
      const other = useQuery({ ...pollQueryOptions(Render, "a", options), select: (state) => state.attempt })
      expectTypeOf(other.data).toEqualTypeOf<number | undefined>()
    })
  })

  it("useSuspenseQuery and useQueries - have data of the same type", () => {
    ignore(() => {
      expectTypeOf(useSuspenseQuery(pollQueryOptions(Render, "a", options)).data).toEqualTypeOf<Data>()
      const all = useQueries({ queries: ["a", "b"].map((id) => pollQueryOptions(Render, id, options)) })
      expectTypeOf(all[0]!.data).toEqualTypeOf<Data | undefined>()
      expectTypeOf(all[0]!.error).toEqualTypeOf<Error | null>()
    })
  })

  it("select - decides the type of the data", () => {
    ignore(() => {
      const { data } = useQuery(pollQueryOptions(Render, "a", { ...options, select: ({ status }) => status?.state }))
      expectTypeOf(data).toEqualTypeOf<string | undefined>()
      const { data: step } = useQuery(pollQueryOptions(Render, "a", { ...options, select: ({ attempt }) => attempt }))
      expectTypeOf(step).toEqualTypeOf<number | undefined>()
    })
  })

  it("the key of the query - knows what the cache holds", () => {
    ignore(async () => {
      const client = new QueryClient()
      const wait = pollQueryOptions(Render, "a", options)
      expectTypeOf(client.getQueryData(wait.queryKey)).toEqualTypeOf<PollQueryState | undefined>()
      expectTypeOf(await client.fetchQuery(wait)).toEqualTypeOf<PollQueryState>()
      await client.prefetchQuery(wait)
      await client.invalidateQueries(wait)
    })
  })

  it("a key - is that of the job, or undefined", () => {
    ignore(() => pollQueryOptions(Render, undefined, options))
    // @ts-expect-error its keys are strings
    ignore(() => pollQueryOptions(Render, 7, options))
  })

  it("a foreign Schedule - is refused", () => {
    ignore(() => pollQueryOptions(Render, "a", { ...options, strategy: Strategy.spaced("1 second") }))
    // @ts-expect-error the state of another Schedule cannot be stored
    ignore(() => pollQueryOptions(Render, "a", { ...options, strategy: Schedule.spaced("1 second") }))
    // @ts-expect-error nor that of a schedule of check errors
    ignore(() => pollQueryOptions(Render, "a", { ...options, checkErrors: { schedule: Schedule.spaced("1 second") } }))
  })

  it("a deadline - is required", () => {
    // @ts-expect-error there is none
    ignore(() => pollQueryOptions(Render, "a", {}))
  })

  it("services - come from the runtime, whose error is an error of the query", () => {
    const api = Layer.effect(Api, Effect.as(Effect.fail("no token" as const), { get: Effect.succeed(status) }))
    ignore(() => {
      const runtime = ManagedRuntime.make(api)
      const { data, error } = useQuery(pollQueryOptions(WithApi, "a", { ...options, runtime }))
      expectTypeOf(data).toEqualTypeOf<Data | undefined>()
      expectTypeOf(error).toEqualTypeOf<Error | "no token" | null>()
    })
    ignore(() => {
      const runtime = ManagedRuntime.make(Layer.merge(api, Layer.succeed(Other, "")))
      return pollQueryOptions(WithApi, "a", { ...options, runtime })
    })
    // @ts-expect-error the job requires the Api
    ignore(() => pollQueryOptions(WithApi, "a", options))
    // @ts-expect-error the runtime does not have it
    ignore(() => pollQueryOptions(WithApi, "a", { ...options, runtime: ManagedRuntime.make(Layer.succeed(Other, "")) }))
    ignore(() => pollQueryOptions(Job.provide(WithApi, api), "a", options))
  })
})
