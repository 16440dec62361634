/** What can be in a row, and in one only. */
export class Link {
  row: Row | undefined
  before: Link | undefined
  after: Link | undefined
}

/** One of those that share places for checks: a job in a Poller, or a target in its job. */
export class Member extends Link {
  /** How many of its checks are in flight, those that were given up included. */
  requests = 0
  /** How many of its waits have not ended. */
  open = 0
}

/** Members one after the other; each comes and goes in constant time. */
export class Row<M extends Link = Link> {
  size = 0
  first: M | undefined
  private last: M | undefined

  push(member: M): void {
    member.row = this
    member.before = this.last
    member.after = undefined
    if (this.last === undefined) this.first = member
    else this.last.after = member
    this.last = member
    this.size++
  }

  /** Adds a member before all others. */
  unshift(member: M): void {
    const { first } = this
    if (first === undefined) return this.push(member)
    member.row = this
    member.before = undefined
    member.after = first
    first.before = member
    this.first = member
    this.size++
  }

  remove(member: M): void {
    const { after, before } = member
    // The neighbours of a member are members of the same row.
    if (before === undefined) this.first = after as M | undefined
    else before.after = after
    if (after === undefined) this.last = before as M | undefined
    else after.before = before
    member.row = member.before = member.after = undefined
    this.size--
  }
}

/**
 * Those that want places, served one after the other. Members that have all the places they may hold leave the row: those
 * with the fewest checks in flight come back first, and one whose check ends comes back at once.
 */
export class Rotation<M extends Member> {
  private readonly ready = new Row<M>()
  /** The members that hold too many, by how many checks they have in flight. */
  private readonly over = new Map<number, Row<M>>()
  /** There is none below. */
  private leastOver = 0
  private overCount = 0
  /** Members that come back when any check ends (`restless`), or only when one of theirs does (`full`). */
  private readonly restless = new Row<M>()
  private readonly full = new Row<M>()

  /** How many members have queued waits. */
  get size(): number {
    return this.ready.size + this.overCount + this.restless.size + this.full.size
  }

  /** Adds a member behind all others, unless it takes part already. */
  enter(member: M): void {
    if (member.row === undefined) this.ready.push(member)
    else if (member.row === this.restless) this.retreat(member)
  }

  /** Makes a member the first, unless it has to wait for the end of one of its checks. */
  advance(member: M): void {
    if (member.row === this.full) return
    this.leave(member)
    this.ready.unshift(member)
  }

  /** Makes a member the last. */
  retreat(member: M): void {
    this.leave(member)
    this.ready.push(member)
  }

  leave(member: M): void {
    const row = member.row as Row<M> | undefined
    if (row === undefined) return
    row.remove(member)
    if (row === this.ready || row === this.restless || row === this.full) return
    this.overCount--
    if (row.size === 0) this.over.delete(member.requests)
  }

  /** Lets a member rest until any check ends. */
  rest(member: M): void {
    this.leave(member)
    this.restless.push(member)
  }

  /** Lets a member rest until one of its own checks ends. */
  restFull(member: M): void {
    this.leave(member)
    this.full.push(member)
  }

  /** Called before a member that takes part has one more or one less check in flight. */
  changes(member: M): void {
    if (member.row !== this.ready) this.retreat(member)
  }

  /** Lets a member that rests be tried again. */
  enterAgain(member: M): void {
    if (member.row === this.restless) this.retreat(member)
  }

  /** Called when there may be more places for all. */
  loosen(): void {
    for (let { first } = this.restless; first !== undefined; first = this.restless.first) this.retreat(first)
  }

  /** The next member that may have a place, which stays where it is. */
  next(mayHave: (member: M) => boolean): M | undefined {
    for (let { first } = this.ready; first !== undefined; first = this.ready.first) {
      if (mayHave(first)) return first
      this.ready.remove(first)
      this.setAside(first)
    }
    if (this.overCount === 0) return undefined
    while (!this.over.has(this.leastOver)) this.leastOver++
    const least = this.over.get(this.leastOver)!.first!
    return mayHave(least) ? least : undefined
  }

  private setAside(member: M): void {
    const { requests } = member
    const row = this.over.get(requests) ?? new Row<M>()
    this.over.set(requests, row)
    row.push(member)
    if (this.overCount++ === 0 || requests < this.leastOver) this.leastOver = requests
  }
}

/** The places that members share. */
export class Places<M extends Member> {
  /** Those with queued waits. */
  readonly rotation = new Rotation<M>()
  /** How many have waits that have not ended, and how many of these have no check in flight. */
  private open = 0
  private idle = 0

  /** Counts a wait that comes (1) or has ended (-1). */
  countWait(member: M, by: 1 | -1): void {
    const wasOpen = isOpen(member)
    const wasIdle = isIdle(member)
    member.open += by
    this.open += isOpen(member) - wasOpen
    this.idle += isIdle(member) - wasIdle
  }

  /** Counts a check in flight that begins (1) or is over (-1). */
  countRequest(member: M, by: 1 | -1): void {
    const { requests } = member
    if (member.row !== undefined) this.rotation.changes(member)
    member.requests = requests + by
    if (member.open > 0 && (requests === 0 || requests + by === 0)) this.idle -= by
  }

  /**
   * How many more places a member may have, of those that are free. One that is alone may have all of them. Otherwise it
   * may have another place as long as it has fewer than `alpha` times the free ones, divided by how many want places: so
   * a ninth stays free for others, however many checks hang. A member without a check has one if there is any, and the
   * last one is kept for a member without a check.
   */
  room(member: M, free: number): number {
    if (free <= 0) return 0
    if (this.open < 2) return free
    const { requests } = member
    const wanting = this.rotation.size + (member.row === undefined ? 1 : 0)
    const share = Math.ceil((alpha * free - wanting * requests) / (wanting + alpha))
    const kept = this.idle > isIdle(member) ? 1 : 0
    return Math.max(requests === 0 ? 1 : 0, Math.min(share, free - kept))
  }
}

// ---- internal ----

/**
 * How many places a member may hold for each one that is free: the factor of dynamic buffer thresholds (Choudhury and
 * Hahne, 1998), divided by the number of members that want places (Addanki and others, 2022).
 */
const alpha = 8

const isOpen = ({ open }: Member): number => (open > 0 ? 1 : 0)

const isIdle = ({ open, requests }: Member): number => (open > 0 && requests === 0 ? 1 : 0)
