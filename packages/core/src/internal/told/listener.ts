import type * as Fiber from "effect/Fiber"
import type { Event, Heard } from "../machine/event.ts"
import type { Fork, Listened, Listener, Register } from "./loaded.ts"
import { pump } from "./pump.ts"

/** The listener of a wait. What it hears before the wait starts is kept in `early`. */
export class WaitListener implements Listener {
  private readonly early: Array<Heard> = []
  private readonly fibers: Array<Fiber.Fiber<never>> = []
  private readonly remove: (() => void) | undefined
  private tell: ((event: Event) => void) | undefined
  private isOver = false

  constructor({ key, rawKey, sources }: Listened, job: string, register: Register | undefined, fork: Fork) {
    const hear = (event: Event): void => {
      if (this.isOver) return
      if (this.tell !== undefined) this.tell(event)
      else if (event._tag === "Told") this.early.push(event)
    }
    for (const source of sources ?? []) this.fibers.push(fork(pump(source, rawKey, hear, fork)))
    this.remove = register?.add({ job, key, rawKey, hear: (told) => hear({ _tag: "Told", told, by: "push" }) })
  }

  take(): ReadonlyArray<Heard> {
    return this.early.splice(0)
  }

  connect(tell: (event: Event) => void): void {
    this.tell = tell
    for (const event of this.take()) if (!this.isOver) tell(event)
  }

  stop(): ReadonlyArray<Fiber.Fiber<never>> {
    if (!this.isOver) {
      this.isOver = true
      this.remove?.()
      for (const fiber of this.fibers) fiber.interruptUnsafe()
    }
    return this.fibers.filter((fiber) => fiber.pollUnsafe() === undefined)
  }

  runs(fiber: Fiber.Fiber<unknown, unknown>): boolean {
    return this.fibers.some((own) => own === fiber)
  }
}
