// States with their own limit, and states that need an action.
import { inspect } from "node:util"
import { all, type Case, day, hasResult, hour, judge, minute, oneWait, requests, second, show } from "../case.ts"
import { script, type Script } from "../server.ts"

const theme = "Limits and requests of a state"

/** Queued until `started`, then running until `ended`, then succeeded. */
const life =
  (started: number, ended = Number.POSITIVE_INFINITY): Script =>
  (_n, at) => ({ word: at < started ? "queued" : at < ended ? "running" : "succeeded" })

/** Needs an approval until `done` holds, then succeeds. */
const asking =
  (done: () => boolean): Script =>
  () =>
    done() ? { word: "succeeded" } : { action: "approve-1" }

export const stateLimits: ReadonlyArray<Case> = [
  {
    name: "a job that stays in the queue ends the wait at the limit of that state",
    theme,
    source: "GitHub Actions: a queued job has a limit apart from a running one; AWS Batch `jobStateTimeLimitActions`",
    needs: ["stateLimits"],
    run: async (lab) => {
      const server = lab.server(life(hour))
      const limits = { queued: 10 * minute, running: hour }
      const run = await lab.wait({ server, interval: 20 * second, deadline: day, stateLimits: limits }, 2 * day)
      const said = run.ended?.tag === "timeout" ? inspect(run.ended.error) : ""
      return all(
        judge(run.ended?.tag === "timeout" && Math.abs(run.at - 10 * minute) <= 100, show(run)),
        judge(said.includes("queued"), `${show(run)}: without the state`)
      )
    }
  },
  oneWait({
    name: "the limit of a state counts from the start of that state",
    theme,
    source: "google Cloud Batch `maxRunDuration`: the time in the queue is not run time",
    needs: ["stateLimits"],
    server: life(9 * minute, 68 * minute),
    wait: { interval: 20 * second, deadline: day, stateLimits: { queued: 10 * minute, running: hour } },
    until: 2 * day,
    passes: hasResult
  }),
  oneWait({
    name: "a last check is made before the limit of a state",
    theme,
    source: "as before a deadline: interval 45 s, limit 100 s, the job starts after 95 s",
    needs: ["stateLimits"],
    server: life(95 * second, 5 * minute),
    wait: { interval: 45 * second, deadline: day, stateLimits: { queued: 100 * second } },
    until: 2 * day,
    passes: hasResult
  }),
  {
    name: "an outage does not restart the limit of a state",
    theme,
    source: "a failed check says nothing of the job",
    needs: ["stateLimits", "errors"],
    run: async (lab) => {
      const outage = (at: number) => at > 4 * minute && at < 4.5 * minute
      const server = lab.server((_n, at) => (outage(at) ? { network: true } : { word: "queued" }))
      const limits = { queued: 10 * minute }
      const run = await lab.wait({ server, interval: 20 * second, deadline: day, stateLimits: limits }, 2 * day)
      return judge(run.ended?.tag === "timeout" && Math.abs(run.at - 10 * minute) <= 100, show(run))
    }
  },
  {
    name: "a resumed wait keeps the time that a state has taken",
    theme,
    source: "a limit that starts over at each deploy is none",
    needs: ["stateLimits", "resume"],
    run: async (lab) => {
      const server = lab.server(() => ({ word: "queued" }))
      const setup = { server, interval: 20 * second, deadline: day, stateLimits: { queued: 10 * minute } }
      const watcher = lab.adapter.watch!(setup)
      void watcher.wait().catch(() => {})
      await lab.pass(8 * minute)
      const token = await watcher.token!()
      const run = await lab.run(() => lab.adapter.resume!(token, setup), day)
      return judge(run.ended?.tag === "timeout" && Math.abs(run.at - 10 * minute) <= 100, show(run))
    }
  },
  {
    name: "a state that needs an approval can end the wait, with what is needed",
    theme,
    source: "MCP tasks `input_required`; Stripe `requires_action`; GitHub Actions `waiting`",
    needs: ["action"],
    run: async (lab) => {
      const server = lab.server(script({}, { action: "approve-1" }))
      const run = await lab.wait({ server, interval: second, deadline: hour, onAction: "fail" }, 2 * hour)
      const said = run.ended?.tag === "action" ? inspect(run.ended.error) : ""
      return judge(said.includes("approve-1") && run.at <= 1_100, show(run))
    }
  },
  {
    name: "an approval is asked for once, however often it is seen",
    theme,
    source: "MCP tasks `input_required`: each check repeats the request",
    needs: ["action"],
    run: async (lab) => {
      const asked: Array<string> = []
      const server = lab.server(asking(() => lab.clock.now > 30 * second))
      const onAction = async (id: string): Promise<void> => void asked.push(id)
      const run = await lab.wait({ server, interval: second, deadline: hour, onAction }, 2 * hour)
      return all(judge(hasResult(run), show(run)), judge(asked.join() === "approve-1", `asked ${asked.length} times`))
    }
  },
  {
    name: "the job is checked again as soon as the approval was given",
    theme,
    source: "an interval of 10 min, and a person that answers after 30 s",
    needs: ["action"],
    run: async (lab) => {
      let done = false
      const server = lab.server(asking(() => done))
      const onAction = () =>
        new Promise<void>((resolve) =>
          lab.at(30 * second, () => {
            done = true
            resolve()
          })
        )
      const run = await lab.wait({ server, interval: 10 * minute, deadline: hour, onAction }, 2 * hour)
      return judge(hasResult(run) && run.at <= 30_100, `${show(run)}, ${requests(server)}`)
    }
  },
  {
    name: "a progress of 50 or of 101 % neither ends the wait nor is reported as such",
    theme,
    source: "percentages where a share is expected; servers that count past the end",
    needs: ["percent"],
    run: async (lab) => {
      const seen: Array<number> = []
      const server = lab.server(script({ progress: 0.2 }, { progress: 50 }, { progress: 1.01 }, { word: "succeeded" }))
      const progressed = (progress: number): void => void seen.push(progress)
      const run = await lab.wait({ server, interval: second, deadline: hour, progressed }, 2 * hour)
      return all(
        judge(hasResult(run), show(run)),
        judge(seen.includes(0.2) && seen.every((share) => share >= 0 && share <= 1), `reported ${seen.join(", ")}`)
      )
    }
  }
]
