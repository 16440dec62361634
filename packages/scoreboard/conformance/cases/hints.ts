// The delay that the server requests before the next check.
import { type Case, day, hasResult, hour, judge, minute, requests, second, show, span } from "../case.ts"
import { epoch } from "../clock.ts"
import { script } from "../server.ts"

const theme = "The delay the server requests"

export const hints: ReadonlyArray<Case> = [
  {
    name: "a requested delay of 30 days does not cause a hot loop",
    theme,
    source:
      "Node timers: a delay above 2^31-1 ms fires at once; Azure core-lro `retryAfterBound.spec.ts`; openai-node `polling.ts`",
    needs: ["hint"],
    run: async (lab) => {
      const server = lab.server(() => ({ headers: lab.hint(30 * 86_400) }))
      await lab.wait({ server, deadline: 10 * minute }, 10 * minute)
      return judge(server.count >= 1 && server.count <= 3, `${requests(server)} in 10 min`)
    }
  },
  {
    name: "a requested delay of 31 years is capped",
    theme,
    source: "RFC 9110 sets no bound: `Retry-After: 999999999`; the wait has no deadline",
    needs: ["hint"],
    run: async (lab) => {
      const server = lab.server(() => ({ headers: lab.hint(999_999_999) }))
      await lab.wait({ server, deadline: Number.POSITIVE_INFINITY }, 30 * day)
      return judge(server.count >= 2 && server.perSecond <= 20, `${requests(server)} in 30 days`)
    }
  },
  {
    name: "a 503 that requests 31 years neither stops the wait nor causes a hot loop",
    theme,
    source: "effect `HttpClient.retryTransient` takes Retry-After as an unbounded floor",
    needs: ["busy", "errors"],
    run: async (lab) => {
      const busy = { status: 503, headers: { "retry-after": "999999999" }, body: "<html>busy</html>" }
      const server = lab.server((n) => (n === 2 ? busy : { word: n < 4 ? "running" : "succeeded" }))
      const run = await lab.wait({ server, interval: second, deadline: Number.POSITIVE_INFINITY }, 30 * day)
      return judge(
        hasResult(run) && server.gaps[1]! >= 100,
        run.ended === undefined
          ? "no end in 30 days"
          : `${show(run)}, checked again after ${span(server.gaps[1] ?? Number.NaN)}`
      )
    }
  },
  {
    name: "a requested delay applies to the next check only",
    theme,
    source: "RFC 9110 10.2.3: Retry-After is about the follow-up request",
    needs: ["hint"],
    run: async (lab) => {
      const server = lab.server(script({ headers: lab.hint(60) }, {}))
      await lab.wait({ server, deadline: 10 * minute }, 5 * minute)
      const [first = 0, second_ = Number.NaN] = server.gaps
      return judge(
        first >= minute && second_ < 30 * second,
        `delays of ${span(first)} and ${span(second_)} after a request for 60 s and an answer without one`
      )
    }
  },
  {
    name: "a requested delay is honored on every answer, not only the first",
    theme,
    source: "Azure/azure-sdk-for-java#11809; python-sdk#3005",
    needs: ["hint"],
    run: async (lab) => {
      const server = lab.server((n) => ({ headers: lab.hint(20 * n) }))
      await lab.wait({ server, deadline: 10 * minute }, 3 * minute)
      const [a = 0, b = 0, c = 0] = server.gaps
      return judge(
        a >= 20 * second && b >= 40 * second && c >= 60 * second,
        `delays of ${server.gaps.slice(0, 3).map(span).join(", ")} after requests for 20, 40 and 60 s`
      )
    }
  },
  {
    name: "a requested delay is a floor under a shorter interval",
    theme,
    source: "tenacity#101; Polly#414; RFC 9110 10.2.3",
    needs: ["hint"],
    run: async (lab) => {
      const server = lab.server(() => ({ headers: lab.hint(30) }))
      await lab.wait({ server, interval: second, deadline: 5 * minute }, 2 * minute)
      const least = Math.min(...server.gaps)
      return judge(
        server.count >= 3 && least >= 30 * second,
        `checked again after ${span(least)}, with an interval of 1 s and a requested delay of 30 s`
      )
    }
  },
  {
    name: "a short requested delay does not shorten a longer interval",
    theme,
    source: "MCPJam/inspector#3518: the longer of the two counts",
    needs: ["hint"],
    run: async (lab) => {
      const server = lab.server(() => ({ headers: lab.hint(1) }))
      await lab.wait({ server, interval: 10 * second, deadline: 5 * minute }, 2 * minute)
      const least = Math.min(...server.gaps)
      return judge(
        server.count >= 3 && least >= 10 * second,
        `checked again after ${span(least)}, with an interval of 10 s and a requested delay of 1 s`
      )
    }
  },
  {
    name: "a requested delay of zero does not cause a hot loop",
    theme,
    source: "Retry-After: 0 is valid (RFC 9110)",
    needs: ["hint"],
    run: async (lab) => {
      const server = lab.server(() => ({ headers: lab.hint(0) }))
      await lab.wait({ server, deadline: minute }, minute)
      return judge(server.count >= 3 && server.perSecond <= 20, `up to ${server.perSecond} requests in a second`)
    }
  },
  {
    name: "a negative requested delay does not cause a hot loop",
    theme,
    source: "a faulty server; `parseInt` accepts a sign",
    needs: ["hint"],
    run: async (lab) => {
      const server = lab.server(() => ({ headers: lab.hint(-5) }))
      await lab.wait({ server, deadline: minute }, minute)
      return judge(server.count >= 3 && server.perSecond <= 20, `up to ${server.perSecond} requests in a second`)
    }
  },
  {
    name: "an unreadable requested delay is ignored",
    theme,
    source: "a faulty server; effect `Headers.parseRetryAfter` fails on it",
    needs: ["retryAfter"],
    run: async (lab) => {
      const odd = ["soon", "", "1.5", "NaN", "Infinity"]
      const server = lab.server((n) => ({
        word: n > odd.length ? "succeeded" : "running",
        headers: { "retry-after": odd[n - 1] ?? "0" }
      }))
      const run = await lab.wait({ server, deadline: hour }, hour)
      return judge(hasResult(run) && server.perSecond <= 20, `${show(run)}, ${requests(server)}`)
    }
  },
  {
    name: "a requested delay given as a date is understood",
    theme,
    source: "RFC 9110 10.2.3",
    needs: ["retryAfter"],
    run: async (lab) => {
      const server = lab.server((_n, at) => ({
        headers: { "retry-after": new Date(epoch + at + 90_000).toUTCString() }
      }))
      await lab.wait({ server, deadline: 10 * minute }, 5 * minute)
      const least = Math.min(...server.gaps)
      return judge(
        server.count >= 2 && least >= 89 * second,
        `checked again after ${span(least)}, the date was 90 s away`
      )
    }
  },
  {
    name: "a requested delay on a 503 is honored",
    theme,
    source: "replicate-javascript `withAutomaticRetries`; soto-core#393; azure-sdk-for-net#3447",
    needs: ["busy", "errors"],
    run: async (lab) => {
      const busy = { status: 503, headers: { "retry-after": "60" }, body: "<html>busy</html>" }
      const server = lab.server(script({}, busy, {}))
      await lab.wait({ server, interval: second, deadline: hour }, 5 * minute)
      const wait = server.gaps[1] ?? Number.NaN
      return judge(
        wait >= minute,
        server.count < 3 ? requests(server) : `checked again after ${span(wait)}, 60 s were requested`
      )
    }
  },
  {
    name: "a requested delay does not extend the wait past its deadline",
    theme,
    source: "Retry-After of an hour and a deadline of a minute",
    needs: ["hint", "deadline"],
    run: async (lab) => {
      const server = lab.server(() => ({ headers: lab.hint(3_600) }))
      const run = await lab.wait({ server, interval: second, deadline: minute }, 2 * hour)
      return judge(run.ended?.tag === "timeout" && run.at <= minute + 100, show(run))
    }
  },
  {
    name: "a requested delay in the answer to the submit is honored",
    theme,
    source: "Azure REST guidelines: the 202 of the submit carries Retry-After",
    needs: ["submit", "hint"],
    run: async (lab) => {
      const server = lab.server(() => ({}))
      await lab.wait({ server, interval: second, submitHint: 60, deadline: 10 * minute }, 5 * minute)
      const first = server.times[0] ?? Number.NaN
      return judge(first >= minute, `first check after ${span(first)}, 60 s were requested`)
    }
  }
]
