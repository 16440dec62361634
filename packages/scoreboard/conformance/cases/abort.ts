// What happens when the caller no longer wants the result, and what a wait leaves behind.
import { getEventListeners } from "node:events"
import { inspect } from "node:util"
import { all, type Case, describe, hasResult, hour, judge, minute, second, show, span } from "../case.ts"
import { script, until } from "../server.ts"

const theme = "Abort and cleanup"

const listeners = (signal: AbortSignal): number => getEventListeners(signal, "abort").length

/** A reason that can be recognized. */
class Leaving extends Error {
  override readonly name = "Leaving"
}

export const abort: ReadonlyArray<Case> = [
  {
    name: "an abort ends the wait at once",
    theme,
    source: "connor4312/cockatiel#25; p-retry#97; aborted 50 ms into a delay of 1 s",
    needs: ["abort"],
    run: async (lab) => {
      const abortAfter = async (millis: number, deadline: number) => {
        const server = lab.server(() => ({}))
        const controller = new AbortController()
        const aborted = lab.clock.now + millis
        lab.at(aborted, () => controller.abort())
        const run = await lab.wait({ server, interval: second, deadline, signal: controller.signal }, aborted + minute)
        return judge(
          run.at >= aborted && run.at <= aborted + 2,
          `${describe(run.ended)}, ${span(run.at - aborted)} after the abort`
        )
      }
      return all(await abortAfter(50, hour), await abortAfter(50, Number.POSITIVE_INFINITY))
    }
  },
  {
    name: "no check starts after an abort",
    theme,
    source: "aws-sdk-js-v3#2318, #2319; p-wait-for#31; Smithy waiter",
    needs: ["abort"],
    run: async (lab) => {
      const server = lab.server(() => ({}))
      const controller = new AbortController()
      lab.at(50, () => controller.abort())
      await lab.wait({ server, interval: second, deadline: hour, signal: controller.signal }, minute)
      await lab.pass(hour)
      const after = server.count + server.late - 1
      return judge(after === 0, `${after} started after the abort`)
    }
  },
  {
    name: "no check starts if the signal has already aborted",
    theme,
    source: "Smithy waiter: one is sent",
    needs: ["abort", "signal"],
    run: async (lab) => {
      const server = lab.server(() => ({}))
      const run = await lab.wait({ server, interval: second, deadline: hour, signal: AbortSignal.abort() }, minute)
      const begun = server.count + server.late
      return all(judge(begun === 0, `${begun} started`), judge(run.ended !== undefined, show(run)))
    }
  },
  {
    name: "an abort ends the wait while a request hangs",
    theme,
    source: "openai-node#2477; replicate-javascript PRs 375, 376, 380",
    needs: ["abort"],
    run: async (lab) => {
      const server = lab.server(script({}, { hang: true }))
      const controller = new AbortController()
      lab.at(1_500, () => controller.abort())
      const run = await lab.wait({ server, interval: second, deadline: hour, signal: controller.signal }, minute)
      return judge(run.at >= 1_500 && run.at <= 1_502, show(run))
    }
  },
  {
    name: "an abort also aborts the request in flight",
    theme,
    source: "core-lro: the last GET has no signal; openai-node#2477",
    needs: ["abort"],
    run: async (lab) => {
      const server = lab.server(script({}, { hang: true }))
      const controller = new AbortController()
      lab.at(1_500, () => controller.abort())
      await lab.wait({ server, interval: second, deadline: hour, signal: controller.signal }, minute)
      const last = server.requests.at(-1)!
      return judge(last.aborted, last.aborted ? "stopped" : "the request was left open")
    }
  },
  {
    name: "an abort also aborts the request for the result",
    theme,
    source: "core-lro `pollOperationHelper`: the GET of the resource location has no signal",
    needs: ["abort", "second"],
    run: async (lab) => {
      const word = lab.adapter.words?.["succeeded"] ?? "succeeded"
      const ended = JSON.stringify({ status: word, resourceLocation: "https://jobs.example/results/1" })
      const server = lab.server(script({}, { body: ended }, { hang: true }))
      const controller = new AbortController()
      lab.at(1_500, () => controller.abort())
      const run = await lab.wait({ server, interval: second, deadline: hour, signal: controller.signal }, minute)
      const last = server.requests.at(-1)!
      return judge(
        server.count === 3 && last.aborted,
        last.aborted ? "stopped" : `the request was left open: ${show(run)}`
      )
    }
  },
  {
    name: "an abort is not reported as a success",
    theme,
    source: "replicate-javascript#370: resolves with null",
    needs: ["abort"],
    run: async (lab) => {
      const server = lab.server(() => ({}))
      const controller = new AbortController()
      lab.at(100, () => controller.abort())
      const run = await lab.wait({ server, interval: 700, deadline: hour, signal: controller.signal }, minute)
      const tag = run.ended?.tag
      return judge(tag !== undefined && tag !== "succeeded" && tag !== "pending", show(run))
    }
  },
  {
    name: "an abort is distinguishable from a failed job and a failed check",
    theme,
    source: "aws-sdk-js-v3#2318",
    needs: ["abort"],
    run: async (lab) => {
      const server = lab.server(() => ({}))
      const controller = new AbortController()
      lab.at(100, () => controller.abort())
      const run = await lab.wait({ server, interval: 700, deadline: hour, signal: controller.signal }, minute)
      return judge(run.ended?.tag === "aborted", show(run))
    }
  },
  {
    name: "the reason of the abort is kept",
    theme,
    source: "p-wait-for#31; the DOM standard: AbortSignal.reason",
    needs: ["abort", "signal"],
    run: async (lab) => {
      const server = lab.server(() => ({}))
      const controller = new AbortController()
      lab.at(100, () => controller.abort(new Leaving("going home")))
      const run = await lab.wait({ server, interval: second, deadline: hour, signal: controller.signal }, minute)
      const error = run.ended === undefined || run.ended.tag === "succeeded" ? undefined : run.ended.error
      return judge(inspect(error, { depth: 4 }).includes("going home"), show(run))
    }
  },
  {
    name: "a wait of 200 checks leaves no listener behind",
    theme,
    source: "p-wait-for `sleep`; cockatiel#81, #101; p-timeout#42",
    needs: ["abort"],
    run: async (lab) => {
      const controller = new AbortController()
      let most = 0
      const server = lab.server((n) => {
        most = Math.max(most, listeners(controller.signal))
        return { word: n < 200 ? "running" : "succeeded" }
      })
      const deadline = Number.POSITIVE_INFINITY
      await lab.wait({ server, interval: second, deadline, signal: controller.signal }, hour)
      const left = listeners(controller.signal)
      return judge(server.count === 200 && left === 0 && most < 10, `${left} left, ${most} at most`)
    }
  },
  {
    name: "checks that throw leave no listener behind",
    theme,
    source: "Smithy waiter: 15 waits leave 15; sqs-consumer#500",
    needs: ["abort"],
    run: async (lab) => {
      const controller = new AbortController()
      let checks = 0
      for (let i = 0; i < 15; i++) {
        const server = lab.server(() => ({ status: 400, body: "{}" }))
        await lab.wait(
          { server, interval: second, checks: 2, deadline: 10 * second, signal: controller.signal },
          lab.clock.now + minute
        )
        checks += server.count
      }
      const left = listeners(controller.signal)
      return judge(checks >= 15 && left === 0, `${left} left by 15 waits`)
    }
  },
  {
    name: "a success leaves no timer behind",
    theme,
    source: "redux-toolkit#5409; a timer keeps the process alive",
    needs: [],
    run: async (lab) => {
      const server = lab.server(until(2_500, "succeeded"))
      const run = await lab.wait({ server, interval: second, deadline: hour }, minute)
      await lab.pass(5 * second)
      const left = lab.clock.pending()
      return all(judge(hasResult(run), show(run)), judge(left === 0, `${left} timers left`))
    }
  },
  {
    name: "an abort leaves no timer behind",
    theme,
    source: "WaveHouse#476; auto-mobile#6138",
    needs: ["abort"],
    run: async (lab) => {
      const server = lab.server(() => ({}))
      const controller = new AbortController()
      lab.at(1_500, () => controller.abort())
      const run = await lab.wait({ server, interval: minute, deadline: hour, signal: controller.signal }, minute)
      await lab.pass(5 * second)
      const left = lab.clock.pending()
      return judge(run.ended !== undefined && left === 0, `${left} timers left after ${span(run.at)}`)
    }
  }
]
