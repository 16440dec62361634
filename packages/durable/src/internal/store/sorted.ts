/** The place of an entry: in the order of the number, and of the id where numbers are equal. */
export interface Place {
  readonly at: number
  readonly id: string
}

/** How many entries a part has at most. */
const most = 512

/** Ids in the order of a number. It is kept in parts, so that no operation moves or walks all of them. */
export class Sorted {
  /** None is empty. */
  private readonly parts: Array<Array<Place>> = []

  add(place: Place): void {
    const index = Math.min(this.partOf(place), this.parts.length - 1)
    const part = this.parts[index]
    if (part === undefined) {
      this.parts.push([place])
      return
    }
    part.splice(indexIn(part, place), 0, place)
    // Most entries come at the end: there a full part stays as it is.
    if (part.length > most) this.parts.splice(index + 1, 0, part.splice(part.at(-1) === place ? most : most / 2))
  }

  remove(place: Place): void {
    const at = this.partOf(place)
    const part = this.parts[at]
    if (part === undefined) return
    const index = indexIn(part, place)
    const found = part[index]
    if (found === undefined || found.at !== place.at || found.id !== place.id) return
    part.splice(index, 1)
    if (part.length === 0) this.parts.splice(at, 1)
  }

  /** The entries from a place on, that place included. They must not change meanwhile. */
  *from(place: Place): Generator<Place, undefined> {
    let index = this.partOf(place)
    const first = this.parts[index]
    if (first === undefined) return
    for (let i = indexIn(first, place); i < first.length; i++) yield first[i]!
    for (index++; index < this.parts.length; index++) yield* this.parts[index]!
  }

  /** The first part whose last entry is not before a place. */
  private partOf(place: Place): number {
    return lowest(this.parts.length, (index) => !isBefore(this.parts[index]!.at(-1)!, place))
  }
}

/** Whether one place comes before another. */
export const isBefore = (one: Place, other: Place): boolean =>
  one.at < other.at || (one.at === other.at && one.id < other.id)

/** The order of places, for a sort. */
export const order = (one: Place, other: Place): number => (isBefore(one, other) ? -1 : isBefore(other, one) ? 1 : 0)

/** The entries of several in one order. */
export function* merged(all: ReadonlyArray<Iterator<Place, undefined>>): Generator<Place, undefined> {
  const heads = all.map((iterator) => ({ iterator, place: iterator.next().value })).filter(isPresent)
  while (heads.length > 0) {
    let least = 0
    for (let i = 1; i < heads.length; i++) if (isBefore(heads[i]!.place, heads[least]!.place)) least = i
    const head = heads[least]!
    yield head.place
    const next = head.iterator.next().value
    if (next === undefined) heads.splice(least, 1)
    else head.place = next
  }
}

const isPresent = <A extends { readonly place: Place | undefined }>(head: A): head is A & { readonly place: Place } =>
  head.place !== undefined

const indexIn = (part: ReadonlyArray<Place>, place: Place): number =>
  lowest(part.length, (index) => !isBefore(part[index]!, place))

/** The lowest number below `end` for which something holds that holds for all above it too; `end` if there is none. */
const lowest = (end: number, holds: (index: number) => boolean): number => {
  let low = 0
  let high = end
  while (low < high) {
    const middle = (low + high) >>> 1
    if (holds(middle)) high = middle
    else low = middle + 1
  }
  return low
}
