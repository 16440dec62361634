// Runs of operations against a server that is a table, for the tests of LongRunning.
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as TestClock from "effect/testing/TestClock"
import type * as Duration from "effect/Duration"
import * as Strategy from "effect-poll/Strategy"
import * as LongRunning from "@effect-poll/http/LongRunning"
import * as Server from "./LongRunningServer.ts"

export const post = HttpClientRequest.post("http://h/exports")
export const accepted = { status: 202, headers: { location: "/operations/1" } }
export const everySecond = { strategy: Strategy.spaced("1 second"), deadline: "1 hour" } as const

/** Runs an effect for a time of the test clock. */
export const during = <A, E, R>(effect: Effect.Effect<A, E, R>, time: Duration.Input = "1 hour") =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(Effect.exit(effect), { startImmediately: true })
    yield* TestClock.adjust(time)
    return yield* Fiber.join(fiber)
  })

/** How an operation ended, and what was asked on the way. */
export const play = <A = unknown, F2 = never, F3 = never>(
  routes: Server.Routes,
  options?: Partial<LongRunning.RunOptions<A, never, never, F2, never, never, F3>>,
  request: HttpClientRequest.HttpClientRequest = post
) =>
  Effect.gen(function* () {
    const server = Server.make(routes)
    const exit = yield* during(server.provide(LongRunning.run(request, { ...everySecond, ...options })))
    const asked = server.log.map((line) => line.replace(/ @.*/, ""))
    return { end: inWords(exit), exit, log: server.log, asked, requests: server.requests }
  })

/** An ending in a few words. */
export const inWords = (exit: Exit.Exit<unknown, { readonly _tag: string }>): string => {
  if (Exit.isSuccess(exit)) return `result ${JSON.stringify(exit.value)}`
  const error = Exit.findErrorOption(exit)
  if (error._tag === "None") return "defect"
  const found = error.value as { readonly _tag: string } & Partial<Record<string, unknown>>
  switch (found._tag) {
    case "JobFailed":
      return `failed ${String(found["failure"])}`
    case "UnknownState":
      return `unknown ${String(found["state"])}`
    case "HttpCheckError":
      return `refused ${tagOf(found["reason"])}`
    case "CheckRejected":
      return `rejected ${tagOf((found["error"] as { readonly reason?: unknown }).reason)}`
    default:
      return found._tag
  }
}

/** The error of an exit. */
export const failureOf = <A, E>(exit: Exit.Exit<A, E>): E => {
  const error = Exit.findErrorOption(exit)
  if (error._tag === "None") throw new Error("it did not fail")
  return error.value
}

const tagOf = (u: unknown): string => (u as { readonly _tag: string })._tag
