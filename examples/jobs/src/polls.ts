/** The store of this page, its runtime with the HTTP client, and the hooks for jobs that need that client. */
import * as PollHooks from "@effect-poll/react/PollHooks"
import * as PageHttp from "@effect-poll/web/PageHttp"
import * as PollStore from "@effect-poll/web/PollStore"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as PollDefaults from "effect-poll/PollDefaults"
import * as Trace from "./trace.ts"

/** The client of a page, which also counts requests for the timeline. */
const client = Layer.effect(
  HttpClient.HttpClient,
  Effect.map(
    HttpClient.HttpClient,
    HttpClient.tapRequest((request) => Effect.sync(() => Trace.countRequest(request.url)))
  )
).pipe(Layer.provideMerge(PageHttp.layer))

/** Runs checks, submits and cancels. */
export const runtime = ManagedRuntime.make(Layer.merge(client, PollDefaults.layer({ observers: [Trace.observer] })))

/** The store of all waits of the page. Two lanes of the page "Live" have a stream at the same time. */
export const store = PollStore.make({ runtime, streams: 2 })

/** The hooks of the page. A job that needs more than an HTTP client is a type error. */
export const { PollProvider, usePoll, usePolls } = PollHooks.make<HttpClient.HttpClient>()
