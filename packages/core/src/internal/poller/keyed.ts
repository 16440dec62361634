/**
 * A map of keys that may be a million. A JavaScript Map that grows or shrinks moves all of its entries at once; this one is
 * divided into many, by a hash of the key, once it is large. Then its order is not that in which the keys came.
 */
export class Keyed<A> {
  private one = new Map<string, A>()
  private shards: ReadonlyArray<Map<string, A>> | undefined
  /** How many entries the shards have. */
  private count = 0

  get size(): number {
    return this.shards === undefined ? this.one.size : this.count
  }

  get(key: string): A | undefined {
    return this.mapOf(key).get(key)
  }

  set(key: string, value: A): void {
    const map = this.mapOf(key)
    if (this.shards === undefined) {
      map.set(key, value)
      if (map.size > largest) this.divide()
    } else {
      const { size } = map
      map.set(key, value)
      this.count += map.size - size
    }
  }

  delete(key: string): void {
    if (!this.mapOf(key).delete(key) || this.shards === undefined || --this.count > 0) return
    this.shards = undefined
  }

  *values(): Generator<A> {
    for (const map of this.shards ?? [this.one]) yield* map.values()
  }

  private mapOf(key: string): Map<string, A> {
    return this.shards === undefined ? this.one : this.shards[hashOf(key) & (shardCount - 1)]!
  }

  private divide(): void {
    const shards = Array.from({ length: shardCount }, () => new Map<string, A>())
    for (const [key, value] of this.one) shards[hashOf(key) & (shardCount - 1)]!.set(key, value)
    this.shards = shards
    this.count = this.one.size
    this.one = new Map()
  }
}

// ---- internal ----

/** How many entries one Map has at most. */
const largest = 8_192

/** A power of two. */
const shardCount = 64

/** How many characters are read of each end of a key: the rest of a long one, such as an address, is often the same. */
const read = 24

const hashOf = (key: string): number => {
  const { length } = key
  let hash = length
  for (let at = 0; at < length; at++) {
    if (at === read && length > 2 * read) at = length - read
    hash = (Math.imul(hash, 31) + key.charCodeAt(at)) | 0
  }
  // The last bits of a sum depend on few characters.
  hash ^= hash >>> 16
  return hash ^ (hash >>> 8)
}
