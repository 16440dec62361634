import type * as Fiber from "effect/Fiber"
import type * as event from "../machine/event.ts"
import type { Wait } from "../machine/wait.ts"
import type { Listener } from "../told/loaded.ts"

/** What listens for the waits of a Poller: nothing for most of them. */
export class Listeners {
  /** The fibers of streams whose waits have ended, until they are closed. */
  readonly closing = new Set<Fiber.Fiber<unknown, unknown>>()
  private readonly listening = new Map<Wait, Listener>()
  private readonly later: (call: () => void) => void

  constructor(later: (call: () => void) => void) {
    this.later = later
  }

  /** Tells a wait that has begun what its listener hears. */
  add(wait: Wait, listener: Listener, tell: (happened: event.Event) => void): void {
    this.listening.set(wait, listener)
    // It may have ended as it began.
    if (wait.stage.phase === "ended") this.ended(wait)
    else listener.connect(tell)
  }

  /** A wait has ended: closing its streams runs user code, so it comes after the step. */
  ended(wait: Wait): void {
    if (this.listening.size > 0 && this.listening.has(wait)) this.later(() => this.stop(wait))
  }

  private stop(wait: Wait): void {
    const fibers = this.listening.get(wait)?.stop() ?? []
    this.listening.delete(wait)
    for (const fiber of fibers) {
      this.closing.add(fiber)
      fiber.addObserver(() => void this.closing.delete(fiber))
    }
  }
}
