/** The one store of this page, and what its checks run on. */
import * as PollStore from "@effect-poll/web/PollStore"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as PollDefaults from "effect-poll/PollDefaults"
import * as Trace from "./trace.ts"

const countingClient = Layer.effect(
  HttpClient.HttpClient,
  Effect.map(
    HttpClient.HttpClient,
    HttpClient.tapRequest((request) => Effect.sync(() => Trace.countRequest(request.url)))
  )
).pipe(Layer.provide(FetchHttpClient.layer))

/** Runs checks, submits and cancels. */
export const runtime = ManagedRuntime.make(
  Layer.merge(countingClient, PollDefaults.layer({ observers: [Trace.observer] }))
)

/** Every wait of the page. */
export const store = PollStore.make({ runtime })
