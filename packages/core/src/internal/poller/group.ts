import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type { Notification } from "../../Observer.ts"
import type { Policy } from "../options/policy.ts"
import { make as makeTelemetry, type Telemetry } from "../telemetry.ts"
import type { Setting, Timeline, Wait } from "../machine/wait.ts"
import type { Holder } from "./holder.ts"
import type { Site } from "./target.ts"

/** What the group asks of the engine that it belongs to. */
export interface Office {
  readonly time: Timeline
  readonly random: () => number
  readonly hasRoom: (wait: Wait) => boolean
  /** Does something when nothing is under way in the engine itself. */
  readonly later: (action: () => void) => void
  /** How the wait ended that ended last. */
  lastExit: Exit.Exit<unknown, unknown> | undefined
}

/** Waits of one site with the same options, added in the same context: what they share. */
export class Group implements Setting {
  readonly policy: Policy
  readonly context: Context.Context<unknown>
  readonly site: Site
  readonly time: Timeline
  readonly random: () => number
  private readonly logs: boolean
  private made: Telemetry | undefined
  /** How many of its waits have not ended; whether observers are still being told, though none is left. */
  open = 0
  isTelling = false
  private readonly office: Office
  private readonly forkIn: (effect: Effect.Effect<unknown, unknown, unknown>) => Fiber.Fiber<unknown, unknown>

  constructor(office: Office, site: Site, policy: Policy, context: Context.Context<unknown>, logs: boolean) {
    this.office = office
    this.site = site
    this.policy = policy
    this.context = context
    this.time = office.time
    this.random = office.random
    this.forkIn = Effect.runForkWith(context)
    this.logs = logs
  }

  /** Made when there is something to tell: groups may be as many as waits. */
  get telemetry(): Telemetry {
    const { logs, office, policy } = this
    const options = { logs, observers: policy.observers, span: undefined }
    this.made ??= makeTelemetry(options, this.forkIn as never, (log) => office.later(() => void this.fork(log)))
    return this.made
  }

  /** Runs an effect where the waits were added, as a fiber that nobody else interrupts. */
  fork<A, E>(effect: Effect.Effect<A, E, unknown>): Fiber.Fiber<A, E> {
    return this.forkIn(effect) as Fiber.Fiber<A, E>
  }

  emit(wait: Wait, event: Notification["event"]): void {
    if (event._tag === "Ended") this.office.lastExit = event.exit
    if (this.policy.observers.length > 0 || (this.logs && mayBeLogged(event))) this.telemetry.tell(wait, event)
    if (event._tag === "Started") return
    const holder = wait.holder as Holder
    // Not within the step: who hears of it may have a handle to this very wait.
    if (holder.hears) this.office.later(() => holder.emit(event))
  }

  hears(wait: Wait): boolean {
    return this.policy.observers.length > 0 || (wait.holder as Holder).hears
  }

  hasRoom(wait: Wait): boolean {
    return this.office.hasRoom(wait)
  }
}

const mayBeLogged = (event: Notification["event"]): boolean =>
  event._tag === "CheckFailed" || (event._tag === "Ended" && event.exit._tag === "Failure")

/** The group of a wait that a Poller drives. */
export const groupOf = (wait: Wait): Group => wait.setting as Group
