// A seeded source of randomness: the same seed gives the same answers on every machine.

export class Rng {
  #state: number

  constructor(seed: number) {
    this.#state = seed | 0
  }

  /** A number in [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }

  /** An integer from `least` to `most`. */
  int(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1))
  }

  chance(probability: number): boolean {
    return this.next() < probability
  }

  pick<A>(of: ReadonlyArray<A>): A {
    return of[this.int(0, of.length - 1)]!
  }

  /** Picks by weight. */
  weigh<A>(of: ReadonlyArray<readonly [weight: number, value: A]>): A {
    let left = this.next() * of.reduce((sum, [weight]) => sum + weight, 0)
    for (const [weight, value] of of) if ((left -= weight) < 0) return value
    return of.at(-1)![1]
  }
}
