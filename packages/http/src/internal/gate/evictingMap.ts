/** Values by name, created on demand. Idle ones are dropped whenever the number of names has doubled. */
export interface EvictingMap<V> {
  readonly get: (name: string, now: number) => V
}

export const make = <V>(create: (name: string) => V, isIdle: (value: V, now: number) => boolean): EvictingMap<V> => {
  const values = new Map<string, V>()
  let sweepSize = minSweepSize
  const sweep = (now: number): void => {
    for (const [name, value] of values) if (isIdle(value, now)) values.delete(name)
    sweepSize = Math.max(minSweepSize, 2 * values.size)
  }
  return {
    get: (name, now) => {
      const known = values.get(name)
      if (known !== undefined) return known
      if (values.size >= sweepSize) sweep(now)
      const value = create(name)
      values.set(name, value)
      return value
    }
  }
}

// ---- internal ----

const minSweepSize = 1024
