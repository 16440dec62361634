// When the checks are made.
import { all, type Case, day, hasResult, hour, judge, minute, oneWait, requests, second, show, span } from "../case.ts"
import { script, until } from "../server.ts"

const theme = "Pace"

export const pace: ReadonlyArray<Case> = [
  oneWait({
    name: "a job that is already done is known at once",
    theme,
    source: "k8s.io/apimachinery `wait`: immediate",
    needs: [],
    server: () => ({ word: "succeeded" }),
    wait: { interval: 10 * second, deadline: hour },
    until: hour,
    passes: (run) => hasResult(run) && run.at <= 10
  }),
  {
    name: "checks never overlap, however slow the server is",
    theme,
    source: "rx-polling#8; ld-relay#798; apollo-client#248; checks of 3 s at an interval of 1 s",
    needs: [],
    run: async (lab) => {
      const server = lab.server((n) => ({ word: n < 5 ? "running" : "succeeded", after: 3 * second }))
      const run = await lab.wait({ server, interval: second, deadline: hour, checks: 20 }, hour)
      return all(judge(server.concurrent === 1, `${server.concurrent} at once`), judge(hasResult(run), show(run)))
    }
  },
  {
    name: "no check is made after the end",
    theme,
    source: "kubestellar#12469; TermUI#2028; a terminal state is final",
    needs: [],
    run: async (lab) => {
      const server = lab.server(script({}, { word: "succeeded" }, { word: "failed" }))
      const run = await lab.wait({ server, interval: second, deadline: hour }, hour)
      await lab.pass(hour)
      return all(
        judge(hasResult(run), show(run)),
        judge(server.count === 2, `${server.count - 2} requests after the end`)
      )
    }
  },
  {
    name: "an option set to undefined counts as omitted",
    theme,
    source: "aws-sdk-js-v3: `minDelay: undefined, maxDelay: undefined` is a hot loop",
    needs: [],
    run: async (lab) => {
      const server = lab.server(() => ({}))
      await lab.wait({ server, deadline: minute, asUndefined: true }, 30 * second)
      return judge(
        server.count >= 2 && server.perSecond <= 100,
        `${requests(server)} in 30 s, up to ${server.perSecond} in a second`
      )
    }
  },
  {
    name: "a delay of zero is no hot loop",
    theme,
    source: "effect `Schedule.forever` and `Schedule.recurs(10)`: 62,809 checks in 200 ms",
    needs: [],
    run: async (lab) => {
      const server = lab.server(() => ({}))
      const run = await lab.wait({ server, interval: 0, deadline: minute }, 10 * second)
      // A poller may reject the option instead.
      return judge(
        (server.count > 0 || run.ended?.tag === "error") && server.perSecond <= 200,
        `${requests(server)}, up to ${server.perSecond} in a second`
      )
    }
  },
  oneWait({
    name: "with default options, the end of a 1.5 s job is known within 5 s",
    theme,
    source: "AWS SDK waiters with the defaults of their models take 20 s",
    needs: [],
    server: until(1_500, "succeeded"),
    wait: { deadline: hour },
    until: minute,
    passes: (run) => hasResult(run) && run.at <= 5 * second
  }),
  {
    name: "uncapped growing delays neither stop the checks nor cause a hot loop",
    theme,
    source: "effect `Schedule.exponential` grows to Infinity; timers of more than 2^31-1 ms fire at once",
    needs: ["backoff"],
    run: async (lab) => {
      // 200 doublings overflow any timer; the job ends there.
      const server = lab.server((n) => ({ word: n < 200 ? "running" : "succeeded" }))
      const backoff = { factor: 2, cap: undefined, jitter: false }
      const run = await lab.wait({ server, interval: minute, backoff, deadline: Number.POSITIVE_INFINITY }, 400 * day)
      const silence = run.ended === undefined ? 400 * day - server.times.at(-1)! : 0
      const longest = Math.max(...server.gaps, silence)
      return judge(
        server.perSecond <= 20 && longest <= 60 * day,
        `${requests(server)} in ${span(run.ended === undefined ? 400 * day : run.at)}, up to ${span(longest)} apart`
      )
    }
  },
  {
    name: "delays stay within their cap",
    theme,
    source: "effect `Schedule.jittered`: 11 999 ms after a cap of 10 s",
    needs: ["backoff"],
    run: async (lab) => {
      const server = lab.server(() => ({}))
      const jitter = lab.adapter.features.has("jitter")
      const backoff = { factor: 2, cap: 10 * second, jitter }
      await lab.wait({ server, interval: second, backoff, deadline: hour, checks: 200 }, 30 * minute)
      const most = Math.max(...server.gaps.slice(0, -1))
      return judge(server.count >= 20 && most <= 10 * second + 2, `up to ${span(most)}, the cap was 10 s`)
    }
  },
  {
    name: "delays at the cap are jittered too",
    theme,
    source: "Smithy waiter specification; Polly#245, #530: clients synchronize",
    needs: ["backoff", "jitter"],
    run: async (lab) => {
      const server = lab.server(() => ({}))
      const backoff = { factor: 2, cap: 10 * second, jitter: true }
      await lab.wait({ server, interval: second, backoff, deadline: hour, checks: 200 }, 10 * minute)
      const late = server.gaps.slice(6, -1)
      const different = new Set(late).size
      return judge(different > late.length / 2, `${different} distinct delays among ${late.length}`)
    }
  },
  {
    name: "the worked example of the Smithy waiter specification is reproduced",
    theme,
    source: "https://smithy.io/2.0/additional-specs/waiters.html: 2 to 120 s, at most 300 s",
    needs: ["waiter", "deadline"],
    run: async (lab) => {
      const server = lab.server(() => ({}))
      // The random numbers that produce the delays of the specification's example.
      const delays = [2, 3, 6, 6, 22, 62, 43, 24, 71, 42, 9, 6]
      const draw = () => {
        const ceiling = Math.min(120, 2 ** server.count)
        return ceiling === 2 ? 0 : ((delays[server.count - 1] ?? ceiling) - 2) / (ceiling - 2)
      }
      const { random } = Math
      Math.random = draw
      const backoff = { factor: 2, cap: 120 * second, jitter: true }
      await lab.wait({ server, interval: 2 * second, backoff, waiter: true, deadline: 300 * second }, hour)
      Math.random = random
      const times = server.times.map((at) => Math.round(at / 1_000)).join(", ")
      return judge(times === "0, 2, 5, 11, 17, 39, 101, 144, 168, 239, 281, 290, 296, 300", `checks ${times} s`)
    }
  },
  {
    name: "waits that start together do not stay in step",
    theme,
    source: "pulsar#25659; payload#16579; tracker#29",
    needs: ["jitter", "backoff"],
    run: async (lab) => {
      const backoff = { factor: 2, cap: 10 * second, jitter: true }
      const servers = Array.from({ length: 20 }, () => lab.server(() => ({})))
      const begun = servers.map((server) =>
        lab.adapter.wait({ server, interval: second, backoff, deadline: hour, checks: 200 })
      )
      for (const wait of begun) wait.catch(() => {})
      await lab.pass(minute)
      const tenth = servers.map(({ times }) => Math.round((times[5] ?? 0) / 100))
      const together = Math.max(...tenth.map((time) => tenth.filter((other) => other === time).length))
      return judge(
        together <= 8 && tenth.every((time) => time > 0),
        `${together} of 20 in the same tenth of a second at the sixth check`
      )
    }
  }
]
