import { assert, describe, it } from "@effect/vitest"

interface Queue {
  readonly size: number
  readonly enter: (target: Target) => void
  readonly next: () => Target | undefined
}

// No package exports it, and the compiler does not follow a path that it cannot read.
const path: string = "../../src/internal/poller/dispatcher.ts"
const { Rotation } = (await import(path)) as { readonly Rotation: new () => Queue }

/** A target whose queue is never empty, until it is made so. */
class Target {
  inRotation = false
  readonly queue = { isEmpty: false }
}

describe("Rotation", () => {
  it("next - serves a newcomer after those already there, and delays these by one newcomer at a time", () => {
    const rotation = new Rotation()
    const old = [new Target(), new Target(), new Target()]
    for (const one of old) rotation.enter(one)
    const served: Array<number> = []
    for (let i = 0; i < 12; i++) {
      const next = rotation.next()!
      const at = old.indexOf(next)
      served.push(at)
      // A newcomer comes each time, and leaves once it was served.
      if (at < 0) next.queue.isEmpty = true
      rotation.enter(new Target())
    }
    assert.deepStrictEqual(served, [0, 1, 2, 0, -1, 1, -1, 2, -1, 0, -1, -1])
  })

  it("next - drops targets whose queue is empty", () => {
    const rotation = new Rotation()
    const [a, b] = [new Target(), new Target()]
    rotation.enter(a)
    rotation.enter(b)
    a.queue.isEmpty = true
    assert.strictEqual(rotation.next(), b)
    b.queue.isEmpty = true
    assert.deepStrictEqual([rotation.next(), rotation.size, a.inRotation, b.inRotation], [undefined, 0, false, false])
  })
})
