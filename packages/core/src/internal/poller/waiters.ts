import type { Wait } from "../machine/wait.ts"
import { type Errand, errandOf } from "./inFlight.ts"

/** The waits for one key, where there are several: what one of them does to the others costs no walk through all of them. */
export class Crowd {
  /** In the order in which they came. */
  readonly waits: Set<Wait>
  /** The server does not want to be asked before, as it said last or as one who came knew: for who comes next. */
  floorAt: number
  /** Those that check, and some that did. */
  private readonly checking = new Set<Wait>()
  /** How many have given the job up, and wait for its end after a cancel. */
  private givenUp = 0

  constructor(first: Wait, second: Wait) {
    this.waits = new Set([first, second])
    this.floorAt = floorHere(first)
    this.checks(first)
    if (hasGivenUp(first)) this.givenUp++
  }

  /** Takes note of one that has ended. */
  leaves(wait: Wait): void {
    this.waits.delete(wait)
    this.checking.delete(wait)
    if (hasGivenUp(wait)) this.givenUp--
  }

  /** Takes note of one that gives the job up. */
  givesUp(): void {
    this.givenUp++
  }

  /** Whether anybody wants the job. */
  get isWanted(): boolean {
    return this.waits.size > this.givenUp
  }

  /** Takes note of what the server asks for. */
  told(floorAt: number): void {
    this.floorAt = floorAt
  }

  /** Takes note of one that checks. */
  checks(wait: Wait): void {
    this.checking.add(wait)
  }

  /** The check under way of one that checks the same source as this one. */
  checkLike({ rare }: Wait): Errand | undefined {
    for (const wait of this.checking) {
      const errand = errandOf(wait)
      if (wait.stage.phase !== "checking" || errand === undefined || errand.over) this.checking.delete(wait)
      else if (wait.rare.fallbackKey === rare.fallbackKey) return errand
    }
    return undefined
  }
}

/** What the server of a job asked for; not that of its fallback. */
export const floorHere = ({ floorAt, rare }: Wait): number => (rare.fallbackKey === undefined ? floorAt : 0)

// ---- internal ----

const hasGivenUp = ({ rare }: Wait): boolean => rare.gaveUp !== undefined
