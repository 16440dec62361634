/** Calls to make once a turn is over, one after the other; calls that are added meanwhile come last. */
export class AfterTurn {
  // The memory is used again and again.
  private readonly calls: Array<(() => void) | undefined> = []
  private next = 0
  private count = 0

  get isEmpty(): boolean {
    return this.next === this.count
  }

  add(call: () => void): void {
    this.calls[this.count++] = call
  }

  /** Makes all of them. One that throws does not stop the others; the first error is thrown at the end. */
  run(): void {
    let defects: Array<unknown> | undefined
    while (this.next < this.count) {
      const call = this.calls[this.next]!
      this.calls[this.next++] = undefined
      try {
        call()
      } catch (defect) {
        defects ??= []
        defects.push(defect)
      }
    }
    this.next = this.count = 0
    if (this.calls.length > mostKept) this.calls.length = mostKept
    if (defects !== undefined) throw defects[0]
  }
}

// ---- internal ----

/** How many places are kept while there is nothing to do. */
const mostKept = 1_024
