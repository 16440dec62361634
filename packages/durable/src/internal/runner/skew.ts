/**
 * How far the clock of the database is ahead of the wall clock of this process, in milliseconds. An answer only tells that
 * the database read its clock between the request and the answer; the estimate moves no further than that requires, so
 * that it neither trembles nor follows slow answers.
 */
export class Skew {
  millis = 0
  private isKnown = false

  /** The database said that it was `now` at some time between two times of the wall clock. */
  observed(now: number, asked: number, answered: number): void {
    const least = now - Math.max(asked, answered)
    // Times of the database are whole milliseconds, rounded down.
    const most = now - Math.min(asked, answered) + 1
    this.millis = this.isKnown ? Math.min(Math.max(this.millis, least), most) : Math.round((least + most) / 2)
    this.isKnown = true
  }
}
