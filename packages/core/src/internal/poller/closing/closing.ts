import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type { ResumeToken } from "../../../ResumeToken.ts"
import type { ActionHandlers } from "../../actionHandlers.ts"
import { awaitAtMost } from "../../awaitAtMost.ts"
import { cancelsBy } from "../../machine/ending.ts"
import { fromWait } from "../../machine/token.ts"
import type { Wait } from "../../machine/wait.ts"
import { Chunks } from "../chunks.ts"
import type { Engine } from "../engine.ts"
import { Keyed } from "../keyed.ts"
import type { LeftTokens } from "./leftTokens.ts"
import type { Group, Registry } from "../registry.ts"
import { type Budget, forEach } from "../turn/slices.ts"
import { targetOf } from "../target.ts"

/** What closing needs of the Poller. */
export interface ClosingHost {
  readonly engine: Engine
  readonly registry: Registry
  readonly actions: ActionHandlers
  readonly leftTokens: LeftTokens
  /** How many checks, requests and questions to gates are in flight. */
  readonly inFlight: () => number
  readonly budget: Budget
  readonly now: () => number
  readonly fork: <A>(effect: Effect.Effect<A>) => Fiber.Fiber<A>
  /** Called when the tokens are known, before the first wait ends. */
  readonly begun: () => void
  /** What bounds `onShutdown` where there are no waits, in milliseconds. */
  readonly cancelTimeout: number
}

/**
 * Closes a Poller: first the tokens of the jobs that run on, then the ends of all waits, in slices; then, within one bound
 * for all of them together, the calls in flight, the cancels, the handlers, the observers and the services of jobs.
 */
export class Closing {
  /** The tokens of the jobs that run on, once they are known. */
  private tokens: ReadonlyArray<ResumeToken> | undefined
  private readonly known = Deferred.makeUnsafe<ReadonlyArray<ResumeToken>>()
  /** Done when all waits have ended. */
  private readonly ended = Deferred.makeUnsafe<void>()
  /** Done when nothing is in flight any more, or was given up. */
  private readonly done = Deferred.makeUnsafe<void>()
  private isEnding = false
  private readonly host: ClosingHost
  private readonly waits = new Chunks<Wait>()
  /** How long everything that follows the ends may take, in milliseconds. */
  private atMost = 0

  constructor(host: ClosingHost) {
    this.host = host
  }

  /** Begins, once. No check begins from here on. */
  begin(): void {
    const { engine, fork } = this.host
    engine.freeze()
    fork(Effect.andThen(this.takeTokens, Effect.yieldNow)).addObserver((exit) => {
      if (Exit.isFailure(exit)) Deferred.doneUnsafe(this.known, Exit.failCause(exit.cause))
      this.goOn()
    })
  }

  /** What follows comes after the tokens have been handed out. */
  private goOn(): void {
    if (this.isEnding) return
    this.isEnding = true
    this.host.fork(this.end).addObserver(() => {
      Deferred.doneUnsafe(this.ended, Exit.void)
      Deferred.doneUnsafe(this.done, Exit.void)
    })
  }

  /** The tokens of the jobs that run on. */
  readonly running: Effect.Effect<ReadonlyArray<ResumeToken>> = Effect.suspend(() =>
    this.tokens === undefined ? Deferred.await(this.known) : Effect.succeed(this.tokens)
  )

  /** Waits until all waits have ended. */
  readonly untilEnded: Effect.Effect<void> = Effect.suspend(() => Deferred.await(this.ended))

  /** Hands out the tokens, and waits until nothing is in flight; no longer than for the bound of the whole. */
  over(onShutdown: (running: ReadonlyArray<ResumeToken>) => Effect.Effect<void>): Effect.Effect<void> {
    return Effect.flatMap(this.running, (running) => {
      const stored = this.host.fork(Effect.suspend(() => onShutdown(running)))
      const hook = Effect.flatMap(awaitAtMost(stored, this.bound), (exit) => {
        if (exit !== undefined) return exit
        return Effect.logWarning(`Poller: onShutdown did not end in time, it was given ${running.length} tokens`)
      })
      // Its time runs from here on, beside that of everything else.
      const stopped = this.host.fork(hook)
      this.goOn()
      return Effect.andThen(Deferred.await(this.done), Fiber.join(stopped))
    })
  }

