import { assert, describe, it } from "@effect/vitest"

interface Queue {
  readonly size: number
  readonly enter: (site: Site) => void
  readonly next: () => Site | undefined
}

// No package exports it, and the compiler does not follow a path that it cannot read.
const path: string = "../../src/internal/poller/dispatcher.ts"
const { Rotation } = (await import(path)) as { readonly Rotation: new () => Queue }

/** A site in which somebody always stands in line, until it is made empty. */
class Site {
  inRotation = false
  readonly queue = { isEmpty: false }
}

describe("Turns", () => {
  it("lets who comes wait for those who were there before, and nobody for all who come", () => {
    const turns = new Rotation()
    const old = [new Site(), new Site(), new Site()]
    for (const one of old) turns.enter(one)
    const served: Array<number> = []
    for (let i = 0; i < 12; i++) {
      const next = turns.next()!
      const at = old.indexOf(next)
      served.push(at)
      // A newcomer comes each time, and leaves when it was served.
      if (at < 0) next.queue.isEmpty = true
      turns.enter(new Site())
    }
    assert.deepStrictEqual(served, [0, 1, 2, 0, -1, 1, -1, 2, -1, 0, -1, -1])
  })

  it("forgets those whose line has gone", () => {
    const turns = new Rotation()
    const [a, b] = [new Site(), new Site()]
    turns.enter(a)
    turns.enter(b)
    a.queue.isEmpty = true
    assert.strictEqual(turns.next(), b)
    b.queue.isEmpty = true
    assert.deepStrictEqual([turns.next(), turns.size, a.inRotation, b.inRotation], [undefined, 0, false, false])
  })
})
