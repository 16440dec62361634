// Subjects and receivers with faults that the rows of `signals` have to show, whatever ours does.
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Strategy from "effect-poll/Strategy"
import * as Deliveries from "@effect-poll/http/Deliveries"
import { ours as receiver, type Receiver } from "../signals/hostile.ts"
import { ours, type Subject, type WaitOptions } from "../signals/simulate.ts"

const withOptions = (change: (options: WaitOptions, documented: WaitOptions["strategy"]) => WaitOptions): Subject => ({
  wait: (host, poller, provider, id, options) =>
    ours.wait(host, poller, provider, id, change(options, provider.documented))
})

/** It does not listen to signals, and polls as documented. */
export const deaf = withOptions((_options, documented) => ({ strategy: documented }))

/** It does not poll behind a signal: one that is lost is never made good. */
export const trusting = withOptions((options) => ({ ...options, behind: Strategy.spaced("100 days") }))

/** It polls behind a signal only every half an hour. */
export const lazy = withOptions((options) => ({ ...options, behind: Strategy.spaced("30 minutes") }))

/** It hands out results ten seconds late. */
export const drowsy: Subject = {
  wait: (...args) => Effect.tap(ours.wait(...args), () => Effect.sleep("10 seconds"))
}

/** It ends a wait with something else than the result. */
export const inventive: Subject = { wait: (...args) => Effect.as(ours.wait(...args), "invented") }

/** It believes what nobody signed. */
export const credulous: Receiver = {
  ...receiver,
  verify:
    () =>
    ({ headers }) =>
      Effect.succeed({ id: headers["webhook-id"] ?? headers["x-github-delivery"] })
}

/** It remembers no delivery, so that each copy is applied again. */
export const forgetful: Receiver = {
  ...receiver,
  deliveries: Layer.succeed(Deliveries.Deliveries, {
    begin: () => Effect.succeed("new"),
    done: () => Effect.void,
    abandon: () => Effect.void
  })
}

/** It keeps something for each post. */
export const hoarder = (): Receiver => {
  const kept: Array<unknown> = []
  return {
    ...receiver,
    verify: (verify) => (raw) => {
      kept.push(Array.from({ length: 5_000 }, (_, index) => raw.now + index))
      return verify(raw)
    }
  }
}
