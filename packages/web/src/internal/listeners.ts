import { report } from "./snapshots.ts"

/** The views that listen to one entry. A function that is added twice is called twice. */
export class Listeners {
  private all: ReadonlySet<{ readonly call: () => void }> = new Set()

  get size(): number {
    return this.all.size
  }

  /** Adds a listener. The function that is returned removes it, and returns whether it was there. */
  add(call: () => void): () => boolean {
    const listener = { call }
    this.all = new Set([...this.all, listener])
    return () => {
      if (!this.all.has(listener)) return false
      this.all = new Set([...this.all].filter((other) => other !== listener))
      return true
    }
  }

  /** Calls those that are here now; the error of one does not keep the others from being called. */
  notify(): void {
    for (const listener of this.all) {
      // Another one may have removed it.
      if (!this.all.has(listener)) continue
      try {
        listener.call()
      } catch (error) {
        report(error)
      }
    }
  }

  clear(): void {
    this.all = new Set()
  }
}
