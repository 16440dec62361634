import { act, cleanup, render as renderNow, type RenderResult } from "@testing-library/react"
import { PollProvider } from "@effect-poll/react"
import type { PollStore } from "@effect-poll/web/PollStore"
import type { ReactNode } from "react"
import { afterEach, beforeEach, vi } from "vitest"
import { page } from "./support.ts"

const stores: Array<PollStore> = []

/** A store that is closed after the test. */
export const shop = (options?: Parameters<typeof page>[0]): PollStore => {
  const store = page(options)
  stores.push(store)
  return store
}

/** Lets the tests of a file control the time, and unmounts what they have rendered. */
export const withFakeTime = (): void => {
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
}

/** Moves the clock, and lets fibers, promises and frames settle. */
export const pass = (millis: number) =>
  act(async () => {
    await vi.advanceTimersByTimeAsync(millis)
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
    await vi.advanceTimersByTimeAsync(17)
  })

/** Renders, and lets the effects run: also those above what is suspended. */
export const render = async (element: ReactNode): Promise<RenderResult> => {
  let result: RenderResult | undefined
  await act(async () => void (result = renderNow(element)))
  return result!
}

export const within = (store: PollStore) => ({
  wrapper: ({ children }: { readonly children: ReactNode }) => <PollProvider store={store}>{children}</PollProvider>
})
