/** Things to do, one after the other; what is added meanwhile comes last. Its memory is used again and again. */
export class Agenda {
  private readonly items: Array<(() => void) | undefined> = []
  /** The next one, and how many there are with those that are done. */
  private next = 0
  private count = 0

  get isEmpty(): boolean {
    return this.next === this.count
  }

  push(item: () => void): void {
    this.items[this.count++] = item
  }

  /** Does all of them. What one of them throws is nothing to the others, and thrown at the end. */
  run(): void {
    let defects: Array<unknown> | undefined
    while (this.next < this.count) {
      const item = this.items[this.next]!
      this.items[this.next++] = undefined
      try {
        item()
      } catch (defect) {
        defects ??= []
        defects.push(defect)
      }
    }
    this.next = this.count = 0
    if (this.items.length > kept) this.items.length = kept
    if (defects !== undefined) throw defects[0]
  }
}

// ---- internal ----

/** How many places are kept while there is nothing to do. */
const kept = 1_024
