import { vi } from "vitest"

// The same rules under the other host.
vi.mock("effect-poll/Poll", async (original) => {
  const { throughPoller } = await import("./throughPoller.ts")
  return throughPoller(await original())
})
await import("./Poll.edges.test.ts")
