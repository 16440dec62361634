// A minimum interval between the checks of a job, for servers that allow few checks.
import { all, type Case, day, hour, judge, minute, requests, second, show, span } from "../case.ts"

const theme = "A minimum interval between checks"

const gap: number = 15 * minute

export const gaps: ReadonlyArray<Case> = [
  {
    name: "100 wake-ups within 10 s cause two checks where one in 15 min is allowed",
    theme,
    source: "quotas of one status request in 15 min; a storm of webhooks",
    needs: ["gap", "wake"],
    run: async (lab) => {
      const server = lab.server(() => ({}))
      const watcher = lab.adapter.watch!({ server, interval: hour, deadline: day, minInterval: gap })
      for (let n = 0; n < 100; n++) lab.at(100 * n + 50, () => watcher.wake!())
      await lab.run(() => watcher.wait(), 20 * minute)
      return judge(
        server.count === 2 && server.gaps[0]! >= gap && server.gaps[0]! <= gap + second,
        `${requests(server)} in 20 min, ${span(server.gaps[0] ?? Number.NaN)} apart`
      )
    }
  },
  {
    name: "a short interval does not undercut the minimum interval",
    theme,
    source: "the bound belongs to the job, the interval to the caller",
    needs: ["gap"],
    run: async (lab) => {
      const server = lab.server(() => ({}))
      await lab.wait({ server, interval: second, deadline: day, minInterval: gap }, 4 * hour)
      return judge(
        server.count >= 15 && Math.min(...server.gaps) >= gap,
        `${requests(server)} in 4 h, at least ${span(Math.min(...server.gaps))} apart`
      )
    }
  },
  {
    name: "a retry after a failed check keeps the minimum interval",
    theme,
    source: "quotas count failed requests too",
    needs: ["gap", "errors"],
    run: async (lab) => {
      const server = lab.server((n) => (n % 2 === 0 ? { network: true } : {}))
      await lab.wait({ server, interval: second, deadline: day, minInterval: gap }, 4 * hour)
      return judge(
        server.count >= 15 && Math.min(...server.gaps) >= gap,
        `${requests(server)} in 4 h, at least ${span(Math.min(...server.gaps))} apart`
      )
    }
  },
  {
    name: "the last check before the deadline keeps the minimum interval",
    theme,
    source: "deadline 40 min, gap 15 min: the last check is that of 30 min",
    needs: ["gap", "deadline"],
    run: async (lab) => {
      const server = lab.server(() => ({}))
      const run = await lab.wait({ server, interval: second, deadline: 40 * minute, minInterval: gap }, day)
      return all(
        judge(run.ended?.tag === "timeout", show(run)),
        judge(
          server.count === 3 && Math.min(...server.gaps) >= gap,
          `${requests(server)}, ${server.gaps.slice(0, 2).map(span).join(" and ")} apart`
        )
      )
    }
  },
  {
    name: "a resumed wait keeps the minimum interval",
    theme,
    source: "a process that restarts in a loop checks at each start",
    needs: ["gap", "resume"],
    run: async (lab) => {
      const server = lab.server(() => ({}))
      const setup = { server, interval: second, deadline: day, minInterval: gap }
      const watcher = lab.adapter.watch!(setup)
      void watcher.wait().catch(() => {})
      await lab.pass(10 * second)
      const token = await watcher.token!()
      const other = lab.server(() => ({ word: "succeeded" }))
      await lab.run(() => lab.adapter.resume!(token, { ...setup, server: other }), hour)
      return judge(
        other.count === 1 && other.times[0]! >= gap - second,
        `checked again ${span(other.times[0] ?? Number.NaN)} after the first check`
      )
    }
  }
]
