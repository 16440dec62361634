/** A list of items that may be a million: a JavaScript array that grows copies all of them at once. */
export class Chunks<A> implements Iterable<A> {
  size = 0
  private chunks: Array<Array<A>> = []

  add(item: A): void {
    this.size++
    const last = this.chunks.at(-1)
    if (last !== undefined && last.length < chunkSize) last.push(item)
    else this.chunks.push([item])
  }

  clear(): void {
    this.chunks = []
    this.size = 0
  }

  *[Symbol.iterator](): Generator<A> {
    for (const chunk of this.chunks) yield* chunk
  }
}

// ---- internal ----

const chunkSize = 512
