import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as Poll from "effect-poll/Poll"
import { done, pending, scripted } from "./support/checks.ts"
import { hosts } from "./support/hosts.ts"
import { every2s, every10s } from "./support/options.ts"
import { recordEvents } from "./support/recorders.ts"

describe.each(hosts)("$name", (host) => {
  describe("checks", () => {
    it.effect("interruption during a delay - ends it and makes no further check [R8]", () =>
      Effect.gen(function* () {
        const { check, checks } = scripted(pending)
        const fiber = yield* Effect.forkChild(host.until(check, { strategy: every2s, deadline: "unbounded" }))
        yield* TestClock.adjust("3 seconds")
        yield* Fiber.interrupt(fiber)
        yield* TestClock.adjust("1 hour")
        assert.deepStrictEqual(checks, [0, 2000])
      })
    )

    it.effect("interruption during a check - waits for its finalizer [R8]", () =>
      Effect.gen(function* () {
        let finalized = 0
        const hung = Effect.onInterrupt(Effect.never, () =>
          Effect.delay(
            Effect.sync(() => finalized++),
            "1 second"
          )
        )
        const fiber = yield* Effect.forkChild(host.until(hung, { deadline: "unbounded" }))
        yield* TestClock.adjust("3 seconds")
        const interrupting = yield* Effect.forkChild(Fiber.interrupt(fiber))
        yield* TestClock.adjust("500 millis")
        assert.deepStrictEqual([finalized, interrupting.pollUnsafe()], [0, undefined])
        yield* TestClock.adjust("500 millis")
        assert.deepStrictEqual([finalized, interrupting.pollUnsafe() !== undefined], [1, true])
      })
    )
  })

  describe("observers", () => {
    it.effect("interruption - waits until the observers have seen the end", () =>
      Effect.gen(function* () {
        const { observer, tags } = recordEvents("1 second")
        const wait = host.until(Effect.succeed(pending), {
          strategy: every10s,
          deadline: "1 hour",
          observers: [observer]
        })
        const fiber = yield* Effect.forkChild(wait)
        yield* TestClock.adjust("5 seconds")
        const interrupting = yield* Effect.forkChild(Fiber.interrupt(fiber), { startImmediately: true })
        assert.isUndefined(interrupting.pollUnsafe())
        yield* TestClock.adjust("1 second")
        assert.isDefined(interrupting.pollUnsafe())
        assert.deepStrictEqual(tags(), ["Started", "Changed", "Waiting", "Ended"])
      })
    )

    it.effect("scope that closes after the end - emits no second Ended", () =>
      Effect.gen(function* () {
        const { observer, tags } = recordEvents()
        const scope = yield* Scope.make()
        yield* Scope.provide(host.start(Effect.succeed(done), { deadline: "1 minute", observers: [observer] }), scope)
        yield* TestClock.adjust("1 second")
        yield* Scope.close(scope, Exit.void)
        assert.deepStrictEqual(tags(), ["Started", "Changed", "Ended"])
      })
    )
  })
})

describe("Poll", () => {
  // A Poller that closes waits for its observers instead.
  describe("observers", () => {
    it.effect("interruption while observers are notified of the end - stops the notifications", () =>
      Effect.gen(function* () {
        const { notifications, observer } = recordEvents("3 seconds")
        const fiber = yield* Effect.forkChild(
          Poll.until(Effect.succeed(done), { deadline: "1 minute", observers: [observer] })
        )
        yield* TestClock.adjust("1 second")
        yield* Fiber.interrupt(fiber)
        const before = notifications.length
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(notifications.length, before)
      })
    )
  })
})
