import type * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import { cancelsBy } from "../../machine/ending.ts"
import * as event from "../../machine/event.ts"
import { isLeaving, type Wait } from "../../machine/wait.ts"
import type { How } from "../../single/host.ts"
import { endingOf } from "../../telemetry.ts"
import type { AfterTurn } from "../turn/afterTurn.ts"
import { inFlightOf } from "../inFlight.ts"
import { interrupt, type Interrupted } from "./interrupt.ts"
import { type Group, groupOf, sinkOf } from "../registry.ts"
import { targetOf } from "../target.ts"

/** What the ending of waits needs from the engine. */
export interface EndingHost {
  readonly afterTurn: AfterTurn
  /** How many jobs are canceled at the same time. */
  readonly concurrency: number
  readonly fork: (effect: Effect.Effect<void>) => Fiber.Fiber<void>
  readonly step: (wait: Wait, happened: event.Event) => void
  readonly together: (act: () => void) => void
  /** Called with the group of a wait that has nothing to report any more. */
  readonly ended: (group: Group) => void
  /** Called with a wait whose job has ended, or is canceled. */
  readonly jobOver: (wait: Wait) => void
}

/** Ends waits: those that found their end, and those that are interrupted. */
export class Endings {
  /** How many waits ended, by how. */
  readonly counts: Record<string, number> = {}
  private readonly host: EndingHost

  constructor(host: EndingHost) {
    this.host = host
  }

  /** Hands out how a wait ended, after the turn. */
  report(wait: Wait, exit: Exit.Exit<unknown, unknown>): void {
    const group = groupOf(wait)
    const ending = endingOf(exit as Parameters<typeof endingOf>[0])
    this.counts[ending] = (this.counts[ending] ?? 0) + 1
    if (jobEnds.has(ending)) this.host.jobOver(wait)
    // One whose job is canceled has still something to report.
    const isReported = !isLeaving(wait)
    this.host.afterTurn.add(() => {
      sinkOf(wait).ended(wait, exit)
      if (isReported) this.host.ended(group)
    })
  }

  /** Ends waits as interrupted. Returns those for which there is something left to do. */
  interruptAll(waits: Iterable<Wait>, how: How): ReadonlyArray<Interrupted> {
    const interrupted: Array<Interrupted> = []
    for (const wait of waits) this.interrupt(wait, how, interrupted)
    this.decide(interrupted)
    return interrupted
  }

  /** Ends a wait as interrupted, if it has not ended, and adds it to the others if there is something left to do for it. */
  interrupt(wait: Wait, how: How, interrupted: Array<Interrupted>): void {
    if (wait.stage.phase === "ended") return
    const by = how === "leave" ? undefined : cancelsBy(wait, how)
    const call = inFlightOf(wait)
    if (by !== undefined || call !== undefined) interrupted.push({ wait, call, cancelsBy: by })
    this.host.step(wait, event.interrupted(by))
  }

  /** Decides which jobs are canceled, once all of the waits have ended. */
  decide(interrupted: ReadonlyArray<Interrupted>): void {
    for (const one of interrupted) {
      const { cancelsBy: by, wait } = one
      if (by === undefined) continue
      if (!targetOf(wait).isWanted(wait.key)) {
        this.host.jobOver(wait)
        continue
      }
      // The job is not canceled while other waits want it.
      one.cancelsBy = undefined
      this.tellOfCancel(wait, event.cancelDone(by, "wanted"))
    }
  }

  /** Waits for what was in flight for interrupted waits, and cancels their jobs. */
  carryOut(interrupted: ReadonlyArray<Interrupted>, by: "close" | "interrupt"): Effect.Effect<void> {
    const { concurrency, fork } = this.host
    const tell = (wait: Wait, happened: event.Event): void => this.tellOfCancel(wait, happened)
    return interrupt(interrupted, { fork, tell, concurrency, atOnce: by === "interrupt" })
  }

  /** Reports its cancel to a wait that was interrupted, and then its end to its observers. */
  private tellOfCancel(wait: Wait, happened: event.Event): void {
    this.host.together(() => {
      const wasLeaving = isLeaving(wait)
      this.host.step(wait, happened)
      if (wasLeaving && !isLeaving(wait)) this.host.afterTurn.add(() => this.host.ended(groupOf(wait)))
    })
  }
}

// ---- internal ----

/** The endings of waits after which the job does not run on. */
const jobEnds: ReadonlySet<string> = /*#__PURE__*/ new Set([
  "Succeeded",
  "JobFailed",
  "JobCanceled",
  "JobExpired",
  "JobNotFound"
])
