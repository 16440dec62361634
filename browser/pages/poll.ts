import type { PollError } from "effect-poll/PollError"
import * as promise from "effect-poll/promise"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { type Body, install } from "../src/Program.ts"

// A wait for each view, which its signal ends.
install(({ deadlineMillis = 600_000, intervalMillis, url }, show) => {
  const controller = new AbortController()
  promise
    .poll(
      async ({ attempt, signal }) => {
        const body = (await (await fetch(url, { signal, cache: "no-store" })).json()) as Body
        show({ percent: body.percent, attempt })
        return body.state === "done" ? Status.succeeded(body.result) : Status.pending({ percent: body.percent })
      },
      { deadline: deadlineMillis, strategy: Strategy.spaced(intervalMillis), signal: controller.signal }
    )
    .then(
      (result) => show({ result }),
      (error: PollError<never, unknown> | DOMException) => show({ error: "_tag" in error ? error._tag : error.name })
    )
  return () => controller.abort()
})
