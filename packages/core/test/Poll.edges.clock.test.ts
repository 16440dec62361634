import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Gate from "effect-poll/Gate"
import * as Poll from "effect-poll/Poll"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { ending } from "./scripted.ts"
import { stubClock } from "./stubClock.ts"

const every2s = Strategy.spaced("2 seconds")

describe("edges of a wait beside its timers", () => {
  it("a gate that opens after the deadline, before its watchdog", () => {
    const stub = stubClock()
    let open: (answer: Gate.Answer) => void = () => {}
    let checks = 0
    const gate = Gate.make(() =>
      Effect.callback<Gate.Answer>((resume) => {
        open = (a) => resume(Effect.succeed(a))
      })
    )
    const check = Effect.suspend(() => (checks++, Effect.never))
    Effect.runFork(
      Effect.provideService(
        Poll.until(check, { strategy: every2s, deadline: "10 seconds", gate }),
        Clock.Clock,
        stub.clock
      )
    )
    stub.setTo(10_020)
    open(Gate.open)
    assert.strictEqual(checks, 0)
  })
  it("a suspension while the gate is asked: one check, then judged", () => {
    const stub = stubClock()
    let asked = 0,
      checks = 0
    const gate = Gate.make(() => (asked++ === 0 ? Effect.never : Effect.succeed(Gate.open)))
    const gated = Gate.make((l) => Effect.suspend(() => gate.ask(l)))
    const check = Effect.sync(() => (checks++, Status.succeeded("done")))
    let exit: unknown
    Effect.runFork(
      Effect.provideService(
        Poll.until(check, { strategy: every2s, deadline: "10 seconds", gate: gated }),
        Clock.Clock,
        stub.clock
      )
    ).addObserver((e) => {
      exit = ending(e)
    })
    stub.fireAt(3_600_000)
    stub.fireAt(3_600_000)
    assert.deepStrictEqual([checks, exit], [1, "done"])
  })
})
