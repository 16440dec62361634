import * as Effect from "effect/Effect"

/** How many waits there is room for; who finds none waits in turn. What is taken can be taken at once, without a fiber. */
export class Room {
  private free: number
  private readonly line = new Set<() => void>()

  constructor(size: number) {
    this.free = size
  }

  /** Takes a place if there is one and nobody waits for it. */
  tryTake(): boolean {
    if (this.free <= 0 || this.line.size > 0) return false
    this.free--
    return true
  }

  /** Takes a place, waiting for one; to be run where it cannot be interrupted but in `wait`. */
  take(wait: <A>(effect: Effect.Effect<A>) => Effect.Effect<A>): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (this.tryTake()) return Effect.void
      let isTaken = false
      const place = Effect.callback<void>((resume) => {
        const enter = () => {
          isTaken = true
          resume(Effect.void)
        }
        this.line.add(enter)
        return Effect.sync(() => this.line.delete(enter))
      })
      // Interrupted between the place and the way back: it is free again.
      return Effect.onInterrupt(wait(place), () => Effect.sync(() => isTaken && this.release(1)))
    })
  }

  release(count: number): void {
    this.free += count
    for (const enter of this.line) {
      if (this.free <= 0) return
      this.free--
      this.line.delete(enter)
      enter()
    }
  }
}
