// @vitest-environment jsdom
import { assert, describe, it } from "@effect/vitest"
import { act, render as renderNow } from "@testing-library/react"
import * as Effect from "effect/Effect"
import * as Job from "effect-poll/Job"
import * as Status from "effect-poll/Status"
import { Component, type ReactNode, startTransition, StrictMode, Suspense, useState } from "react"
import { afterEach, beforeEach, vi } from "vitest"
import { PollBoundary, PollProvider, usePollStore, useSuspensePoll } from "@effect-poll/react"
import { pass, render, shop, withFakeTime } from "./mounted.tsx"
import { counted, deadline } from "./support.ts"

withFakeTime()

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
