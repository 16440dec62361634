// @vitest-environment jsdom
import { assert, describe, it } from "@effect/vitest"
import { act, cleanup, render as renderNow, renderHook, type RenderResult } from "@testing-library/react"
import type { PollStore } from "@effect-poll/web/PollStore"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Job from "effect-poll/Job"
import * as Layer from "effect/Layer"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { Activity, Component, memo, type ReactNode, startTransition, StrictMode, Suspense, useState } from "react"
import { afterEach, beforeEach, vi } from "vitest"
import {
  PollBoundary,
  type Polled,
  type PolledRow,
  PollHooks,
  PollProvider,
  usePoll,
  usePolls,
  usePollStore,
  useSuspensePoll
} from "@effect-poll/react"
import { counted, deadline, page } from "./support.ts"

const stores: Array<PollStore> = []
const shop = (options?: Parameters<typeof page>[0]): PollStore => {
  const store = page(options)
  stores.push(store)
  return store
}

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000, toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "Date"] })
})
afterEach(async () => {
  cleanup()
  for (const store of stores.splice(0)) void store.close()
  await vi.advanceTimersByTimeAsync(1_000)
  vi.useRealTimers()
  vi.restoreAllMocks()
})

/** Moves the clock, and lets fibers, promises and frames settle. */
const pass = (millis: number) =>
  act(async () => {
    await vi.advanceTimersByTimeAsync(millis)
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
    await vi.advanceTimersByTimeAsync(17)
  })

/** Renders, and lets the effects run: also those above what is suspended. */
const render = async (element: ReactNode): Promise<RenderResult> => {
  let result: RenderResult | undefined
  await act(async () => void (result = renderNow(element)))
  return result!
}

const within = (store: PollStore) => ({
  wrapper: ({ children }: { readonly children: ReactNode }) => <PollProvider store={store}>{children}</PollProvider>
})

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

describe("usePolls", () => {
  const ids = Array.from({ length: 1_000 }, (_, at) => `k${at}`)

  it("a thousand keys - are rows in their order, and a row is the same object until its wait changes", async () => {
    const { checks, end, job } = counted({ strategy: Strategy.spaced("1 minute") })
    let renders = 0
    const { rerender, result } = renderHook(
      () => (renders++, usePolls(job, [...ids], { deadline: "1 hour" })),
      within(shop())
    )
    await pass(0)
    assert.strictEqual(checks.length, 1_000)
    assert.deepStrictEqual(
      result.current.map((row) => row.key),
      ids
    )
    assert.isAtMost(renders, 4)
    const before = result.current
    rerender()
    assert.strictEqual(result.current, before)
    end("k7")
    renders = 0
    const at = before[7]!
    at.checkNow()
    await pass(0)
    assert.strictEqual(result.current[7]!.phase, "ended")
    assert.deepStrictEqual(
      result.current.flatMap((row, index) => (row === before[index] ? [] : [index])),
      [7]
    )
    assert.isAtMost(renders, 2)
  }, 60_000)

  it("a memoized row - renders only when its wait changes", async () => {
    const { job } = counted({ strategy: Strategy.spaced("1 minute") })
    const renders = new Map<string, number>()
    const Row = memo(({ row }: { readonly row: PolledRow<string, string, string> }) => {
      renders.set(row.id, (renders.get(row.id) ?? 0) + 1)
      return <i>{row.attempt}</i>
    })
    const polls: { current: ReadonlyArray<PolledRow<string, string, string>> } = { current: [] }
    const List = () => {
      polls.current = usePolls(job, ["a", "b", "c"], { deadline: "1 hour" })
      return polls.current.map((row) => <Row key={row.id} row={row} />)
    }
    await render(
      <PollProvider store={shop()}>
        <List />
      </PollProvider>
    )
    await pass(0)
    renders.clear()
    polls.current[1]!.checkNow()
    await pass(0)
    assert.deepStrictEqual([...renders.keys()], ["b"])
  })

  it("a key that is added or removed - leaves the other rows and waits alone", async () => {
    const { checks, job } = counted()
    const { rerender, result } = renderHook(({ keys }) => usePolls(job, keys, deadline), {
      ...within(shop()),
      initialProps: { keys: ["a", "b"] }
    })
    await pass(0)
    const [a, b] = result.current
    rerender({ keys: ["b", "c", "a"] })
    assert.strictEqual(result.current[0], b)
    assert.strictEqual(result.current[2], a)
    await pass(0)
    assert.deepStrictEqual(checks, ["a", "b", "c"])
    rerender({ keys: ["c"] })
    await pass(10_000)
    assert.deepStrictEqual(checks, ["a", "b", "c", "c", "c", "c", "c", "c"])
    assert.strictEqual(result.current.length, 1)
  })

  it("a key twice - is one wait and two rows", async () => {
    const { checks, job } = counted()
    const { result } = renderHook(() => usePolls(job, ["a", "a"], deadline), within(shop()))
    await pass(0)
    assert.deepStrictEqual(checks, ["a"])
    assert.strictEqual(result.current[0], result.current[1])
    assert.strictEqual(result.current[0]!.attempt, 1)
  })

  it("usePoll and usePolls - share the wait for a key, and StrictMode has one loop", async () => {
    const { checks, job } = counted()
    const Both = () => {
      const one = usePoll(job, "a", deadline)
      const [row] = usePolls(job, ["a", "b"], (id) => ({ deadline: id === "a" ? "1 hour" : "2 hours" }))
      return <b>{`${one.attempt}${row!.attempt}`}</b>
    }
    const { container } = await render(
      <StrictMode>
        <PollProvider store={shop()}>
          <Both />
        </PollProvider>
      </StrictMode>
    )
    await pass(2_000)
    assert.strictEqual(container.textContent, "22")
    assert.deepStrictEqual(checks.filter((key) => key === "a").length, 2)
  })
})

