import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as References from "effect/References"
import * as Scope from "effect/Scope"
import * as Tracer from "effect/Tracer"
import type { Any } from "../../Job.ts"
import type { Notification } from "../../Observer.ts"
import type { PollEvent } from "../../PollEvent.ts"
import { ActionHandlers } from "../actionHandlers.ts"
import { isClamped } from "../clamped.ts"
import { leaseOf } from "../lease.ts"
import type { Timeline, Wait } from "../machine/wait.ts"
import type { Defaults } from "../options/defaults.ts"
import type { Policy } from "../options/policy.ts"
import { isLoggedIn, make as makeTelemetry, type Telemetry } from "../telemetry.ts"
import type { AfterTurn } from "./turn/afterTurn.ts"
import { CallbackRun, isCallback, mayRunWithoutFiber } from "./callback.ts"
import type { Dispatcher } from "./dispatcher.ts"
import type { Running } from "./inFlight.ts"
import type { LastChecks } from "./queue/lastChecks.ts"
import type { Listeners } from "./listeners.ts"
import { Target, type TargetSetting, Traffic } from "./target.ts"

/** What all waits of a Poller share. */
export interface Shared {
  readonly time: Timeline
  readonly random: () => number
  readonly dispatcher: Dispatcher
  readonly lastChecks: LastChecks
  readonly afterTurn: AfterTurn
  readonly actions: ActionHandlers
  readonly listeners: Listeners
}

/** What receives the events and the end of a wait: a handle, or a stream of results. */
export interface Sink {
  /** Whether it wants every check and every sleep. */
  readonly isObserved: boolean
  readonly emit: (event: PollEvent<unknown, unknown, unknown>) => void
  readonly ended: (wait: Wait, exit: Exit.Exit<unknown, unknown>) => void
}

/** Waits of one target with the same options, added in the same context: what they share. */
export class Group implements TargetSetting {
  readonly policy: Policy
  readonly context: Context.Context<unknown>
  readonly target: Target
  readonly time: Timeline
  readonly random: () => number
  /** How many of its waits have not ended, and whether observers are still being notified. */
  open = 0
  isNotifying = false
  private readonly shared: Shared
  private readonly logs: Defaults["logs"]
  private made: Telemetry | undefined
  private readonly forkIn: (effect: Effect.Effect<unknown, unknown, unknown>) => Fiber.Fiber<unknown, unknown>

  private readonly mayRunWithoutFiber: boolean

  constructor(
    shared: Shared,
    target: Target,
    policy: Policy,
    context: Context.Context<unknown>,
    logs: Defaults["logs"]
  ) {
    this.shared = shared
    this.target = target
    this.policy = policy
    this.context = context
    this.time = shared.time
    this.random = shared.random
    this.forkIn = Effect.runForkWith(context)
    this.mayRunWithoutFiber = mayRunWithoutFiber(context)
    this.logs = logs
    target.keepStarts(policy.minInterval)
  }

  /** Made on demand: there may be as many groups as waits. */
  get telemetry(): Telemetry {
    const { context, logs, policy, shared } = this
    const options = { logs, observers: policy.observers, span: undefined }
    const write = (log: Effect.Effect<void>) => shared.afterTurn.add(() => void this.fork(log))
    this.made ??= makeTelemetry(options, this.forkIn as never, write, isLoggedIn(context))
    return this.made
  }

  /** Runs an effect with the services of the waits, in a fiber of its own. */
  fork<A, E>(effect: Effect.Effect<A, E, unknown>): Fiber.Fiber<A, E> {
    return this.forkIn(effect) as Fiber.Fiber<A, E>
  }

  /** Runs an effect with the services of the waits: in a fiber, or without one where none is needed. */
  run(effect: Effect.Effect<unknown, unknown, unknown>): Running {
    return isCallback(effect) && this.mayRunWithoutFiber
      ? new CallbackRun(effect, this.context, this.forkIn)
      : this.forkIn(effect)
  }

  emit(wait: Wait, event: Notification["event"]): void {
    if (this.policy.observers.length > 0 || (this.logs !== false && mayBeLogged(event)))
      this.telemetry.report(wait, event)
    if (ActionHandlers.handles(wait)) this.shared.actions.report(wait, event)
    if (event._tag === "Started") return
    if (event._tag === "Ended") this.shared.listeners.ended(wait)
    const sink = sinkOf(wait)
    // Not within the step: the listener may have a handle to this wait.
    if (sink.isObserved) this.shared.afterTurn.add(() => sink.emit(event))
  }

  isObserved(wait: Wait): boolean {
    return this.policy.observers.length > 0 || sinkOf(wait).isObserved
  }

  hasRoom(wait: Wait): boolean {
    return this.shared.dispatcher.hasRoom(wait)
  }

  checkedAt(wait: Wait): number | "joins" {
    return this.target.checkedAt(wait)
  }

  lastCheckAt(wait: Wait, latest: number): number {
    return this.shared.lastChecks.reserve(wait, latest)
  }

  forgoLastCheck(wait: Wait, at: number): void {
    this.shared.lastChecks.release(wait, at)
  }

  spread(wait: Wait, floorAt: number): number {
    return this.target.spread(wait, floorAt)
  }
}

export const groupOf = ({ setting }: Wait): Group => setting as Group

export const sinkOf = ({ sink }: Wait): Sink => sink as Sink

