// A server that is away for minutes.
import { inspect } from "node:util"
import { all, type Case, day, hasResult, hour, judge, minute, oneWait, second, show } from "../case.ts"
import { script, type Script, unavailable } from "../server.ts"

const theme = "Outages"

/** Away in the given spans of time, and succeeded at `ended`. */
const away =
  (ended: number, ...spans: ReadonlyArray<readonly [from: number, to: number]>): Script =>
  (_n, at) => {
    if (spans.some(([from, to]) => at >= from && at < to)) return unavailable
    return { word: at < ended ? "running" : "succeeded" }
  }

export const outages: ReadonlyArray<Case> = [
  oneWait({
    name: "an outage of 5 min in a wait of 2 h does not end the wait",
    theme,
    source: "apache/airflow#67219; a deploy of the API; five retries from 1 s on are over after 31 s",
    needs: ["errors"],
    server: away(hour, [10 * minute, 15 * minute]),
    wait: { interval: 10 * second, deadline: 2 * hour },
    until: day,
    passes: hasResult
  }),
  oneWait({
    name: "an outage of 5 min at a short interval does not end the wait",
    theme,
    source: "a budget in numbers is over sooner the more often the job is checked",
    needs: ["errors"],
    server: away(10 * minute, [minute, 6 * minute]),
    wait: { interval: 500, deadline: 2 * hour },
    until: day,
    passes: hasResult
  }),
  oneWait({
    name: "a second outage half an hour later does not end the wait either",
    theme,
    source: "a budget that counts from the start of the wait is over in the second outage",
    needs: ["errors"],
    server: away(90 * minute, [10 * minute, 15 * minute], [45 * minute, 50 * minute]),
    wait: { interval: 10 * second, deadline: 2 * hour },
    until: day,
    passes: hasResult
  }),
  oneWait({
    name: "an outage that lasts ends the wait within an hour, with a check error",
    theme,
    source: "python-api-core#183; a wait of 10 h for a server that is gone",
    needs: ["errors", "deadline"],
    server: away(day, [10 * minute, day]),
    wait: { interval: 10 * second, deadline: 10 * hour },
    until: day,
    passes: (run) => run.ended?.tag === "error" && run.at <= 70 * minute
  }),
  {
    name: "a wait that is resumed in an outage survives the rest of it",
    theme,
    source: "a deploy of client and server together",
    needs: ["errors", "resume"],
    run: async (lab) => {
      const server = lab.server(away(hour, [10 * minute, 15 * minute]))
      const setup = { server, interval: 10 * second, deadline: 2 * hour }
      const watcher = lab.adapter.watch!(setup)
      void watcher.wait().catch(() => {})
      await lab.pass(12 * minute)
      const token = await watcher.token!()
      const run = await lab.run(() => lab.adapter.resume!(token, setup), day)
      return judge(hasResult(run), show(run))
    }
  },
  {
    name: "an outage does not last longer for a wait that is resumed in it",
    theme,
    source: "a budget that starts over at each restart never ends",
    needs: ["errors", "resume", "deadline"],
    run: async (lab) => {
      const setupOf = () => {
        const server = lab.server((n) => (n === 1 ? {} : unavailable))
        return { server, interval: 10 * second, deadline: 10 * hour }
      }
      const whole = await lab.wait(setupOf(), day)
      const setup = setupOf()
      const begun = lab.clock.now
      const watcher = lab.adapter.watch!(setup)
      void watcher.wait().catch(() => {})
      await lab.pass(whole.at / 2)
      const token = await watcher.token!()
      const run = await lab.run(() => lab.adapter.resume!(token, setup), 2 * day)
      const cut = { ...run, at: run.at - begun }
      return judge(
        whole.ended?.tag === "error" && cut.ended?.tag === "error" && cut.at <= whole.at + minute,
        `${show(cut)}; without a resume ${show(whole)}`
      )
    }
  },
  {
    name: "an error that was overcome is not the reason of a later timeout",
    theme,
    source: "a timeout that blames a connection lost an hour before",
    needs: ["errors", "deadline"],
    run: async (lab) => {
      const server = lab.server(script({}, { network: true }, {}))
      const run = await lab.wait({ server, interval: 10 * second, deadline: hour }, day)
      const error = run.ended?.tag === "timeout" ? run.ended.error : undefined
      return all(
        judge(error !== undefined, show(run)),
        judge(!/ECONNRESET|fetch failed|no answer/i.test(blamed(error)), `${show(run)}: the timeout names the error`)
      )
    }
  }
]

// ---- internal ----

/** What an error gives as its reason: its message, and those of its causes. */
const blamed = (error: unknown): string =>
  error instanceof Error
    ? `${error.message} ${inspect((error as { lastCheckError?: unknown }).lastCheckError)} ${blamed(error.cause)}`
    : ""
