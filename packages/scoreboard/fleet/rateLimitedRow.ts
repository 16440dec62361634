// The row of `rateLimited`.
import { rateLimited } from "./rateLimited.ts"
import type { Row } from "./row.ts"

export const row: Row = {
  name: "rateLimited",
  what:
    "2,000 jobs behind a RateLimitGate, beside a server that allows 100 requests a second in bursts of 20: jobs that are " +
    "lost, the share of refused requests, and the time until all are done, divided by the least time possible.",
  aims: { lost: { atMost: 0 }, refusedShare: { atMost: 0.01 }, timeVsIdeal: { atMost: 1.1 } },
  parts: { all: async () => ({ ...(await rateLimited()) }) }
}
