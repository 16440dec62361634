// The checks that wait for a rate: first come, first served. Each has a place in the line, and is told when to ask
// again. A gate does not learn that a wait has left, so a place that is not taken up in time is passed over; a check that
// comes late still has it for a while.

/** A check in the line. */
export interface Place {
  readonly check: string
  /** When the check is to ask again. */
  at: number
  readonly block: Block
  state: "waiting" | "missed" | "gone"
}

/** Some places that follow each other: a rank is counted block by block. */
interface Block {
  readonly places: Array<Place>
  /** How many of them wait, and how many are not gone. */
  waiting: number
  left: number
}

export class RateLimitQueue {
  readonly graceMillis: number
  private readonly blocks: Array<Block> = []
  /** The places of each check, the oldest first. A check of two waits for one key has two. */
  private readonly byCheck = new Map<string, Array<Place>>()
  private readonly deadlines = new Deadlines()
  private waiting = 0

  /** `graceMillis` is how late a check may come before others take its turn. */
  constructor(graceMillis: number) {
    this.graceMillis = graceMillis
  }

  /** How many checks wait, without those that are late. */
  get size(): number {
    return this.waiting
  }

  /** Whether it remembers no check. */
  get isEmpty(): boolean {
    return this.byCheck.size === 0
  }

  /** When the next check is passed over that is not there by then, or before that. */
  get nextDeadline(): number {
    for (let next = this.deadlines.first; next !== undefined; next = this.deadlines.first) {
      const { at, place } = next
      if (place.state !== "gone" && at === this.deadlineOf(place)) return at
      this.deadlines.dropFirst()
    }
    return Number.POSITIVE_INFINITY
  }

  /** Passes over the places that were not taken up in time, and forgets those that are long gone. */
  sweep(now: number): void {
    for (let next = this.deadlines.first; next !== undefined && next.at < now; next = this.deadlines.first) {
      const { place } = next
      this.deadlines.dropFirst()
      if (place.state === "gone" || now <= this.deadlineOf(place)) continue
      if (place.state === "missed") this.leave(place)
      else {
        this.count(place, -1)
        place.state = "missed"
        this.deadlines.add(place, this.deadlineOf(place))
      }
    }
  }

  /** The place of a check that was to ask again by now. */
  find(check: string, now: number): Place | undefined {
    const place = this.byCheck.get(check)?.find(({ at }) => at <= now)
    if (place?.state === "missed") {
      place.state = "waiting"
      this.count(place, 1)
    }
    return place
  }

  /** How many wait before this place. */
  rankOf(place: Place): number {
    let rank = 0
    for (const block of this.blocks) {
      if (block === place.block) break
      rank += block.waiting
    }
    for (const other of place.block.places) {
      if (other === place) break
      if (other.state === "waiting") rank++
    }
    return rank
  }

  /** Gives a check the last place. `tell` says when it is to ask. */
  join(check: string): Place {
    let block = this.blocks.at(-1)
    if (block === undefined || block.places.length === blockSize) {
      block = { places: [], waiting: 0, left: 0 }
      this.blocks.push(block)
    }
    const place: Place = { check, at: 0, block, state: "waiting" }
    block.places.push(place)
    block.left++
    this.count(place, 1)
    const own = this.byCheck.get(check)
    if (own === undefined) this.byCheck.set(check, [place])
    else own.push(place)
    return place
  }

  /** Notes when a check is to ask again. */
  tell(place: Place, at: number): void {
    place.at = at
    this.deadlines.add(place, this.deadlineOf(place))
  }

  leave(place: Place): void {
    if (place.state === "gone") return
    if (place.state === "waiting") this.count(place, -1)
    place.state = "gone"
    const own = this.byCheck.get(place.check)!
    if (own.length === 1) this.byCheck.delete(place.check)
    else own.splice(own.indexOf(place), 1)
    if (--place.block.left === 0) this.blocks.splice(this.blocks.indexOf(place.block), 1)
  }

  /** When a place is passed over, or forgotten if it was. */
  private deadlineOf({ at, state }: Place): number {
    return at + this.graceMillis + (state === "missed" ? rememberedMillis : 0)
  }

  private count({ block }: Place, by: 1 | -1): void {
    block.waiting += by
    this.waiting += by
  }
}

// ---- internal ----

const blockSize = 256

/** How long a check that did not come in time keeps its place. */
const rememberedMillis = 60_000

/** Places by a time, the earliest first: a heap. */
class Deadlines {
  private readonly heap: Array<{ readonly at: number; readonly place: Place }> = []

  add(place: Place, at: number): void {
    const { heap } = this
    let index = heap.length
    const item = { at, place }
    heap.push(item)
    for (let parent = (index - 1) >> 1; index > 0 && heap[parent]!.at > at; parent = (index - 1) >> 1) {
      heap[index] = heap[parent]!
      index = parent
    }
    heap[index] = item
  }

  /** The place whose time is over first. */
  get first(): { readonly at: number; readonly place: Place } | undefined {
    return this.heap[0]
  }

  dropFirst(): void {
    const { heap } = this
    const last = heap.pop()!
    if (heap.length === 0) return
    let index = 0
    for (;;) {
      let child = 2 * index + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && heap[child + 1]!.at < heap[child]!.at) child++
      if (heap[child]!.at >= last.at) break
      heap[index] = heap[child]!
      index = child
    }
    heap[index] = last
  }
}
