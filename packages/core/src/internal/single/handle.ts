import type * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Handle } from "../../Handle.ts"
import { CancelFailed, type PollError } from "../../PollError.ts"
import type { PollEvent } from "../../PollEvent.ts"
import type { ResumeToken } from "../../ResumeToken.ts"
import type { Status } from "../../Status.ts"
import { bounded } from "../awaitAtMost.ts"
import * as event from "../machine/event.ts"
import { fromWait } from "../machine/token.ts"
import { shown, type Wait } from "../machine/wait.ts"
import type { Request } from "../options/request.ts"
import * as eventBuffer from "./eventBuffer.ts"
import * as host from "./host.ts"
import * as userCalls from "./userCalls.ts"

type AnyEvent = PollEvent<unknown, unknown, unknown>

/** What a handle needs of the host that drives its wait. */
export interface Driver {
  readonly tell: (wait: Wait, happened: event.Event) => void
  /** Runs an effect with the services of a wait. */
  readonly fork: (wait: Wait, effect: Effect.Effect<unknown, unknown, unknown>) => Fiber.Fiber<unknown, unknown>
  readonly interrupt: (wait: Wait) => Effect.Effect<void>
  /** Ends a wait as interrupted, without canceling its job. Waits for nothing. */
  readonly leave: (wait: Wait) => Effect.Effect<void>
}

/** The handle of a wait. Its effects are made on demand, since a Poller has as many handles as jobs. */
export class WaitHandle<A, F, E> implements Handle<A, F, E> {
  /** Set by the driver before the handle is given out. */
  wait!: Wait
  private readonly driver: Driver
  private result: Exit.Exit<A, PollError<F, E>> | undefined
  private waiters: Deferred.Deferred<A, PollError<F, E>> | undefined
  private calls: ((exit: Exit.Exit<A, PollError<F, E>>, attempts: number) => void) | undefined
  private readers: Set<(event: AnyEvent) => void> | undefined

  constructor(driver: Driver) {
    this.driver = driver
  }

  // -- called by the driver --

  get isObserved(): boolean {
    return this.readers !== undefined && this.readers.size > 0
  }

  emit(event: AnyEvent): void {
    this.readers?.forEach((read) => read(event))
  }

  ended(_: Wait, exit: Exit.Exit<unknown, unknown>): void {
    this.result ??= exit as Exit.Exit<A, PollError<F, E>>
    const { calls, waiters } = this
    this.calls = undefined
    if (waiters !== undefined) Deferred.doneUnsafe(waiters, this.result)
    calls?.(this.result, this.wait.attempts)
  }

  // -- the public handle --

  get await(): Effect.Effect<A, PollError<F, E>> {
    return Effect.suspend(() => {
      if (this.result !== undefined) return this.result
      this.waiters ??= Deferred.makeUnsafe<A, PollError<F, E>>()
      return Deferred.await(this.waiters)
    })
  }

  get whenEnded(): Handle<A, F, E>["whenEnded"] {
    return (call) => {
      const { calls, result } = this
      if (result !== undefined) return call(result, this.wait.attempts)
      this.calls =
        calls === undefined
          ? call
          : (exit, attempts) => {
              calls(exit, attempts)
              call(exit, attempts)
            }
    }
  }

  get events(): Stream.Stream<PollEvent<A, F, E>> {
    const open = Effect.gen({ self: this }, function* () {
      const buffer = eventBuffer.make(256)
      this.known().forEach(buffer.offer)
      const readers = (this.readers ??= new Set())
      readers.add(buffer.offer)
      yield* Effect.addFinalizer(() => Effect.sync(() => readers.delete(buffer.offer)))
      return Stream.fromPull(Effect.succeed(buffer.take))
    })
    return Stream.unwrap(open) as Stream.Stream<PollEvent<A, F, E>>
  }

  get status(): Effect.Effect<Status<A, F> | undefined> {
    return Effect.sync(() => this.wait.status as Status<A, F> | undefined)
  }

  get checkNow(): Handle<A, F, E>["checkNow"] {
    return (options) => this.told({ _tag: "Woken", force: options?.force === true })
  }

