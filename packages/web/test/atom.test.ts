import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Atom from "effect/reactivity/Atom"
import * as AtomRegistry from "effect/reactivity/AtomRegistry"
import * as TestClock from "effect/testing/TestClock"
import { fromEntry } from "@effect-poll/web/atom"
import { counted, makePage, settled } from "./support/pages.ts"

const options = { deadline: "1 hour" } as const

describe("fromEntry", () => {
  const setup = Effect.gen(function* () {
    const { store } = yield* makePage()
    const { job, server } = counted()
    const registry = AtomRegistry.make()
    yield* Effect.addFinalizer(() => Effect.sync(() => registry.dispose()))
    return { atom: fromEntry(store.entry(job, "a", options)), registry, server }
  })

  it.effect("atom - runs the wait while it is mounted", () =>
    Effect.gen(function* () {
      const { atom, registry, server } = yield* setup
      const seen: Array<number> = []
      const unmount = registry.subscribe(atom, ({ attempt }) => void seen.push(attempt), { immediate: true })
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(server.checks, 6)
      assert.include(seen, 5)
      assert.strictEqual(registry.get(atom).attempt, 6)
      unmount()
      yield* TestClock.withLive(Effect.sleep(20))
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(server.checks, 6)
    })
  )

  it.effect("atom - that is only read starts nothing, on a server or anywhere, and mounting it later does", () =>
    Effect.gen(function* () {
      const { atom: plain, registry, server } = yield* setup
      for (const atom of [
        plain,
        Atom.keepAlive(plain),
        Atom.setIdleTTL(plain, "1 minute"),
        Atom.map(plain, (each) => each)
      ]) {
        const before = server.checks
        assert.strictEqual(registry.get(atom).attempt, before)
        yield* TestClock.adjust("1 minute")
        registry.get(atom)
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(Atom.getServerValue(plain, registry).phase, "idle")
        assert.strictEqual(server.checks, before)
        const unmount = registry.mount(atom)
        yield* settled
        assert.strictEqual(server.checks, before + 1)
        unmount()
        registry.refresh(plain)
        yield* TestClock.withLive(Effect.sleep(20))
        yield* TestClock.adjust("1 second")
        registry.reset()
      }
    })
  )
})
