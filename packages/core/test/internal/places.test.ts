import { assert, describe, it } from "@effect/vitest"

interface Member {
  requests: number
  open: number
}

interface Rotation {
  readonly size: number
  readonly enter: (member: Member) => void
  readonly leave: (member: Member) => void
  readonly advance: (member: Member) => void
  readonly retreat: (member: Member) => void
  readonly rest: (member: Member) => void
  readonly restFull: (member: Member) => void
  readonly loosen: () => void
  readonly next: (mayHave: (member: Member) => boolean) => Member | undefined
}

interface Places {
  readonly rotation: Rotation
  readonly countWait: (member: Member, by: 1 | -1) => void
  readonly countRequest: (member: Member, by: 1 | -1) => void
  readonly room: (member: Member, free: number) => number
}

// No package exports it, and the compiler does not follow a path that it cannot read.
const path: string = "../../src/internal/poller/queue/places.ts"
const module = (await import(path)) as {
  readonly Member: new () => Member
  readonly Places: new () => Places
}

const always = () => true

/** Members that share this many places; each has a wait. */
const sharing = (count: number, places: number) => {
  const shared = new module.Places()
  let taken = 0
  const members = Array.from({ length: count }, () => new module.Member())
  for (const member of members) shared.countWait(member, 1)
  const take = (member: Member): boolean => {
    if (shared.room(member, places - taken) <= 0) return false
    shared.countRequest(member, 1)
    taken++
    return true
  }
  return {
    members,
    shared,
    take,
    /** Lets a member take as many places as it may have. Returns how many it holds then. */
    fill: (member: Member): number => {
      shared.rotation.enter(member)
      while (take(member));
      return member.requests
    },
    end: (member: Member) => {
      shared.countRequest(member, -1)
      taken--
    },
    free: () => places - taken
  }
}

describe("Places", () => {
  describe("rotation", () => {
    it("next - serves a newcomer after those already there, and delays these by one newcomer at a time", () => {
      const { rotation } = new module.Places()
      const old = [new module.Member(), new module.Member(), new module.Member()]
      for (const one of old) rotation.enter(one)
      const served: Array<number> = []
      for (let i = 0; i < 12; i++) {
        const next = rotation.next(always)!
        const at = old.indexOf(next)
        served.push(at)
        // A newcomer comes each time, and leaves once it was served.
        if (at < 0) rotation.leave(next)
        else rotation.retreat(next)
        rotation.enter(new module.Member())
      }
      assert.deepStrictEqual(served, [0, 1, 2, 0, -1, 1, -1, 2, -1, 0, -1, -1])
    })

    it("next - looks once at members that may not have a place, until one of their checks ends", () => {
      const shared = new module.Places()
      const { rotation } = shared
      const members = Array.from({ length: 1000 }, () => new module.Member())
      for (const member of members) {
        shared.countRequest(member, 1)
        rotation.enter(member)
      }
      let looks = 0
      const mayHave = ({ requests }: Member) => (looks++, requests === 0)
      assert.strictEqual(rotation.next(mayHave), undefined)
      assert.strictEqual(looks, 1001)
      looks = 0
      for (let i = 0; i < 100; i++) assert.strictEqual(rotation.next(mayHave), undefined)
      assert.strictEqual(looks, 100)
      shared.countRequest(members[500]!, -1)
      looks = 0
      assert.strictEqual(rotation.next(mayHave), members[500])
      assert.strictEqual(looks, 1)
    })

    it("next - of those that hold too many, tries the ones with the fewest checks first", () => {
      const shared = new module.Places()
      const { rotation } = shared
      const [three, one, two] = [3, 1, 2].map((requests) => {
        const member = new module.Member()
        for (let i = 0; i < requests; i++) shared.countRequest(member, 1)
        rotation.enter(member)
        return member
      })
      assert.strictEqual(
        rotation.next(() => false),
        undefined
      )
      assert.strictEqual(rotation.next(always), one)
      rotation.leave(one!)
      assert.strictEqual(rotation.next(always), two)
      rotation.leave(two!)
      assert.strictEqual(rotation.next(always), three)
    })

    it("rest - lasts until any check ends, and restFull until one of its own does", () => {
      const shared = new module.Places()
      const { rotation } = shared
      const [resting, full, other] = [new module.Member(), new module.Member(), new module.Member()]
      for (const member of [resting, full, other]) {
        shared.countRequest(member, 1)
        rotation.enter(member)
      }
      rotation.rest(resting)
      rotation.restFull(full)
      rotation.leave(other)
      assert.deepStrictEqual([rotation.next(always), rotation.size], [undefined, 2])
      rotation.loosen()
      assert.strictEqual(rotation.next(always), resting)
      rotation.leave(resting)
      assert.strictEqual(rotation.next(always), undefined)
      shared.countRequest(full, -1)
      assert.strictEqual(rotation.next(always), full)
    })
  })

  describe("room", () => {
    it.each([1, 2, 3, 8, 9, 100])("one member alone - may have all of %i places", (places) => {
      const { fill, members } = sharing(1, places)
      assert.strictEqual(fill(members[0]!), places)
    })

    it.each([
      [1, 1],
      [2, 1],
      [3, 2],
      [8, 7],
      [9, 8],
      [100, 89],
      [1000, 889]
    ])("of %i places - one of two members holds at most %i", (places, most) => {
      const { fill, members } = sharing(2, places)
      assert.strictEqual(fill(members[0]!), most)
    })

    it.each([2, 3, 5, 10])(
      "%i members that hold what they may - leave a ninth to a newcomer, in the long run",
      (count) => {
        const { end, fill, free, members, shared, take } = sharing(count + 1, 100)
        const [newcomer, ...hung] = members as [Member, ...Array<Member>]
        for (const member of hung) fill(member)
        // Their checks time out one by one, and each takes again what it may.
        for (let i = 0; i < 1000; i++) {
          const member = hung[i % count]!
          end(member)
          for (let tries = 0; tries < count; tries++) take(hung[(i + tries) % count]!)
        }
        assert.isAtLeast(free(), 8)
        for (const member of hung) assert.closeTo(member.requests, 89 / count, 2)
        shared.rotation.enter(newcomer)
        assert.isTrue(take(newcomer))
      }
    )

    it("member without a check - has the last place, which the others leave to it", () => {
      const { free, members, take } = sharing(51, 50)
      const [last, ...others] = members as [Member, ...Array<Member>]
      for (const member of others.slice(0, 49)) assert.isTrue(take(member))
      assert.isFalse(take(others[0]!))
      assert.strictEqual(free(), 1)
      assert.isTrue(take(last))
      assert.isFalse(take(others[49]!))
    })

    it("members that all have checks - use all of few places", () => {
      const { fill, free, members } = sharing(2, 3)
      assert.deepStrictEqual([fill(members[0]!), fill(members[1]!), free()], [2, 1, 0])
    })
  })
})
