import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import type { Handle } from "effect-poll/Handle"
import type { Any } from "effect-poll/Job"
import type { Notification, Observer } from "effect-poll/Observer"
import * as Poll from "effect-poll/Poll"
import type { Service } from "effect-poll/Poller"
import type { PollOptions } from "effect-poll/PollOptions"
import type { ResumeToken } from "effect-poll/ResumeToken"

export type AnyHandle = Handle<unknown, unknown, unknown>

/** What a run waits for, and where it begins. */
interface Wait {
  readonly job: Any
  readonly key: unknown
  readonly options: PollOptions<unknown, unknown>
  readonly token: ResumeToken | undefined
}

/** A wait that runs, from its start until it is left or has ended: by `Poll`, or by a Poller. */
export class Run {
  /** Undefined until it has started. */
  handle: AnyHandle | undefined
  /** How many of its checks are in flight. */
  checks = 0
  readonly hasStream: boolean
  private isPaused = false
  private readonly scope = Scope.makeUnsafe()
  private readonly poller: Service | undefined
  private readonly fork: <A, E>(effect: Effect.Effect<A, E, unknown>) => Fiber.Fiber<A, E>
  private readonly on: (told: Notification) => void

  constructor(poller: Service | undefined, fork: Run["fork"], hasStream: boolean, on: Run["on"]) {
    this.poller = poller
    this.fork = fork
    this.hasStream = hasStream
    this.on = on
  }

  /** Starts the wait, or continues it from its token. */
  started(wait: Wait): Effect.Effect<AnyHandle, unknown, unknown> {
    return Effect.map(
      Effect.suspend(() => this.opened(wait)),
      (handle) => (this.handle = handle)
    )
  }

  pause(isPaused: boolean): void {
    if (isPaused === this.isPaused || this.handle === undefined) return
    this.isPaused = isPaused
    this.fork(isPaused ? this.handle.pause : this.handle.unpause)
  }

  /** Where the wait is; undefined until it has started. */
  token(): ResumeToken | undefined {
    // It takes no time.
    const exit = this.handle && this.fork(this.handle.token).pollUnsafe()
    return exit !== undefined && Exit.isSuccess(exit) ? exit.value : undefined
  }

  /** Ends the wait, which a token continues. */
  leave(): void {
    this.fork(Effect.andThen(this.handle?.leave ?? Effect.void, Scope.close(this.scope, Exit.void)))
  }

  /** Ends the wait as its `onClose` says. */
  close(): Effect.Effect<void> {
    // A Poller may outlive the store, whose waits it then makes no checks for.
    const left = this.poller === undefined ? undefined : this.handle?.leave
    return Effect.andThen(left ?? Effect.void, Scope.close(this.scope, Exit.void))
  }

  /** The wait has ended. */
  ended(): void {
    this.fork(Scope.close(this.scope, Exit.void))
  }

  private opened({ job, key, options: given, token }: Wait): Effect.Effect<AnyHandle, unknown, unknown> {
    const { poller } = this
    if (poller !== undefined) {
      const observe = (told: Notification): Effect.Effect<void> => this.observe(told)
      const options = { ...given, observers: [...(given.observers ?? []), { observe }] }
      return token === undefined ? poller.add(job, key, options) : poller.resume(job, token, options)
    }
    const options = { ...given, observers: observersOf(given.observers) }
    const wait = token === undefined ? Poll.start(job, key, options) : Poll.startFrom(job, token, options)
    return Effect.provideService(Scope.provide(wait, this.scope), Current, this)
  }

  observe(told: Notification): Effect.Effect<void> {
    this.on(told)
    return Effect.void
  }
}

// ---- internal ----

/** The run whose notifications an observer receives. */
const Current = /*#__PURE__*/ Context.Reference<Run | undefined>("@effect-poll/web/Run", {
  defaultValue: () => undefined
})

/** One for all runs: waits share what their options are compiled to only if they have the same observers. */
const observer: Observer = {
  observe: (told) => Context.get(Fiber.getCurrent()!.context, Current)?.observe(told) ?? Effect.void
}

const none: ReadonlyArray<Observer<unknown>> = []

const observers = new WeakMap<ReadonlyArray<Observer<unknown>>, ReadonlyArray<Observer<unknown>>>()

/** The observers of a wait, and that of the runs. */
const observersOf = (given: ReadonlyArray<Observer<unknown>> = none): ReadonlyArray<Observer<unknown>> => {
  const known = observers.get(given)
  if (known !== undefined) return known
  const all = [...given, observer]
  observers.set(given, all)
  return all
}
