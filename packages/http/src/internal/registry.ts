/** Values by name. Names may be many and come and go: those that are idle are dropped when they have doubled in number. */
export interface Registry<V> {
  readonly get: (name: string, now: number) => V
}

export const make = <V>(create: (name: string) => V, isIdle: (value: V, now: number) => boolean): Registry<V> => {
  const values = new Map<string, V>()
  let sweepAt = leastSweep
  const sweep = (now: number): void => {
    for (const [name, value] of values) if (isIdle(value, now)) values.delete(name)
    sweepAt = Math.max(leastSweep, 2 * values.size)
  }
  return {
    get: (name, now) => {
      const known = values.get(name)
      if (known !== undefined) return known
      if (values.size >= sweepAt) sweep(now)
      const value = create(name)
      values.set(name, value)
      return value
    }
  }
}

// ---- internal ----

const leastSweep = 1024