class Boundary extends Component<{ readonly children: ReactNode }, { readonly error: unknown }> {
  override state = { error: undefined as unknown }
  static getDerivedStateFromError(error: unknown) {
    return { error }
  }
  override render() {
    const { error } = this.state
    return error === undefined ? this.props.children : `error ${(error as { _tag?: string })._tag}`
  }
}

describe("useSuspensePoll", () => {
  it("provider - one that is inside the Suspense boundary is warned of", async () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {})
    const { checks, job } = counted()
    const View = () => <>{useSuspensePoll(job, "inside", deadline)}</>
    await act(async () => {
      renderNow(
        <Suspense fallback="wait">
          <PollProvider store={shop()}>
            <View />
          </PollProvider>
        </Suspense>
      )
    })
    await pass(4_000)
    assert.strictEqual(warn.mock.calls.length, 0)
    await pass(2_000)
    assert.include(String(warn.mock.calls[0]?.[0]), "outside of the Suspense boundary")
    assert.strictEqual(checks.length, 0)
  })

  const errors: Array<unknown> = []
  beforeEach(() => {
    errors.length = 0
    vi.spyOn(console, "error").mockImplementation((message) => void errors.push(message))
  })
  afterEach(() => {
    // React writes about what an error boundary catches, and about nothing else.
    assert.deepStrictEqual(
      errors.filter((message) => !String(message).includes("%o")),
      []
    )
  })

  const scenes = {
    PollBoundary: ({ children }: { readonly children: ReactNode }) => (
      <PollBoundary fallback="loading">{children}</PollBoundary>
    ),
    Suspense: ({ children }: { readonly children: ReactNode }) => <Suspense fallback="loading">{children}</Suspense>
  }

  for (const [name, Scene] of Object.entries(scenes)) {
    it(`${name} - suspends until the end, and shows the value`, async () => {
      for (const Mode of [StrictMode, ({ children }: { readonly children: ReactNode }) => children]) {
        const { checks, end, job } = counted()
        const Value = () => <b>{useSuspensePoll(job, "cat", { deadline: "1 hour" })}</b>
        const { container, unmount } = await render(
          <Mode>
            <PollProvider store={shop()}>
              <Scene>
                <Value />
              </Scene>
            </PollProvider>
          </Mode>
        )
        await pass(2_000)
        assert.strictEqual(container.textContent, "loading")
        assert.strictEqual(checks.length, 2)
        end("cat")
        await pass(2_000)
        assert.strictEqual(container.textContent, "cat.png")
        await pass(60_000)
        assert.strictEqual(checks.length, 3)
        unmount()
      }
    })

    it(`${name} - an error of the wait is thrown to the error boundary`, async () => {
      const { fail, job } = counted()
      fail("cat")
      const Value = () => <b>{useSuspensePoll(job, "cat", deadline)}</b>
      const { container } = await render(
        <PollProvider store={shop()}>
          <Boundary>
            <Scene>
              <Value />
            </Scene>
          </Boundary>
        </PollProvider>
      )
      await pass(0)
      assert.strictEqual(container.textContent, "error JobFailed")
    })
  }

  it("a suspended tree that is removed - stops its wait", async () => {
    for (const below of [false, true]) {
      const { checks, job } = counted()
      const Value = () => <b>{useSuspensePoll(job, "cat", deadline)}</b>
      const app = (shown: boolean) => (
        <StrictMode>
          <PollProvider store={store}>
            {below ? (
              <PollBoundary fallback="loading">{shown ? <Value /> : "gone"}</PollBoundary>
            ) : shown ? (
              <PollBoundary fallback="loading">
                <Value />
              </PollBoundary>
            ) : (
              "gone"
            )}
          </PollProvider>
        </StrictMode>
      )
      const store = shop()
      const { container, rerender } = await render(app(true))
      await pass(2_000)
      assert.strictEqual(checks.length, 2)
      rerender(app(false))
      assert.strictEqual(container.textContent, "gone")
      await pass(60_000)
      assert.strictEqual(checks.length, 2)
      await act(async () => rerender(app(true)))
      await pass(0)
      assert.strictEqual(checks.length, 3)
    }
  })

  it("a provider that is unmounted - stops what is suspended below it", async () => {
    const { checks, job } = counted()
    const Value = () => <b>{useSuspensePoll(job, "cat", deadline)}</b>
    const { unmount } = await render(
      <PollProvider>
        <Suspense fallback="loading">
          <Value />
        </Suspense>
      </PollProvider>
    )
    await pass(2_000)
    assert.strictEqual(checks.length, 2)
    unmount()
    await pass(60_000)
    assert.strictEqual(checks.length, 2)
  })

  it("two in one boundary - are shown together, and each has one loop", async () => {
    const { checks, end, job } = counted()
    const Value = ({ id }: { readonly id: string }) => <b>{useSuspensePoll(job, id, deadline)} </b>
    const { container } = await render(
      <PollProvider store={shop()}>
        <PollBoundary fallback="loading">
          <Value id="a" />
          <Value id="b" />
        </PollBoundary>
      </PollProvider>
    )
    await pass(2_000)
    end("a")
    await pass(2_000)
    assert.strictEqual(container.textContent, "loading")
    end("b")
    await pass(2_000)
    assert.strictEqual(container.textContent, "a.png b.png ")
    assert.strictEqual(checks.filter((key) => key === "a").length, 3)
    assert.strictEqual(checks.filter((key) => key === "b").length, 4)
  })

  it("in a transition - keeps the old page until the end", async () => {
    const { end, job } = counted()
    const Value = () => <b>{useSuspensePoll(job, "cat", deadline)}</b>
    let show = () => {}
    const Page = () => {
      const [shown, setShown] = useState(false)
      show = () => startTransition(() => setShown(true))
      return shown ? <Value /> : "old"
    }
    const { container } = await render(
      <PollProvider store={shop()}>
        <PollBoundary fallback="loading">
          <Page />
        </PollBoundary>
      </PollProvider>
    )
    await act(async () => show())
    await pass(2_000)
    assert.strictEqual(container.textContent, "old")
    end("cat")
    await pass(2_000)
    assert.strictEqual(container.textContent, "cat.png")
  })

  it("restart after an error - begins a new wait", async () => {
    const { end, fail, job } = counted()
    fail("cat")
    const Value = () => <b>{useSuspensePoll(job, "cat", deadline)}</b>
    let restart = () => {}
    const Restart = () => {
      const store = usePollStore()
      restart = () => store.entry(job, "cat", deadline).restart()
      return null
    }
    const app = (key: string) => (
      <PollProvider store={store}>
        <Restart />
        <Boundary key={key}>
          <PollBoundary fallback="loading">
            <Value />
          </PollBoundary>
        </Boundary>
      </PollProvider>
    )
    const store = shop()
    const { container, rerender } = await render(app("1"))
    await pass(0)
    assert.strictEqual(container.textContent, "error JobFailed")
    end("cat")
    act(() => restart())
    await act(async () => rerender(app("2")))
    await pass(2_000)
    assert.strictEqual(container.textContent, "cat.png")
  })

  it("a job that is made in a render - writes a warning", async () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {})
    const Value = () => {
      const made = Job.make("suspended", { check: () => Effect.succeed(Status.pending() as Status.Status<string>) })
      return <b>{useSuspensePoll(made, "cat", deadline)}</b>
    }
    const store = shop()
    const app = () => (
      <PollProvider store={store}>
        <PollBoundary fallback="loading">
          <Value />
        </PollBoundary>
      </PollProvider>
    )
    const { rerender, unmount } = await render(app())
    for (let at = 0; at < 4; at++) await act(async () => rerender(app()))
    unmount()
    assert.deepStrictEqual(
      warn.mock.calls.map(([message]) => /"suspended" is another one at each render/.test(String(message))),
      [true]
    )
  })
})

// Used as a type only.
export type Shown = Polled<string>
