// Failed checks and failed jobs are different things.
import { inspect } from "node:util"
import { all, type Case, day, hasResult, hour, judge, minute, oneWait, requests, second, show } from "../case.ts"
import { badGateway, failure, script, unavailable, until } from "../server.ts"

const theme = "Failed checks and failed jobs"

export const errors: ReadonlyArray<Case> = [
  oneWait({
    name: "one lost connection does not end the wait",
    theme,
    source: "apache/airflow#67219; what-iff#60; core-lro: the state becomes failed",
    needs: ["errors"],
    server: script({}, { network: true }, {}, { word: "succeeded" }),
    wait: { interval: second, deadline: hour },
    until: hour,
    passes: hasResult
  }),
  oneWait({
    name: "a lost connection on the first check does not end the wait",
    theme,
    source: "argo-watcher#451; cli/cli#10981",
    needs: ["errors"],
    server: script({ network: true }, {}, { word: "succeeded" }),
    wait: { interval: second, deadline: hour },
    until: hour,
    passes: hasResult
  }),
  oneWait({
    name: "a gateway's HTML 502 does not end the wait",
    theme,
    source: "valyu-py#126; firecrawl#2608",
    needs: ["errors", "http"],
    server: script({}, badGateway, {}, { word: "succeeded" }),
    wait: { interval: second, deadline: hour },
    until: hour,
    passes: hasResult
  }),
  oneWait({
    name: "an HTML page with status 200 does not end the wait",
    theme,
    source: "valyu-py#126; a proxy's sign-in page",
    needs: ["errors", "http", "words"],
    server: script({}, { body: "<html><body>Sign in</body></html>" }, {}, { word: "succeeded" }),
    wait: { interval: second, deadline: hour },
    until: hour,
    passes: hasResult
  }),
  {
    name: "failed checks are not retried without a delay",
    theme,
    source: "replicate-javascript `withAutomaticRetries`: Number.isInteger(delay)",
    needs: ["errors"],
    run: async (lab) => {
      const server = lab.server((n) => (n === 1 ? {} : unavailable))
      await lab.wait({ server, interval: second, deadline: minute, checks: 50 }, minute)
      return judge(
        server.count >= 2 && server.perSecond <= 5,
        `${requests(server)}, up to ${server.perSecond} in a second`
      )
    }
  },
  {
    name: "checks that keep failing end the wait with a check error",
    theme,
    source: "python-api-core#183; argo-cd#895",
    needs: ["errors"],
    run: async (lab) => {
      const server = lab.server(() => unavailable)
      const run = await lab.wait({ server, interval: minute, deadline: 10 * day, checks: 50 }, 9 * day)
      return judge(
        run.ended?.tag === "error",
        run.ended === undefined ? `no end in 9 days, ${requests(server)}` : show(run)
      )
    }
  },
  {
    name: "a 401 is not retried",
    theme,
    source: "aws-sdk-js-v3#2091, #3081, #7818; smithy-ts PR#1970",
    needs: ["errors", "http"],
    run: async (lab) => {
      const server = lab.server(script({}, { status: 401, body: '{"error":"token expired"}' }))
      const run = await lab.wait({ server, interval: second, deadline: minute, checks: 20 }, hour)
      return judge(server.count === 2 && run.ended?.tag === "error", `${show(run)}, ${requests(server)}`)
    }
  },
  {
    name: "a poller can be used again after an outage",
    theme,
    source: "core-lro: a RestError makes the state failed, and the failed state is stored",
    needs: ["reuse", "errors"],
    run: async (lab) => {
      const outage = (at: number) => at > second / 2 && at < 10 * minute
      const server = lab.server((_n, at) =>
        outage(at) ? { network: true } : { word: at < minute ? "running" : "succeeded" }
      )
      const watcher = lab.adapter.watch!({ server, interval: second, deadline: hour })
      const first = await lab.run(() => watcher.wait(), hour)
      if (hasResult(first)) return judge(true, show(first))
      await lab.pass(11 * minute)
      const again = await lab.run(() => watcher.wait(), lab.clock.now + hour)
      return judge(hasResult(again), `${show(first)}; then ${show(again)}`)
    }
  },
  {
    name: "a failed job ends the wait at once, with its error",
    theme,
    source: "kubernetes#100248; kubectl#1629; awaitility#178",
    needs: ["failures"],
    run: async (lab) => {
      const server = lab.server(until(2_500, "failed"))
      const run = await lab.wait({ server, interval: second, deadline: hour, checks: 20 }, hour)
      const said = run.ended === undefined || run.ended.tag === "succeeded" ? "" : inspect(run.ended.error)
      return all(
        judge(run.ended?.tag === "failed" && run.at <= 3_100, show(run)),
        judge(said.includes(failure), `${show(run)}: without the reason`)
      )
    }
  },
  oneWait({
    name: "a canceled job is distinguishable from a failed one",
    theme,
    source: "Azure/azure-sdk-for-js#22067, PRs 22121, 22852",
    needs: ["failures", "words"],
    server: until(2_500, "canceled"),
    wait: { interval: second, deadline: hour },
    until: hour,
    passes: (run) => run.ended?.tag === "canceled"
  }),
  {
    name: "a 404 right after the submit does not end the wait",
    theme,
    source: "kubectl#665, #1516; terraform-provider-clickhouse#692",
    needs: ["missing"],
    run: async (lab) => {
      const missing = { status: 404, body: '{"error":"no such job"}' }
      const server = lab.server(script(missing, missing, {}, { word: "succeeded" }))
      const run = await lab.wait({ server, interval: second, deadline: hour }, hour)
      return judge(hasResult(run), show(run))
    }
  },
  oneWait({
    name: "a job that is gone is distinguishable from a failed one",
    theme,
    source: "apify-client-python#749; ecs-deployment-monitor#2; records that expire after a day",
    needs: ["http", "words"],
    server: script({}, {}, { status: 404, body: '{"error":"no such job"}' }),
    wait: { interval: minute, deadline: day },
    until: 2 * day,
    passes: (run) => run.ended?.tag === "missing"
  }),
  {
    name: "a listener that throws does not end the wait",
    theme,
    source: "core-lro `onProgress`; boto/botocore#2923",
    needs: ["progress"],
    run: async (lab) => {
      const server = lab.server(script({}, {}, { word: "succeeded" }))
      const progress = () => {
        throw new Error("the listener broke")
      }
      const run = await lab.wait({ server, interval: second, deadline: hour, progress }, hour)
      await lab.clock.quiet()
      const { uncaught } = lab.clock
      return judge(hasResult(run), uncaught === 0 ? show(run) : `${show(run)}, ${uncaught} uncaught errors`)
    }
  },
  oneWait({
    name: "a success yields the result of the job",
    theme,
    source: "effect-smol#1946: the output of the schedule is returned",
    needs: [],
    server: until(2_500, "succeeded"),
    wait: { interval: second, deadline: hour, checks: 20 },
    until: hour,
    passes: hasResult
  })
]
