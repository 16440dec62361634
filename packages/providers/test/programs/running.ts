import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as References from "effect/References"
import type * as Scope from "effect/Scope"

type Body = () => Effect.Effect<void, unknown, HttpClient.HttpClient | Scope.Scope>

const run = (body: Body) =>
  Effect.scoped(body()).pipe(
    Effect.provide(NodeHttpClient.layerUndici),
    // What is rejected and what ends with an error is logged, and much of it is here.
    Effect.provideService(References.MinimumLogLevel, "None"),
    Effect.orDie
  )

/** A test on the test clock. Sockets need real time: see `pass` and `eventually`. */
export const clocked = (name: string, body: Body) => it.effect(name, () => run(body), 60_000)

/** A test in real time. */
export const live = (name: string, body: Body) => it.live(name, () => run(body), 60_000)
