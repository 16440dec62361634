import type { Locks } from "./services.ts"

/** How a lock is requested: only if it is free, in line behind others, or from whichever page has it. */
export type Manner = "try" | "queue" | "steal"

export interface Outcome {
  readonly granted: (manner: Manner) => void
  /** The lock is not free: this waits in line for it. */
  readonly queued?: (() => void) | undefined
  /** Another page stole the lock. */
  readonly lost: () => void
  /** Locks cannot be used here. */
  readonly failed: () => void
}

/** A request for the lock of an entry, and the lock once it is granted. Nothing is called after `drop`. */
export class Claim {
  private readonly controller = new AbortController()
  private isOver = false
  private isGranted = false
  private release: () => void = () => undefined
  private readonly locks: Locks
  private readonly name: string
  private readonly outcome: Outcome

  constructor(locks: Locks, name: string, outcome: Outcome, manner: Manner) {
    this.locks = locks
    this.name = name
    this.outcome = outcome
    this.request(manner)
  }

  /** Gives the lock back, or leaves the line. */
  drop(): void {
    this.isOver = true
    this.release()
    this.controller.abort()
  }

  private request(manner: Manner): void {
    const options =
      manner === "try"
        ? { ifAvailable: true }
        : manner === "steal"
          ? { steal: true }
          : { signal: this.controller.signal }
    const held = (lock: unknown): Promise<void> | undefined => {
      if (this.isOver) return undefined
      if (lock === null) {
        this.request("queue")
        this.outcome.queued?.()
        return undefined
      }
      this.isGranted = true
      // The lock is held until this settles.
      // @effect-diagnostics-next-line newPromise:off
      return new Promise((resolve) => {
        this.release = resolve
        this.outcome.granted(manner)
      })
    }
    const refused = (): void => {
      if (this.isOver) return
      this.isOver = true
      if (this.isGranted) this.outcome.lost()
      else this.outcome.failed()
    }
    try {
      this.locks.request(this.name, options, held).then(undefined, refused)
    } catch {
      refused()
    }
  }
}