  get pause(): Effect.Effect<void> {
    return this.told(event.paused)
  }

  get unpause(): Effect.Effect<void> {
    return this.told(event.unpaused)
  }

  get interrupt(): Effect.Effect<void> {
    return Effect.suspend(() => this.driver.interrupt(this.wait))
  }

  get cancel(): Effect.Effect<void, CancelFailed> {
    return Effect.suspend(() =>
      this.wait.stage.phase === "ended"
        ? Effect.void
        : Effect.andThen(requestCancel(this.wait, this.driver), this.checkNow())
    )
  }

  get leave(): Effect.Effect<ResumeToken> {
    return Effect.suspend(() => {
      const { driver, wait } = this
      const token = lastTokens.get(wait) ?? fromWait(wait)
      if (wait.stage.phase === "ended") return Effect.succeed(token)
      lastTokens.set(wait, token)
      return Effect.as(driver.leave(wait), token)
    })
  }

  get token(): Effect.Effect<ResumeToken> {
    return Effect.sync(() => lastTokens.get(this.wait) ?? fromWait(this.wait))
  }

  /** The newest events, for a late subscriber. */
  private known(): ReadonlyArray<AnyEvent> {
    const { result, wait } = this
    const events: Array<AnyEvent> = []
    if (wait.status !== undefined) events.push({ _tag: "Changed", attempt: wait.attempts, status: wait.status })
    if (result !== undefined) events.push({ _tag: "Ended", attempts: wait.attempts, exit: result })
    return events
  }

  private told(happened: event.Event): Effect.Effect<void> {
    return Effect.sync(() => {
      if (this.wait.stage.phase !== "ended") this.driver.tell(this.wait, happened)
    })
  }
}

/** Starts a wait, or continues it from its token, and makes its handle. */
export const start = <A, F, E, R>(
  request: Request,
  token?: ResumeToken
): Effect.Effect<Handle<A, F, E>, never, R | Scope.Scope> =>
  Effect.gen(function* () {
    let running: host.Running | undefined
    const handle: WaitHandle<A, F, E> = new WaitHandle<A, F, E>({
      tell: (_, happened) => running?.host.tell(happened),
      fork: (_, effect) => running!.host.fork(effect),
      interrupt: () => Effect.suspend(() => running!.host.apart(running!.stop("interrupt"))),
      leave: () =>
        Effect.suspend(() => {
          const stopped = Effect.forkDetach(running!.stop("leave"), { startImmediately: true })
          // The finalizers of a check in flight do not hold it up.
          return Effect.map(stopped, () => handle.ended(handle.wait, running!.host.exit ?? Exit.interrupt()))
        })
    })
    const options = { emit: (event: AnyEvent) => handle.emit(event), token }
    running = yield* host.start<R>(request, options, (exit) => handle.ended(handle.wait, exit))
    handle.wait = running.host.wait
    return handle
  })

// ---- internal ----

/** The tokens of waits that were left: once they have ended, they no longer tell when the next check was due. */
const lastTokens = new WeakMap<Wait, ResumeToken>()

const requestCancel = (wait: Wait, driver: Driver): Effect.Effect<void, CancelFailed> => {
  const { cancel, cancelTimeout, job } = wait.setting.policy
  const failed = (reason: CancelFailed["reason"], error?: unknown) =>
    Effect.fail(new CancelFailed({ job, key: shown(wait), reason, error }))
  if (cancel === undefined) return failed("unsupported")
  return Effect.suspend(() => {
    driver.tell(wait, event.cancelAsked("handle"))
    const canceled = bounded((effect) => driver.fork(wait, effect), userCalls.cancelRemote(wait), cancelTimeout)
    return Effect.flatMap(canceled, (exit) => {
      driver.tell(wait, event.cancelDone("handle", exit ?? "timedOut"))
      if (exit === undefined) return failed("timedOut")
      if (Exit.isSuccess(exit)) return Effect.void
      const error = Exit.findErrorOption(exit)
      return error._tag === "Some" ? failed("failed", error.value) : Effect.failCause(exit.cause as Cause.Cause<never>)
    })
  })
}
