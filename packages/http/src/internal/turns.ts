// A line of those who wait for a rate: first come, first served. Each is told when its turn is, and asks again then; so
// nobody asks twice in vain, and those who were just served do not push in before those who wait.

interface Turn {
  readonly name: string
  readonly at: number
  over: boolean
}

/** How late one may come for a turn, in milliseconds. */
const grace = 1_000

export class Turns {
  /** Turns by who waits; one who waits several times over (two waits for one key) has several. */
  private readonly byName = new Map<string, Array<Turn>>()
  /** All turns in the order in which they were given, but for those at the front that are over. */
  private readonly line: Array<Turn> = []
  private first = 0
  private waiting = 0
  /** Turns that passed and nobody came: somebody else may have them. */
  private spare = 0
  private lastAt = 0
  private lastAgain = 0
  private readonly pace: number

  /** `pace` is the time between two turns, in milliseconds. */
  constructor(pace: number) {
    this.pace = pace
  }

  isEmpty(now: number): boolean {
    this.sweep(now)
    return this.waiting === 0
  }

  /** Whose turn it is: that of one who waited (and now no longer does), of anybody, or somebody else's. */
  claim(name: string, now: number): "own" | "free" | "none" {
    this.sweep(now)
    const own = this.byName.get(name)?.find(({ at }) => at <= now)
    if (own !== undefined) {
      this.remove(own)
      return "own"
    }
    if (this.waiting === 0) return "free"
    if (this.spare === 0) return "none"
    this.spare--
    return "free"
  }

  /** Gives a turn behind all others, not before `from`; says when it is. */
  join(name: string, from: number): number {
    this.lastAt = Math.max(from, this.waiting === 0 ? 0 : this.lastAt + this.pace)
    return this.give(name, this.lastAt)
  }

  /** Gives another turn to one who came in turn and could not be served, not before `from`; says when it is. */
  again(name: string, from: number): number {
    this.lastAgain = Math.max(from, this.lastAgain + this.pace)
    this.lastAt = Math.max(this.lastAt, this.lastAgain)
    return this.give(name, this.lastAgain)
  }

  private give(name: string, at: number): number {
    const turn: Turn = { name, at, over: false }
    const own = this.byName.get(name)
    if (own === undefined) this.byName.set(name, [turn])
    else own.push(turn)
    this.line.push(turn)
    this.waiting++
    return at
  }

  private remove(turn: Turn): void {
    const own = this.byName.get(turn.name)!
    if (own.length === 1) this.byName.delete(turn.name)
    else own.splice(own.indexOf(turn), 1)
    turn.over = true
    if (--this.waiting === 0) this.spare = 0
  }

  /** Drops the turns at the front that are over, and those that nobody came for. */
  private sweep(now: number): void {
    for (let turn = this.line[this.first]; turn !== undefined; turn = this.line[++this.first]) {
      if (turn.over) continue
      if (turn.at + grace >= now) break
      this.spare++
      this.remove(turn)
    }
    if (this.first > 1_000 && 2 * this.first > this.line.length) {
      this.line.splice(0, this.first)
      this.first = 0
    }
  }
}
