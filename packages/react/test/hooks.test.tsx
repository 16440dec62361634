// @vitest-environment jsdom
import { assert, describe, it } from "@effect/vitest"
import { act, renderHook } from "@testing-library/react"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Job from "effect-poll/Job"
import * as Layer from "effect/Layer"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { Activity, StrictMode } from "react"
import { vi } from "vitest"
import { PollHooks, PollProvider, usePoll } from "@effect-poll/react"
import { pass, render, shop, within, withFakeTime } from "./mounted.tsx"
import { counted, deadline } from "./support.ts"

withFakeTime()

describe("usePoll", () => {
  it("a component - shows the wait until it ends, and makes no check in a render", async () => {
    const { checks, end, job } = counted()
    let during = 0
    const { result } = renderHook(() => {
      const poll = usePoll(job, "cat", deadline)
      during += checks.length === 0 ? 0 : Number(poll.phase === "idle")
      return poll
    }, within(shop()))
    assert.strictEqual(during, 0)
    await pass(0)
    assert.strictEqual(result.current.phase, "waiting")
    assert.strictEqual(result.current.attempt, 1)
    assert.strictEqual(result.current.nextAt, 1_002_000)
    end("cat")
    await pass(2_000)
    assert.deepStrictEqual(result.current.outcome, { _tag: "Success", value: "cat.png" })
    await pass(60_000)
    assert.strictEqual(checks.length, 2)
  })

  it("the returned object - is the same in a render that changes nothing", async () => {
    const { job } = counted()
    const { rerender, result } = renderHook(() => usePoll(job, "cat", { deadline: "1 hour" }), within(shop()))
    await pass(0)
    const before = result.current
    rerender()
    assert.strictEqual(result.current, before)
  })

  it("three components on one key - are one loop", async () => {
    const { checks, job } = counted()
    const Badge = () => <b>{usePoll(job, "cat", { deadline: "1 hour" }).attempt}</b>
    const { container } = await render(
      <PollProvider store={shop()}>
        <Badge />
        <Badge />
        <Badge />
      </PollProvider>
    )
    await pass(4_000)
    assert.strictEqual(checks.length, 3)
    assert.strictEqual(container.textContent, "333")
  })

  it("StrictMode - has one loop, of a store that is given and of one of its own", async () => {
    for (const props of [{ store: shop() }, {}]) {
      const { checks, job } = counted()
      const Badge = () => <b>{usePoll(job, "cat", deadline).attempt}</b>
      const { unmount } = await render(
        <StrictMode>
          <PollProvider {...props}>
            <Badge />
          </PollProvider>
        </StrictMode>
      )
      await pass(4_000)
      assert.strictEqual(checks.length, 3)
      unmount()
      await pass(60_000)
      assert.strictEqual(checks.length, 3)
    }
  })

  it("an unmount during a check - aborts it after the linger, and makes none afterwards", async () => {
    const { aborted, checks, job } = counted({ takes: 5_000 })
    const { unmount } = renderHook(() => usePoll(job, "cat", deadline), within(shop()))
    await pass(1_000)
    unmount()
    await pass(370)
    assert.strictEqual(aborted(), 0)
    await pass(60_000)
    assert.deepStrictEqual([checks.length, aborted()], [1, 1])
  })

  it("a component that returns - continues where the wait was", async () => {
    const { checks, job } = counted()
    const store = shop()
    const first = renderHook(() => usePoll(job, "cat", deadline), within(store))
    await pass(2_000)
    first.unmount()
    await pass(60_000)
    const { result } = renderHook(() => usePoll(job, "cat", deadline), within(store))
    await pass(0)
    assert.strictEqual(checks.length, 3)
    assert.strictEqual(result.current.attempt, 3)
    assert.strictEqual(result.current.startedAt, 1_000_000)
  })

  it("another key - is another wait, and without a key there is none", async () => {
    const { checks, job } = counted()
    const { rerender, result } = renderHook(({ id }) => usePoll(job, id, deadline), {
      ...within(shop()),
      initialProps: { id: undefined as string | undefined }
    })
    await pass(1_000)
    assert.strictEqual(result.current.phase, "idle")
    await result.current.cancel()
    result.current.checkNow()
    rerender({ id: "cat" })
    await pass(0)
    rerender({ id: "dog" })
    await pass(0)
    rerender({ id: undefined })
    await pass(10_000)
    assert.deepStrictEqual(checks, ["cat", "dog"])
    assert.strictEqual(result.current.phase, "idle")
  })

  it("the controls - check now, pause, cancel and restart", async () => {
    const { checks, job } = counted({ strategy: Strategy.spaced("1 minute") })
    const { result } = renderHook(() => usePoll(job, "cat", deadline), within(shop()))
    await pass(0)
    result.current.checkNow()
    await pass(0)
    assert.strictEqual(checks.length, 2)
    result.current.pause()
    await pass(120_000)
    assert.strictEqual(checks.length, 2)
    assert.strictEqual(result.current.pausedBy, "user")
    result.current.unpause()
    await pass(0)
    assert.strictEqual(checks.length, 3)
    await result.current.cancel()
    await pass(120_000)
    assert.strictEqual(result.current.outcome?._tag, "Failure")
    result.current.restart()
    await pass(0)
    assert.strictEqual(result.current.outcome?._tag, "Failure")
    assert.strictEqual(result.current.attempt, 1)
  })

  it("without a provider - throws", () => {
    vi.spyOn(console, "error").mockImplementation(() => {})
    const { job } = counted()
    assert.throws(() => renderHook(() => usePoll(job, "cat", deadline)), /no PollProvider/)
  })

  it("options that are a new object at each render - write no warning, and a job that is does", async () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {})
    const { job } = counted()
    const fine = renderHook(
      () => usePoll(job, "cat", { deadline: "1 hour", strategy: Strategy.spaced("2 seconds"), checkErrors: {} }),
      within(shop())
    )
    for (let at = 0; at < 10; at++) fine.rerender()
    const keyed = renderHook(({ id }) => usePoll(job, id, deadline), { ...within(shop()), initialProps: { id: "a" } })
    for (const id of ["b", "c", "d", "e"]) keyed.rerender({ id })
    assert.strictEqual(warn.mock.calls.length, 0)
    const made = renderHook(
      () => usePoll(Job.make("made", { check: () => Effect.succeed(Status.pending()) }), "cat", deadline),
      within(shop())
    )
    for (let at = 0; at < 10; at++) made.rerender()
    assert.strictEqual(warn.mock.calls.length, 1)
    assert.match(String(warn.mock.calls[0]![0]), /"made" is another one at each render/)
  })
})

