// Jobs beside a server that allows a rate: whether any is lost, how many requests are refused, and how long it takes.
import * as Clock from "effect/Clock"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Headers from "effect/http/Headers"
import * as RateLimiter from "effect/persistence/RateLimiter"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as RateLimitGate from "@effect-poll/http/RateLimitGate"
import * as CheckError from "effect-poll/CheckError"
import * as Job from "effect-poll/Job"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { ours } from "./subject.ts"
import { virtually } from "./virtual.ts"

class Refused extends Data.TaggedError("Refused") {
  readonly [CheckError.kind] = CheckError.throttled()
}

const jobs = 2_000
/** What the server allows: a bucket that holds `burst` requests and is filled at `perSecond`. */
const server = { perSecond: 100, burst: 20 }
/** How many answers each job takes until it is done. */
const checks = 3

const limiter = RateLimiter.layer.pipe(Layer.provide(RateLimiter.layerStoreMemory))

const all = Effect.gen(function* () {
  const poller = yield* ours.make()
  const gate = yield* RateLimitGate.make({ limit: server.perSecond, window: "1 second" })
  const began = yield* Clock.currentTimeMillis
  let [tokens, filledAt, requests, refused, lost] = [server.burst, began, 0, 0, 0]
  const answers = new Map<string, number>()
  const job = Job.make("job", {
    check: Effect.fnUntraced(function* (key: string) {
      yield* Effect.sleep("20 millis")
      const now = yield* Clock.currentTimeMillis
      tokens = Math.min(server.burst, tokens + ((now - filledAt) * server.perSecond) / 1_000)
      filledAt = now
      requests++
      if (tokens < 1) {
        refused++
        yield* gate.observe({ status: 429, headers: Headers.empty })
        return yield* new Refused()
      }
      tokens--
      const count = (answers.get(key) ?? 0) + 1
      answers.set(key, count)
      return count >= checks ? Status.succeeded("done") : Status.pending()
    })
  })
  const keys = Array.from({ length: jobs }, (_, index) => String(index))
  const options = { deadline: "30 minutes", strategy: Strategy.spaced("5 seconds"), gate } as const
  yield* Stream.runForEach(poller.results(job, keys, options), ({ exit }) =>
    Effect.sync(() => {
      if (!Exit.isSuccess(exit)) lost++
    })
  )
  const idealMillis = ((jobs * checks - server.burst) / server.perSecond) * 1_000
  return {
    lost,
    refusedShare: refused / requests,
    timeVsIdeal: ((yield* Clock.currentTimeMillis) - began) / idealMillis
  }
})

/** 2,000 jobs that need three answers each, beside a server that allows 100 requests a second in bursts of 20. */
export const rateLimited = (): Promise<{
  readonly lost: number
  readonly refusedShare: number
  readonly timeVsIdeal: number
}> => virtually(Effect.provide(all, limiter), { atMostMillis: 3_600_000, stepMillis: 100 })
