import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import { FiberRuntimeMetrics } from "effect/Metric"
import { Scheduler } from "effect/Scheduler"
import { Tracer } from "effect/Tracer"
import type { Running } from "./inFlight.ts"

// An effect that is nothing but a callback, as `Effect.promise`, `Effect.tryPromise` and `Effect.callback` make it, runs
// without a fiber: a fiber costs more than all that a Poller does for a check. That these effects keep their function in
// `register` is internal to effect. If a version of it does otherwise, they run in fibers, as all others do.

/** An effect that is nothing but a callback. */
export interface Callback {
  /** Calls `resume` once, with the effect that comes next; may return what is to run if it is interrupted before. */
  readonly register: (
    this: Scheduler,
    resume: (next: Effect.Effect<unknown, unknown, unknown>) => void,
    signal: AbortSignal | undefined
  ) => Effect.Effect<unknown> | undefined
  /** Whether it takes a signal. */
  readonly withSignal: boolean
}

export const isCallback = (effect: object): effect is Callback => Object.getPrototypeOf(effect) === prototype

/** Whether nothing would notice that a callback runs without a fiber: no tracer that enters a context, and no metrics. */
export const mayRunWithoutFiber = (context: Context.Context<unknown>): boolean =>
  prototype !== undefined &&
  Context.get(context, Tracer).context === undefined &&
  Context.get(context, FiberRuntimeMetrics) === undefined

type Fork = (effect: Effect.Effect<unknown, unknown, unknown>) => Fiber.Fiber<unknown, unknown>

type Observer = (exit: Exit.Exit<unknown, unknown>) => void

/** A callback that runs without a fiber. */
export class CallbackRun implements Running {
  private readonly fork: Fork
  private readonly controller: AbortController | undefined
  private readonly finalizer: Effect.Effect<unknown> | undefined
  private hasResumed = false
  private exit: Exit.Exit<unknown, unknown> | undefined
  /** What has to be run to the end, if the callback is over and its effect is not. */
  private rest: Fiber.Fiber<unknown, unknown> | undefined
  private observer: Observer | undefined
  /** There are others when the end is awaited. */
  private others: Array<Observer> | undefined

  constructor(callback: Callback, context: Context.Context<unknown>, fork: Fork) {
    this.fork = fork
    this.controller = callback.withSignal ? new AbortController() : undefined
    try {
      const resume = (next: Effect.Effect<unknown, unknown, unknown>): void => this.resume(next)
      this.finalizer = callback.register.call(Context.get(context, Scheduler), resume, this.controller?.signal)
    } catch (defect) {
      this.resume(Exit.die(defect))
    }
  }

  addObserver(over: Observer): void {
    if (this.exit !== undefined) over(this.exit)
    else if (this.observer === undefined) this.observer = over
    else (this.others ??= []).push(over)
  }

  interruptUnsafe(): void {
    if (this.rest !== undefined) return this.rest.interruptUnsafe()
    if (this.hasResumed) return
    this.hasResumed = true
    this.controller?.abort()
    if (this.finalizer === undefined) return this.end(Exit.interrupt())
    this.run(Effect.andThen(Effect.uninterruptible(this.finalizer), Effect.interrupt))
  }

  private resume(next: Effect.Effect<unknown, unknown, unknown>): void {
    if (this.hasResumed) return
    this.hasResumed = true
    if (Exit.isExit(next)) this.end(next)
    else this.run(next)
  }

  private run(effect: Effect.Effect<unknown, unknown, unknown>): void {
    this.rest = this.fork(effect)
    this.rest.addObserver((exit) => this.end(exit))
  }

  private end(exit: Exit.Exit<unknown, unknown>): void {
    this.exit = exit
    const { observer, others } = this
    this.observer = this.others = undefined
    observer?.(exit)
    others?.forEach((over) => over(exit))
  }
}

// ---- internal ----

const prototype: object | undefined = /*#__PURE__*/ (() => {
  const sample: object = Effect.callback(() => {})
  const isAsKnown = "register" in sample && typeof sample.register === "function" && "withSignal" in sample
  return isAsKnown ? Object.getPrototypeOf(sample) : undefined
})()