describe("PollProvider", () => {
  it("a layer - is built when the first wait begins, once, and released at the unmount", async () => {
    class Region extends Context.Service<Region, string>()("Region") {}
    const log: Array<string> = []
    const layer = Layer.effect(
      Region,
      Effect.acquireRelease(
        Effect.sync(() => (log.push("built"), "eu")),
        () => Effect.sync(() => void log.push("released"))
      )
    )
    const hooks = PollHooks.make<Region>()
    const job = Job.make("render", {
      check: (id: string) => Effect.map(Region, (region) => Status.succeeded(`${region}/${id}`))
    })
    const Badge = () => {
      const { outcome } = hooks.usePoll(job, "cat", deadline)
      return <b>{outcome?._tag === "Success" ? outcome.value : ""}</b>
    }
    const app = (shown: boolean) => (
      <StrictMode>
        <hooks.PollProvider layer={layer}>{shown ? <Badge /> : null}</hooks.PollProvider>
      </StrictMode>
    )
    const { container, rerender, unmount } = await render(app(false))
    await pass(1_000)
    assert.deepStrictEqual(log, [])
    rerender(app(true))
    await pass(0)
    assert.strictEqual(container.textContent, "eu/cat")
    unmount()
    await pass(0)
    assert.deepStrictEqual(log, ["built", "released"])
  })

  it("an Activity that is hidden - stops the waits below it, and a new store shows them again", async () => {
    const { checks, job } = counted()
    const Badge = () => <b>{usePoll(job, "cat", deadline).attempt}</b>
    const app = (mode: "hidden" | "visible") => (
      <StrictMode>
        <Activity mode={mode}>
          <PollProvider>
            <Badge />
          </PollProvider>
        </Activity>
      </StrictMode>
    )
    const { container, rerender } = await render(app("visible"))
    await pass(2_000)
    assert.strictEqual(checks.length, 2)
    await act(async () => rerender(app("hidden")))
    await pass(60_000)
    assert.strictEqual(checks.length, 2)
    await act(async () => rerender(app("visible")))
    await pass(2_000)
    assert.strictEqual(checks.length, 4)
    assert.strictEqual(container.textContent, "2")
  })

  it("a layer that is another one at each render - writes a warning, and the first applies", async () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {})
    const { checks, job } = counted()
    const Badge = () => <b>{usePoll(job, "cat", deadline).attempt}</b>
    const App = () => (
      <PollProvider layer={Layer.empty}>
        <Badge />
      </PollProvider>
    )
    const Churn = () => (
      <PollProvider layer={Layer.effectDiscard(Effect.void)}>
        <Badge />
      </PollProvider>
    )
    const fine = await render(<App />)
    for (let at = 0; at < 5; at++) fine.rerender(<App />)
    await pass(0)
    fine.unmount()
    assert.strictEqual(warn.mock.calls.length, 0)
    const churn = await render(<Churn />)
    for (let at = 0; at < 5; at++) churn.rerender(<Churn />)
    await pass(0)
    assert.strictEqual(warn.mock.calls.length, 1)
    assert.strictEqual(checks.length, 2)
  })
})
