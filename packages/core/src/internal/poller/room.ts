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

  readonly take: Effect.Effect<void> = Effect.suspend(() => {
    if (this.tryTake()) return Effect.void
    return Effect.callback<void>((resume) => {
      const enter = () => resume(Effect.void)
      this.line.add(enter)
      return Effect.sync(() => this.line.delete(enter))
    })
  })

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
