// A scripted server that answers for many jobs at once.
import type { VirtualClock } from "./clock.ts"

/** The state of job `id` in the nth answer about it, or undefined to omit the job from the answer. */
export type BatchScript = (id: string, n: number, at: number) => string | undefined

/** One request for many jobs. */
export interface BatchRequest {
  readonly at: number
  readonly ids: ReadonlyArray<string>
}

export class BatchServer {
  readonly requests: Array<BatchRequest> = []
  /** The maximum number of ids per request. */
  readonly size = 100
  readonly #clock: VirtualClock
  readonly #script: BatchScript
  readonly #asked = new Map<string, number>()
  readonly #broken: (n: number) => boolean

  /** `broken` says which requests (from 1) lose their connection. */
  constructor(clock: VirtualClock, script: BatchScript, broken: (n: number) => boolean = () => false) {
    this.#clock = clock
    this.#script = script
    this.#broken = broken
  }

  get flooded(): boolean {
    return this.requests.length > 5_000
  }

  /** How often a job was checked. */
  asked(id: string): number {
    return this.#asked.get(id) ?? 0
  }

  /** The states of jobs; jobs unknown to the server are omitted. */
  async lookup(ids: ReadonlyArray<string>): Promise<ReadonlyMap<string, string>> {
    this.requests.push({ at: this.#clock.now, ids })
    await Promise.resolve()
    if (this.flooded) return new Promise(() => {})
    if (this.#broken(this.requests.length)) throw new TypeError("fetch failed")
    const words = new Map<string, string>()
    for (const id of ids) {
      const n = this.asked(id) + 1
      this.#asked.set(id, n)
      const word = this.#script(id, n, this.#clock.now)
      if (word !== undefined) words.set(id, word)
    }
    return words
  }
}