  /** About a `cancelTimeout`; a second more, so that observers see what cancels brought. */
  private get bound(): Duration.Duration {
    return Duration.millis(this.atMost + graceMillis)
  }

  private readonly takeTokens: Effect.Effect<void> = Effect.suspend(() => {
    const { budget, cancelTimeout, leftTokens, now, registry } = this.host
    const { waits } = this
    const tokens = new Chunks<ResumeToken | undefined>()
    const canceled = new Map<unknown, Keyed<true>>()
    const take = (wait: Wait): void => {
      const { cancelTimeout, job } = wait.setting.policy
      if (cancelTimeout > this.atMost) this.atMost = cancelTimeout
      waits.add(wait)
      const isCanceled = cancelsBy(wait, "close") !== undefined
      tokens.add(isCanceled ? undefined : fromWait(wait))
      if (!isCanceled) return
      leftTokens.forget(job, wait.key)
      const keys = canceled.get(targetOf(wait)) ?? new Keyed()
      canceled.set(targetOf(wait), keys)
      keys.set(wait.key, true)
    }
    // A job is canceled if one of its waits asks for it.
    const runsOn = (wait: Wait): boolean =>
      canceled.size === 0 || canceled.get(targetOf(wait))?.get(wait.key) === undefined
    const handOut = Effect.suspend(() => {
      for (const { policy } of registry.observed) this.atMost = Math.max(this.atMost, policy.cancelTimeout)
      if (this.atMost === 0) this.atMost = cancelTimeout
      const running = [...leftTokens.take(now())]
      let count = running.length
      // At once, instead of growing.
      running.length = count + tokens.size
      const ofWaits = waits[Symbol.iterator]()
      const add = (token: ResumeToken | undefined): void => {
        const wait = ofWaits.next().value as Wait
        if (token !== undefined && runsOn(wait)) running[count++] = token
      }
      return Effect.map(forEach(tokens, budget, add), () => {
        running.length = count
        this.tokens = running
        Deferred.doneUnsafe(this.known, Exit.succeed(running))
      })
    })
    return Effect.andThen(forEach(registry.waits(), budget, take), handOut)
  })

  private readonly end: Effect.Effect<void> = Effect.suspend(() => {
    const { actions, begun, budget, engine, fork, registry } = this.host
    begun()
    const handled = actions.settled() ?? Effect.void
    return Effect.flatMap(engine.closeAll(this.waits, budget), (interrupted) => {
      this.waits.clear()
      Deferred.doneUnsafe(this.ended, Exit.void)
      // A group leaves the registry when its observers are interrupted.
      const observed = [...registry.observed]
      const released = Effect.suspend(() => Fiber.awaitAll([...registry.releasing]))
      const all = Effect.all([interrupted, handled], { concurrency: "unbounded", discard: true }).pipe(
        Effect.andThen(this.notified),
        Effect.andThen(released)
      )
      return Effect.flatMap(awaitAtMost(fork(all), this.bound), (exit) =>
        Effect.andThen(this.reportLeft(observed), exit ?? Effect.void)
      )
    })
  })

  /** Says what has not ended. Some of it has a shorter bound than all together. */
  private reportLeft(observed: ReadonlyArray<Group>): Effect.Effect<void> {
    return Effect.suspend(() => {
      const { actions, inFlight, registry } = this.host
      let notifications = 0
      for (const { telemetry } of observed) notifications += telemetry.undelivered()
      const left = [
        counted(inFlight(), "check", "in flight"),
        counted(actions.count, "handler", "of an action"),
        counted(notifications, "notification", "of observers"),
        counted(registry.releasing.size, "release", "of the services of jobs")
      ].filter((text) => text !== undefined)
      return left.length === 0
        ? Effect.void
        : Effect.logWarning(`Poller: what was in flight did not end in time, and was given up: ${left.join(", ")}`)
    })
  }

  private readonly notified = Effect.suspend(() =>
    Effect.forEach(
      [...this.host.registry.observed],
      ({ policy, telemetry }) => telemetry.flush(policy.cancelTimeout) ?? Effect.void,
      { concurrency: "unbounded", discard: true }
    )
  )
}

// ---- internal ----

const graceMillis = 1_000

const counted = (count: number, noun: string, rest: string): string | undefined =>
  count === 0 ? undefined : `${count} ${noun}${count === 1 ? "" : "s"} ${rest}`
