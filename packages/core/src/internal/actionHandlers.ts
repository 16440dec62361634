import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type { Notification } from "../Observer.ts"
import type { Action, Status } from "../Status.ts"
import type * as event from "./machine/event.ts"
import type { Wait } from "./machine/wait.ts"

/** What the handlers need of the host of their waits. */
export interface Host {
  /** Runs a handler with the services of its wait, in a fiber of its own. */
  readonly fork: (wait: Wait, handler: Effect.Effect<unknown, never, unknown>) => Fiber.Fiber<unknown>
  readonly tell: (wait: Wait, happened: event.Event) => void
  /** Makes a call of user code, after the step that asks for it. */
  readonly later: (call: () => void) => void
}

/**
 * Runs the handlers of actions (`onAction`) beside their waits, by the events of the machine: each wait has its own, also
 * where several share a check. A handler that ends requests a check. It is interrupted once its action is not asked for.
 */
export class ActionHandlers {
  private readonly host: Host
  /** The handlers that run, and those that were interrupted and have not ended. */
  private readonly running = new Map<Wait, Set<Handling>>()

  constructor(host: Host) {
    this.host = host
  }

  /** Whether the events of a wait must be reported. */
  static handles({ setting }: Wait): boolean {
    return typeof setting.policy.onAction === "function"
  }

  /** How many handlers have not ended. */
  get count(): number {
    let count = 0
    for (const handlings of this.running.values()) count += handlings.size
    return count
  }

  /** Starts or stops the handler of an action when its wait reports an event. */
  report(wait: Wait, happened: Notification["event"]): void {
    if (happened._tag === "ActionRequired") {
      const { action, attempt } = happened
      this.host.later(() => this.start(wait, action, attempt))
    } else if (happened._tag === "Changed" || happened._tag === "Ended") {
      // Also a handler that has not started yet: it checks this when it starts.
      this.host.later(() => this.stopUnwanted(wait))
    }
  }

  /** The fibers of the handlers of a wait that have not ended; without the one that asks, which cannot wait for itself. */
  fibersOf(wait: Wait): ReadonlyArray<Fiber.Fiber<unknown>> {
    const self = Fiber.getCurrent()
    return Array.from(this.running.get(wait) ?? []).flatMap(({ fiber }) =>
      fiber === undefined || fiber === self ? [] : [fiber]
    )
  }

  /**
   * Waits until the handlers of these waits have ended, by default those of all: each for at most the `cancelTimeout` of
   * its wait, since a handler may not be interruptible. Undefined if there are none.
   */
  settled(waits: Iterable<Wait> = this.running.keys()): Effect.Effect<void> | undefined {
    const all = Array.from(waits).flatMap((wait) =>
      this.fibersOf(wait).map((fiber) =>
        Effect.timeoutOption(
          Effect.interruptible(Fiber.await(fiber)),
          Duration.millis(wait.setting.policy.cancelTimeout)
        )
      )
    )
    return all.length === 0 ? undefined : Effect.all(all, { concurrency: "unbounded", discard: true })
  }

  /** Whether a fiber is that of a handler. */
  runs(fiber: Fiber.Fiber<unknown, unknown>): boolean {
    for (const handlings of this.running.values()) for (const each of handlings) if (each.fiber === fiber) return true
    return false
  }

  private start(wait: Wait, action: Action, attempt: number): void {
    const { onAction, job } = wait.setting.policy
    if (typeof onAction !== "function" || wantedId(wait) !== action.id) return
    const handling: Handling = { id: action.id, fiber: undefined, isStopped: false }
    const handlings = this.running.get(wait) ?? new Set()
    this.running.set(wait, handlings.add(handling))
    const context = { job, key: wait.key, attempt }
    const fiber = this.host.fork(
      wait,
      // Its type has no errors, but code without types may fail.
      Effect.orDie(Effect.suspend(() => onAction(action, context)))
    )
    handling.fiber = fiber
    fiber.addObserver((exit) => {
      handlings.delete(handling)
      if (handlings.size === 0) this.running.delete(wait)
      if (handling.isStopped || wait.stage.phase === "ended") return
      this.host.tell(
        wait,
        Exit.isSuccess(exit) ? { _tag: "Handled", id: action.id } : { _tag: "Died", cause: exit.cause }
      )
    })
    // It may have ended its wait before it had a fiber.
    if (handling.isStopped) fiber.interruptUnsafe()
  }

  private stopUnwanted(wait: Wait): void {
    const id = wantedId(wait)
    for (const handling of this.running.get(wait) ?? []) {
      if (handling.isStopped || handling.id === id) continue
      handling.isStopped = true
      handling.fiber?.interruptUnsafe()
    }
  }
}

// ---- internal ----

interface Handling {
  readonly id: string
  /** Undefined while it starts. */
  fiber: Fiber.Fiber<unknown> | undefined
  isStopped: boolean
}

/** The id of the action that a wait asks for now. */
const wantedId = ({ stage, status }: Wait): string | undefined =>
  stage.phase === "ended" ? undefined : actionOf(status)?.id

const actionOf = (status: Status<unknown, unknown> | undefined): Action | undefined =>
  status?._tag === "Pending" ? status.action : undefined
