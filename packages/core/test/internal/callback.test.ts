import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Tracer from "effect/Tracer"
import type * as theCallback from "../../src/internal/poller/callback.ts"

// No package exports it, and the compiler does not follow a path that it cannot read.
const path: string = "../../src/internal/poller/callback.ts"
const { isCallback, mayRunWithoutFiber } = (await import(path)) as typeof theCallback

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
  const mayRun = (context: Context.Context<never>) => mayRunWithoutFiber(context as Context.Context<unknown>)
  const native = Context.get(Context.empty(), Tracer.Tracer)
  const entering = Tracer.make({ span: (options) => native.span(options), context: (_, fiber) => fiber as never })

  it("no services - it may", () => assert.isTrue(mayRun(Context.empty())))

  it("a tracer that enters no context - it may", () => assert.isTrue(mayRun(Context.make(Tracer.Tracer, native))))

  it("a tracer that enters a context - it may not", () => assert.isFalse(mayRun(Context.make(Tracer.Tracer, entering))))

  it("metrics of fibers - it may not", () =>
    assert.isFalse(mayRun(Context.make(Metric.FiberRuntimeMetrics, Metric.FiberRuntimeMetricsImpl))))
})
