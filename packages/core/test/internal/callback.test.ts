import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Tracer from "effect/Tracer"
import { isCallback, mayRunWithoutFiber } from "../../src/internal/poller/callback.ts"

const callbacks: Record<string, Effect.Effect<unknown, unknown>> = {
  promise: Effect.promise(() => Promise.resolve()),
  "promise with a signal": Effect.promise((signal) => Promise.resolve(signal)),
  tryPromise: Effect.tryPromise(() => Promise.resolve()),
  callback: Effect.callback(() => {})
}

const others: Record<string, Effect.Effect<unknown, unknown>> = {
  success: Effect.succeed(1),
  failure: Effect.fail("offline"),
  suspend: Effect.suspend(() => Effect.void),
  gen: Effect.gen(function* () {
    yield* Effect.void
  }),
  "mapped promise": Effect.map(
    Effect.promise(() => Promise.resolve()),
    () => 1
  ),
  sleep: Effect.sleep("1 second")
}

describe("isCallback", () => {
  // They fail if a version of effect keeps the function of a callback elsewhere: all checks then run in fibers.
  for (const [name, effect] of Object.entries(callbacks)) {
    it(`${name} - is a callback`, () => assert.isTrue(isCallback(effect)))
  }

  for (const [name, effect] of Object.entries(others)) {
    it(`${name} - is none`, () => assert.isFalse(isCallback(effect)))
  }
})

describe("mayRunWithoutFiber", () => {
  const native = Context.get(Context.empty(), Tracer.Tracer)
  const entering = Tracer.make({ span: (options) => native.span(options), context: (_, fiber) => fiber as never })

  it("no services - it may", () => assert.isTrue(mayRunWithoutFiber(Context.empty())))

  it("a tracer that enters no context - it may", () =>
    assert.isTrue(mayRunWithoutFiber(Context.make(Tracer.Tracer, native))))

  it("a tracer that enters a context - it may not", () =>
    assert.isFalse(mayRunWithoutFiber(Context.make(Tracer.Tracer, entering))))

  it("metrics of fibers - it may not", () =>
    assert.isFalse(mayRunWithoutFiber(Context.make(Metric.FiberRuntimeMetrics, Metric.FiberRuntimeMetricsImpl))))
})
