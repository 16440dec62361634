// @vitest-environment jsdom
import { assert, describe, it } from "@effect/vitest"
import { act } from "@testing-library/react"
import type { ReactNode } from "react"
import { hydrateRoot, type Root } from "react-dom/client"
import { afterEach, beforeEach, vi } from "vitest"
import * as Seed from "@effect-poll/web/Seed"
import * as Effect from "effect/Effect"
import * as Poll from "effect-poll/Poll"
import { PollBoundary, PollProvider, usePoll, usePolls, useSuspensePoll } from "@effect-poll/react"
import { counted, deadline } from "./support.ts"

const roots: Array<Root> = []

beforeEach(() => {
  ;(globalThis as { IS_REACT_ACT_ENVIRONMENT?: boolean }).IS_REACT_ACT_ENVIRONMENT = true
  vi.useFakeTimers({ now: 1_000_000, toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "Date"] })
})
afterEach(async () => {
  await act(async () => roots.splice(0).forEach((root) => root.unmount()))
  document.body.replaceChildren()
  vi.unstubAllGlobals()
  vi.useRealTimers()
})

const pass = (millis: number) =>
  act(async () => {
    await vi.advanceTimersByTimeAsync(millis)
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
    await vi.advanceTimersByTimeAsync(17)
  })

/** Renders on a server, which has no window, and hydrates the page. */
const hydrated = async (app: () => ReactNode) => {
  const { renderToString } = await import("react-dom/server")
  const { window } = globalThis
  vi.stubGlobal("window", undefined)
  const html = renderToString(app())
  vi.stubGlobal("window", window)
  const container = document.createElement("div")
  container.innerHTML = html
  document.body.append(container)
  const recovered: Array<unknown> = []
  await act(async () => {
    roots.push(hydrateRoot(container, app(), { onRecoverableError: (error) => void recovered.push(error) }))
  })
  return { container, html, recovered }
}

describe("hydration", () => {
  it("usePoll and usePolls - begin as the server rendered them, without a mismatch", async () => {
    const { checks, job } = counted()
    const App = () => {
      const { phase } = usePoll(job, "cat", deadline)
      const rows = usePolls(job, ["a"], deadline)
      return <b>{`${phase} ${rows[0]!.phase}`}</b>
    }
    const { container, html, recovered } = await hydrated(() => (
      <PollProvider>
        <App />
      </PollProvider>
    ))
    assert.strictEqual(html, "<b>idle idle</b>")
    await pass(0)
    assert.deepStrictEqual(recovered, [])
    assert.strictEqual(container.textContent, "waiting waiting")
    assert.deepStrictEqual(checks.toSorted(), ["a", "cat"])
  })

  it("a seed - is shown by both, and the page makes no check before the next one is due", async () => {
    const { checks, end, job } = counted()
    const load = (id: string) =>
      Effect.runPromise(Effect.flatMap(Poll.advance(job, id, deadline), (found) => Seed.fromAdvanced(job, found)))
    const json = JSON.stringify({ cat: await load("cat"), a: await load("a") })
    const found = JSON.parse(json) as Record<string, Seed.Encoded>
    const App = () => {
      const { attempt, phase } = usePoll(job, "cat", { ...deadline, seed: Seed.read(job, found["cat"]) })
      const rows = usePolls(job, ["a"], (id) => ({ ...deadline, seed: Seed.read(job, found[id]) }))
      return <b>{`${phase} ${attempt} ${rows[0]!.attempt}`}</b>
    }
    const { container, html, recovered } = await hydrated(() => (
      <PollProvider>
        <App />
      </PollProvider>
    ))
    assert.strictEqual(html, "<b>waiting 1 1</b>")
    await pass(1_900)
    assert.strictEqual(checks.length, 2)
    assert.strictEqual(container.textContent, "waiting 1 1")
    end("cat")
    await pass(200)
    assert.deepStrictEqual(checks, ["cat", "a", "cat", "a"])
    assert.strictEqual(container.textContent, "ended 2 2")
    assert.deepStrictEqual(recovered, [])
  })

  it("useSuspensePoll - shows the end of a seed on the server", async () => {
    const { checks, end, job } = counted()
    end("cat")
    const encoded = await Effect.runPromise(
      Effect.flatMap(Poll.advance(job, "cat", deadline), (found) => Seed.fromAdvanced(job, found))
    )
    const Value = () => <b>{useSuspensePoll(job, "cat", { ...deadline, seed: Seed.read(job, encoded) })}</b>
    const { container, html, recovered } = await hydrated(() => (
      <PollProvider>
        <PollBoundary fallback="loading">
          <Value />
        </PollBoundary>
      </PollProvider>
    ))
    assert.match(html, /cat\.png/)
    await pass(60_000)
    assert.strictEqual(container.textContent, "cat.png")
    assert.deepStrictEqual(recovered, [])
    assert.strictEqual(checks.length, 1)
  })

  it("useSuspensePoll - the page renders what the server did not, with one loop", async () => {
    const { checks, end, job } = counted()
    const Value = () => <b>{useSuspensePoll(job, "cat", deadline)}</b>
    const { container, html, recovered } = await hydrated(() => (
      <PollProvider>
        <PollBoundary fallback="loading">
          <Value />
        </PollBoundary>
      </PollProvider>
    ))
    assert.match(html, /loading/)
    await pass(2_000)
    assert.strictEqual(checks.length, 2)
    end("cat")
    await pass(2_000)
    assert.strictEqual(container.textContent, "cat.png")
    // React tells of the boundary that the server left to the page.
    assert.strictEqual(recovered.length, 1)
  })
})
