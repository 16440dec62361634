import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import * as Tracer from "effect/Tracer"
import type { Notification } from "../../Observer.ts"
import { ActionHandlers } from "../actionHandlers.ts"
import type * as event from "../machine/event.ts"
import * as machine from "../machine/machine.ts"
import { advance, make as makeWait, never, type Setting, timeline, type Timeline, type Wait } from "../machine/wait.ts"
import type { Policy } from "../options/policy.ts"
import { isLoggedIn, make as makeTelemetry, type Telemetry } from "../telemetry.ts"
import type { Prepared } from "./prepare.ts"

/** What the hosts of a wait that is alone have in common: the services of the wait, its reports, and its steps. */
export abstract class Alone implements Setting {
  readonly policy: Policy
  readonly time: Timeline
  readonly random: () => number
  readonly wait: Wait
  /** How the wait ended. */
  exit: Exit.Exit<unknown, unknown> | undefined
  /** Runs an effect with the services of the wait. */
  readonly fork: <A, E>(effect: Effect.Effect<A, E, unknown>) => Fiber.Fiber<A, E>
  protected readonly clock: Clock.Clock
  protected readonly telemetry: Telemetry
  /** Runs the handlers of actions; undefined if the policy has none. */
  protected readonly actions: ActionHandlers | undefined
  /** Calls of user code that wait until the step is over, since they may re-enter. */
  protected readonly afterStep: Array<() => void> = []

  constructor({ context, defaults, policy, request }: Prepared, span: Tracer.Span | undefined) {
    const random = Context.get(context, Random.Random)
    this.policy = policy
    this.clock = Context.get(context, Clock.Clock)
    this.time = timeline(this.clock)
    this.random = () => random.nextDoubleUnsafe()
    this.fork = Effect.runForkWith(span === undefined ? context : Context.add(context, Tracer.ParentSpan, span))
    const write = (log: Effect.Effect<void>) => void this.afterStep.push(() => this.fork(log))
    const reported = { logs: defaults.logs, observers: policy.observers, span }
    this.telemetry = makeTelemetry(reported, this.fork, write, isLoggedIn(context))
    this.wait = makeWait(this, request.key, request.rawKey, undefined)
    if (!ActionHandlers.handles(this.wait)) return
    this.actions = new ActionHandlers({
      fork: (_, handler) => this.fork(handler),
      tell: (_, happened) => this.tell(happened),
      later: (call) => this.afterStep.push(call)
    })
  }

  /** Tells the machine what a handler did. */
  abstract tell(happened: event.Event): void

  abstract hasRoom(): boolean

  abstract emit(wait: Wait, happened: Notification["event"]): void

  isObserved(): boolean {
    return this.policy.observers.length > 0
  }

  /** Processes that are told the same come back as the server said: what keeps them apart is the jitter of a strategy. */
  spread(_wait: Wait, floorAt: number): number {
    return floorAt
  }

  checkedAt(): number {
    return never
  }

  /** There is always room. */
  lastCheckAt(_: Wait, latest: number): number {
    return latest
  }

  forgoLastCheck(): void {}

  /** Moves the time of the wait to now. */
  protected moveToNow(): void {
    advance(this.time, this.clock.currentTimeMillisUnsafe())
  }

  protected step(happened: event.Event): event.Command {
    this.moveToNow()
    const command = machine.step(this.wait, happened)
    if (typeof command === "object") this.exit = command.exit
    while (this.afterStep.length > 0) this.afterStep.shift()!()
    return command
  }
}
