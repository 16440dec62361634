import { assert, describe, it } from "@effect/vitest"

interface Queue {
  readonly length: number
  readonly enter: (site: Site) => void
  readonly next: () => Site | undefined
}

// No package exports it, and the compiler does not follow a path that it cannot read.
const path: string = "../../src/internal/poller/turns.ts"
const { Turns } = (await import(path)) as { readonly Turns: new () => Queue }

/** A site whose line is never empty, until it is made so. */
class Site {
  inTurn = false
  readonly line = { isEmpty: false }
}

describe("Turns", () => {
  it("next - serves a newcomer after those already there, and delays these by one newcomer at a time", () => {
    const turns = new Turns()
    const old = [new Site(), new Site(), new Site()]
    for (const one of old) turns.enter(one)
    const served: Array<number> = []
    for (let i = 0; i < 12; i++) {
      const next = turns.next()!
      const at = old.indexOf(next)
      served.push(at)
      // A newcomer comes each time, and leaves once it was served.
      if (at < 0) next.line.isEmpty = true
      turns.enter(new Site())
    }
    assert.deepStrictEqual(served, [0, 1, 2, 0, -1, 1, -1, 2, -1, 0, -1, -1])
  })

  it("next - drops sites whose line is empty", () => {
    const turns = new Turns()
    const [a, b] = [new Site(), new Site()]
    turns.enter(a)
    turns.enter(b)
    a.line.isEmpty = true
    assert.strictEqual(turns.next(), b)
    b.line.isEmpty = true
    assert.deepStrictEqual([turns.next(), turns.length, a.inTurn, b.inTurn], [undefined, 0, false, false])
  })
})
