// How long a wait may take.
import { all, type Case, day, hasResult, hour, judge, minute, oneWait, requests, second, show, span } from "../case.ts"
import { script, until } from "../server.ts"
import { inspect } from "node:util"

const theme = "The deadline"

export const deadline: ReadonlyArray<Case> = [
  {
    name: "a last check is made just before the deadline",
    theme,
    source: "Smithy waiter specification; interval 1 s, deadline 2.9 s, the job ends after 2.5 s",
    needs: ["deadline"],
    run: async (lab) => {
      const server = lab.server(until(2_500, "succeeded"))
      const run = await lab.wait({ server, interval: second, deadline: 2_900 }, minute)
      return judge(hasResult(run), `${show(run)}, checks ${server.times.map(span).join(", ")}`)
    }
  },
  oneWait({
    name: "an answer that arrives before the deadline counts",
    theme,
    source: "Smithy waiter specification; the last check takes 800 ms of the last second",
    needs: ["deadline"],
    server: (_n, at) => (at < 1_500 ? {} : { word: "succeeded", after: 800 }),
    wait: { interval: second, deadline: 3 * second },
    until: minute,
    passes: hasResult
  }),
  {
    name: "a wait does not time out early",
    theme,
    source: "smithy-lang/smithy-typescript `waiter`; delays 0.5 to 2 s, deadline 6 s",
    needs: ["deadline", "backoff"],
    run: async (lab) => {
      const server = lab.server(() => ({}))
      const backoff = { factor: 2, cap: 2 * second, jitter: false }
      const run = await lab.wait({ server, interval: 500, backoff, deadline: 6 * second }, minute)
      const last = server.times.at(-1)!
      return judge(run.at >= 5_900 || last >= 5_900, `${show(run)}, last check of ${span(last)}`)
    }
  },
  oneWait({
    name: "a wait does not outlast its deadline",
    theme,
    source: "googleapis/gax-nodejs `longrunning.ts`; interval 400 ms, deadline 500 ms",
    needs: ["deadline"],
    server: () => ({}),
    wait: { interval: 400, deadline: 500 },
    until: minute,
    passes: (run) => run.ended !== undefined && run.ended.tag !== "succeeded" && run.at <= 550
  }),
  oneWait({
    name: "a hanging request does not outlive the deadline",
    theme,
    source: "aws-sdk-js-v3 PR#1759; Smithy waiter specification; openai-ruby#421",
    needs: ["deadline"],
    server: script({}, { hang: true }),
    wait: { interval: second, deadline: 10 * second },
    until: hour,
    passes: (run) => run.ended !== undefined && run.ended.tag !== "succeeded" && run.at <= 10_100
  }),
  oneWait({
    name: "a slow request does not extend the deadline",
    theme,
    source: "vercel/ai#21053; a check of 30 s and a deadline of 10 s",
    needs: ["deadline"],
    server: script({}, { after: 30 * second }),
    wait: { interval: second, deadline: 10 * second },
    until: hour,
    passes: (run) => run.ended?.tag === "timeout" && run.at <= 10_100
  }),
  ...[25, 50].map((days): Case => ({
    name: `a deadline of ${days} days does not fire early`,
    theme,
    source: "Node timers hold 2^31-1 ms, which is 24.8 days; delay#57; sentry-electron#441",
    needs: ["deadline"],
    run: async (lab) => {
      const server = lab.server(until(10 * second, "succeeded"))
      const run = await lab.wait({ server, interval: second, deadline: days * day }, minute)
      return judge(hasResult(run), show(run))
    }
  })),
  {
    name: "a delay of 25 days does not fire early",
    theme,
    source: "Node timers hold 2^31-1 ms; vercel/async-retry; crawlee#1115",
    needs: [],
    run: async (lab) => {
      const server = lab.server(() => ({}))
      await lab.wait({ server, interval: 25 * day, deadline: Number.POSITIVE_INFINITY, checks: 10 }, day)
      return judge(server.count >= 1 && server.count <= 2, `${requests(server)} in a day`)
    }
  },
  {
    name: "the timeout error reports the last state seen",
    theme,
    source: "aws-sdk-js-v3#2964, #2809; awaitility#121; effect `Effect.timeout`",
    needs: ["deadline", "states"],
    run: async (lab) => {
      const server = lab.server(() => ({}))
      const run = await lab.wait({ server, interval: second, deadline: 10 * second }, minute)
      const said =
        run.ended === undefined || run.ended.tag === "succeeded" ? "" : inspect(run.ended.error, { depth: 6 })
      const word = lab.adapter.words?.["running"] ?? "running"
      return judge(said.includes(word) || said.includes("Pending"), show(run))
    }
  },
  oneWait({
    name: "a timeout is distinguishable from a failed job",
    theme,
    source: "awaitility#286; Smithy waiter specification",
    needs: ["deadline"],
    server: () => ({}),
    wait: { interval: second, deadline: 10 * second },
    until: minute,
    passes: (run) => run.ended?.tag === "timeout"
  }),
  {
    name: "a pending job is never returned as a success when the checks run out",
    theme,
    source: "effect-smol#1946, #1952; cockatiel `handleResultType`",
    needs: ["limit"],
    run: async (lab) => {
      const server = lab.server(() => ({}))
      const run = await lab.wait({ server, interval: second, checks: 4, deadline: hour }, day)
      const tag = run.ended?.tag
      return judge(tag !== undefined && tag !== "succeeded" && tag !== "pending", show(run))
    }
  },
  {
    name: "a limit of 4 checks makes exactly 4 checks",
    theme,
    source: "effect `Schedule.recurs(n)` makes n + 1; counted in checks",
    needs: ["limit"],
    run: async (lab) => {
      const server = lab.server(() => ({}))
      const run = await lab.wait({ server, interval: second, checks: 4, deadline: hour }, day)
      return all(judge(server.count === 4, `${requests(server)} of 4`), judge(run.ended !== undefined, show(run)))
    }
  },
  {
    name: "a wait without a deadline does not run forever",
    theme,
    source: "openai-python#3097; simple-openai#349; Smithy and polling2 require one",
    needs: [],
    run: async (lab) => {
      const server = lab.server(() => ({}))
      const run = await lab.wait({ server, interval: hour }, 60 * day)
      return judge(run.ended !== undefined, run.ended === undefined ? "still checking after 60 days" : show(run))
    }
  },
  {
    name: "setting the clock back does not prolong the wait",
    theme,
    source: "wall-clock deadlines; the clock is set back an hour, 5 s into a wait of 60 s",
    needs: ["deadline"],
    run: async (lab) => {
      const server = lab.server(() => ({}))
      lab.at(5_100, () => (lab.clock.wallShift = -hour))
      const run = await lab.wait({ server, interval: second, deadline: minute }, 3 * hour)
      return judge(run.ended !== undefined && run.at <= 65 * second, show(run))
    }
  },
  {
    name: "a machine that slept past the deadline checks once more before timing out",
    theme,
    source: "a laptop closed for an hour during a wait of 60 s; the job has ended meanwhile",
    needs: ["deadline"],
    run: async (lab) => {
      const server = lab.server(until(5_100, "succeeded"))
      lab.at(5_100, () => (lab.clock.wallShift = hour))
      const run = await lab.wait({ server, interval: second, deadline: minute }, 3 * hour)
      return judge(hasResult(run), show(run))
    }
  }
]