/** What the waits of a Poller have in common: a target for each job and its services, a group for each target and options. */
export class Registry {
  /** The groups whose observers have to be notified of an end. */
  readonly observed = new Set<Group>()
  /** What releases the services of jobs without waits, and closes the streams of waits that have ended. */
  readonly releasing: Set<Fiber.Fiber<unknown, unknown>>
  private readonly shared: Shared
  private readonly linger: number
  private readonly traffic = new Map<Any, Traffic>()
  private readonly targets = new Map<Any, Map<string, Target>>()
  private readonly groups = new WeakMap<Context.Context<unknown>, WeakMap<Policy, Group>>()
  private sweepAt = leastSweep
  private count = 0

  constructor(shared: Shared, linger: number) {
    this.shared = shared
    this.releasing = shared.listeners.closing
    this.linger = linger
  }

  groupFor(job: Any, policy: Policy, context: Context.Context<unknown>, logs: Defaults["logs"]): Group {
    const here = this.groups.get(context) ?? new WeakMap<Policy, Group>()
    this.groups.set(context, here)
    const known = here.get(policy)
    if (known !== undefined && !known.target.isRemoved) return known
    const group = new Group(this.shared, this.targetFor(job, context), policy, context, logs)
    here.set(policy, group)
    return group
  }

  /** Counts a wait that begins. */
  begun(group: Group): void {
    if (group.open++ === 0) leaseOf(group.target.job)?.open()
    if (group.policy.observers.length > 0) this.observed.add(group)
  }

  /** Counts a wait that has ended. */
  ended(group: Group): void {
    if (--group.open > 0) return
    this.release(group)
    if (group.isNotifying || !this.observed.has(group)) return
    // However long that takes: there may be more waits.
    const notified = group.telemetry.flush(Duration.infinity)
    if (notified === undefined) return void this.observed.delete(group)
    group.isNotifying = true
    group.fork(notified).addObserver(() => {
      group.isNotifying = false
      if (group.open === 0) this.observed.delete(group)
    })
  }

  /** All waits that have not ended. */
  *waits(): Generator<Wait> {
    for (const targets of this.targets.values()) for (const target of targets.values()) yield* target
  }

  /** Releases the services of a job, if no other wait for it is left. */
  private release(group: Group): void {
    const lease = leaseOf(group.target.job)
    if (lease === undefined) return
    // Not within the step, since finalizers are user code.
    const fiber = group.fork(Effect.andThen(Effect.yieldNow, lease.close))
    this.releasing.add(fiber)
    fiber.addObserver(() => void this.releasing.delete(fiber))
  }

  private targetFor(job: Any, context: Context.Context<unknown>): Target {
    const here = this.targets.get(job) ?? new Map<string, Target>()
    const services = servicesOf(context)
    const known = here.get(services)
    if (known !== undefined) return known
    if (++this.count > this.sweepAt) this.sweep()
    const traffic = this.traffic.get(job) ?? new Traffic()
    this.traffic.set(job, traffic)
    const target = new Target(job, traffic, batchOf(job))
    here.set(services, target)
    this.targets.set(job, here)
    return target
  }

  /** Removes unused targets: a server may make a new set of services for each request it handles. */
  private sweep(): void {
    this.count = 0
    for (const [job, targets] of this.targets) {
      for (const [services, target] of targets) {
        target.dropEnded(this.shared.time.now, this.linger)
        if (target.isUnused) {
          target.isRemoved = true
          targets.delete(services)
        }
      }
      if (targets.size === 0 && this.traffic.get(job)!.requests === 0) {
        this.targets.delete(job)
        this.traffic.delete(job)
      }
      this.count += targets.size
    }
    this.sweepAt = Math.max(leastSweep, 2 * this.count)
  }
}

// ---- internal ----

const mayBeLogged = (event: Notification["event"]): boolean =>
  event._tag === "CheckFailed" ||
  event._tag === "SourceBroke" ||
  event._tag === "ActionRequired" ||
  (event._tag === "CancelAnswered" && event.outcome !== "accepted") ||
  (event._tag === "Ended" && event.exit._tag === "Failure") ||
  (event._tag === "Changed" && isClamped(event.status))

const leastSweep = 256

const batchOf = ({ checkMany }: Any): Target["batch"] =>
  checkMany === undefined
    ? undefined
    : { max: checkMany.max, slack: Duration.toMillis(Duration.fromInputUnsafe(checkMany.slack ?? "50 millis")) }

/** What differs from fiber to fiber without changing how a check is made. */
const ignored: ReadonlySet<string> = /*#__PURE__*/ new Set([
  Tracer.ParentSpan.key,
  Scope.Scope.key,
  References.CurrentLogAnnotations.key,
  References.CurrentLogSpans.key,
  References.CurrentStackFrame.key,
  Layer.CurrentMemoMap.key
])

const ids = new WeakMap<WeakKey, number>()
let lastId = 0

const idOf = (value: WeakKey): number => {
  const known = ids.get(value)
  if (known !== undefined) return known
  ids.set(value, ++lastId)
  return lastId
}

const hasIdentity = (value: unknown): value is WeakKey =>
  (typeof value === "object" && value !== null) ||
  typeof value === "function" ||
  (typeof value === "symbol" && Symbol.keyFor(value) === undefined)

/** The services of a context as a text: waits share checks only if it is equal, so never across credentials. */
const servicesOf = (context: Context.Context<unknown>): string => {
  const services: Array<string> = []
  for (const [key, value] of context.mapUnsafe as ReadonlyMap<string, unknown>) {
    if (ignored.has(key)) continue
    services.push(`${key}=${hasIdentity(value) ? `#${idOf(value)}` : `${typeof value} ${String(value)}`}`)
  }
  return services.toSorted().join("\n")
}
