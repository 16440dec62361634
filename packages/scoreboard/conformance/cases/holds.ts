// Ends that must hold before they count.
import { all, type Case, day, hasResult, hour, judge, minute, oneWait, requests, second, show, span } from "../case.ts"
import { failure, type Reply, script, type Script, until } from "../server.ts"
import { inspect } from "node:util"

const theme = "Ends that must hold"

const succeeded: Reply = { word: "succeeded" }
const failed: Reply = { word: "failed" }

/** Alternates between running and a state, and never settles. */
const flapping =
  (word: string): Script =>
  (n) => ({ word: n % 2 === 0 ? word : "running" })

export const holds: ReadonlyArray<Case> = [
  {
    name: "a success that must be seen three times is seen three times in a row",
    theme,
    source: "terraform-plugin-sdk `StateChangeConf.ContinuousTargetOccurence`",
    needs: ["confirm"],
    run: async (lab) => {
      const server = lab.server(script(succeeded, {}, succeeded, succeeded, {}, succeeded))
      const run = await lab.wait(
        { server, interval: second, deadline: hour, confirm: { success: { times: 3 } } },
        2 * hour
      )
      return all(
        judge(hasResult(run), show(run)),
        judge(server.count === 8, `${requests(server)}: the third success in a row is the eighth answer`)
      )
    }
  },
  {
    name: "a success that must hold for 30 s is returned after 30 s, and no later",
    theme,
    source: "kubernetes `minReadySeconds`; an interval of 20 s does not divide 30 s",
    needs: ["confirm"],
    run: async (lab) => {
      const server = lab.server(until(minute, "succeeded"))
      const confirm = { success: { for: 30 * second } }
      const run = await lab.wait({ server, interval: 20 * second, deadline: hour, confirm }, 2 * hour)
      return judge(hasResult(run) && run.at >= 90 * second && run.at <= 90 * second + 10, show(run))
    }
  },
  oneWait({
    name: "a failure that must hold does not end the wait for a job that runs again",
    theme,
    source: "a job that is preempted reports FAILED until it is scheduled again within a minute",
    needs: ["confirm", "failures"],
    server: script({}, failed, {}, failed, {}, succeeded),
    wait: { interval: second, deadline: hour, confirm: { failure: { times: 2 } } },
    until: 2 * hour,
    passes: hasResult
  }),
  {
    name: "a failure that holds ends the wait with its reason",
    theme,
    source: "the confirmed end is the ending, with what the server said",
    needs: ["confirm", "failures"],
    run: async (lab) => {
      const server = lab.server(until(5 * second, "failed"))
      const confirm = { failure: { times: 3 } }
      const run = await lab.wait({ server, interval: second, deadline: hour, confirm }, 2 * hour)
      const said = run.ended?.tag === "failed" ? inspect(run.ended.error) : ""
      return judge(said.includes(failure) && run.at >= 7 * second && run.at <= 7_100, show(run))
    }
  },
  oneWait({
    name: "a lost connection does not interrupt what must hold",
    theme,
    source: "a failed check says nothing of the job",
    needs: ["confirm", "errors"],
    server: script({}, succeeded, succeeded, { network: true }, succeeded, {}),
    wait: { interval: second, deadline: minute, confirm: { success: { times: 3 } } },
    until: 2 * hour,
    passes: hasResult
  }),
  {
    name: "an end that never holds is a timeout, not a result",
    theme,
    source: "a deployment that flaps until the deadline",
    needs: ["confirm", "deadline"],
    run: async (lab) => {
      const server = lab.server(flapping("succeeded"))
      const confirm = { success: { times: 2 } }
      const run = await lab.wait({ server, interval: second, deadline: minute, confirm }, day)
      return judge(run.ended?.tag === "timeout" && run.at >= 59 * second && run.at <= minute + 100, show(run))
    }
  },
  {
    name: "a resumed wait keeps what it has seen of an end that must hold",
    theme,
    source: "a resume that starts over needs the full time again at each deploy",
    needs: ["confirm", "resume"],
    run: async (lab) => {
      const server = lab.server(until(minute, "succeeded"))
      const confirm = { success: { for: 10 * minute } }
      const setup = { server, interval: 10 * second, deadline: hour, confirm }
      const watcher = lab.adapter.watch!(setup)
      void watcher.wait().catch(() => {})
      await lab.pass(8 * minute + 500)
      const token = await watcher.token!()
      const run = await lab.run(() => lab.adapter.resume!(token, setup), hour)
      return judge(
        hasResult(run) && run.at >= 11 * minute && run.at <= 11 * minute + 100,
        `${show(run)}, first seen after ${span(minute)}`
      )
    }
  }
]
