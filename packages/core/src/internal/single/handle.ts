import type * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Handle } from "../../Handle.ts"
import { CancelFailed, type PollError } from "../../PollError.ts"
import type { PollEvent } from "../../PollEvent.ts"
import type { ResumeToken } from "../../ResumeToken.ts"
import type { Status } from "../../Status.ts"
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
  readonly contextOf: (wait: Wait) => Context.Context<unknown>
  readonly interrupt: (wait: Wait) => Effect.Effect<void>
}

/** The handle of a wait. Its effects are made on demand, since a Poller has as many handles as jobs. */
export class WaitHandle<A, F, E> implements Handle<A, F, E> {
  /** Set by the driver before the handle is given out. */
  wait!: Wait
  private readonly driver: Driver
  private result: Exit.Exit<A, PollError<F, E>> | undefined
  private waiters: Deferred.Deferred<A, PollError<F, E>> | undefined
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
    if (this.waiters !== undefined) Deferred.doneUnsafe(this.waiters, this.result)
  }

  // -- the public handle --

  get await(): Effect.Effect<A, PollError<F, E>> {
    return Effect.suspend(() => {
      if (this.result !== undefined) return this.result
      this.waiters ??= Deferred.makeUnsafe<A, PollError<F, E>>()
      return Deferred.await(this.waiters)
    })
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
        : Effect.andThen(requestCancel(this.wait, this.driver.contextOf(this.wait)), this.checkNow())
    )
  }

  get token(): Effect.Effect<ResumeToken> {
    return Effect.sync(() => fromWait(this.wait))
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

/** Starts a wait and makes its handle. */
export const start = <A, F, E, R>(request: Request): Effect.Effect<Handle<A, F, E>, never, R | Scope.Scope> =>
  Effect.gen(function* () {
    const context = (yield* Effect.context<R>()) as Context.Context<unknown>
    let running: host.Running | undefined
    const handle = new WaitHandle<A, F, E>({
      tell: (_, happened) => running?.host.tell(happened),
      contextOf: () => context,
      interrupt: () => Effect.suspend(() => running!.interrupt)
    })
    const options = { emit: (event: AnyEvent) => handle.emit(event) }
    running = yield* host.start<R>(request, options, (exit) => handle.ended(handle.wait, exit))
    handle.wait = running.host.wait
    return handle
  })

// ---- internal ----

const requestCancel = (wait: Wait, context: Context.Context<unknown>): Effect.Effect<void, CancelFailed> => {
  const { cancel, job } = wait.setting.policy
  const key = shown(wait)
  return cancel === undefined
    ? Effect.fail(new CancelFailed({ job, key, reason: "unsupported", error: undefined }))
    : userCalls.cancelRemote(wait).pipe(
        Effect.mapError((error) => new CancelFailed({ job, key, reason: "failed", error })),
        Effect.provideContext(context)
      )
}
