// @vitest-environment jsdom
import { assert, describe, it } from "@effect/vitest"
import { renderHook } from "@testing-library/react"
import * as Strategy from "effect-poll/Strategy"
import { memo, StrictMode } from "react"
import { type PolledRow, PollProvider, usePoll, usePolls } from "@effect-poll/react"
import { pass, render, shop, within, withFakeTime } from "./mounted.tsx"
import { counted, deadline } from "./support.ts"

withFakeTime()

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
