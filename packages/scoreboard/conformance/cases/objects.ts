// Pollers that are objects: several callers, listeners, tokens and wake-ups, and their effect on the remote job.
import { all, type Case, day, hasResult, hour, judge, minute, oneWait, requests, second, show, span } from "../case.ts"
import { script, until } from "../server.ts"

const theme = "Pollers as objects"

export const objects: ReadonlyArray<Case> = [
  {
    name: "a poller can be waited on again after an abort",
    theme,
    source: "core-lro: one shared AbortController",
    needs: ["abort", "reuse"],
    run: async (lab) => {
      const server = lab.server(until(10 * second, "succeeded"))
      const watcher = lab.adapter.watch!({ server, interval: second, deadline: hour })
      const controller = new AbortController()
      lab.at(2_500, () => controller.abort())
      await lab.run(() => watcher.wait(controller.signal), minute)
      const again = await lab.run(() => watcher.wait(), 2 * minute)
      return judge(hasResult(again), show(again))
    }
  },
  {
    name: "one caller's abort does not end another caller's wait",
    theme,
    source: "core-lro: one shared AbortController",
    needs: ["abort", "share"],
    run: async (lab) => {
      const server = lab.server(until(10 * second, "succeeded"))
      const watcher = lab.adapter.watch!({ server, interval: second, deadline: hour })
      const controller = new AbortController()
      lab.at(2_500, () => controller.abort())
      void watcher.wait(controller.signal).catch(() => {})
      const other = await lab.run(() => watcher.wait(), minute)
      return judge(hasResult(other), show(other))
    }
  },
  {
    name: "the second caller's signal is honored too",
    theme,
    source: "core-lro `pollUntilDone`: only the first call's signal counts",
    needs: ["abort", "share"],
    run: async (lab) => {
      const server = lab.server(until(10 * second, "succeeded"))
      const watcher = lab.adapter.watch!({ server, interval: second, deadline: hour })
      const controller = new AbortController()
      lab.at(2_500, () => controller.abort())
      void watcher.wait().catch(() => {})
      const second_ = await lab.run(() => watcher.wait(controller.signal), minute)
      return judge(second_.at >= 2_500 && second_.at <= 2_502, show(second_))
    }
  },
  {
    name: "two callers share the checks",
    theme,
    source: "superdav-ai-agent#2558; single flight",
    needs: ["share"],
    run: async (lab) => {
      const server = lab.server(until(10_500, "succeeded"))
      const watcher = lab.adapter.watch!({ server, interval: second, deadline: hour })
      void watcher.wait().catch(() => {})
      const run = await lab.run(() => watcher.wait(), minute)
      return all(judge(hasResult(run), show(run)), judge(server.count <= 12, `${requests(server)} instead of 12`))
    }
  },
  {
    name: "removing and adding a listener does not start a second loop",
    theme,
    source: "googleapis/gax-nodejs `Operation`: 10 requests instead of 5",
    needs: ["listeners"],
    run: async (lab) => {
      const server = lab.server(() => ({}))
      const watcher = lab.adapter.watch!({ server, interval: second, deadline: hour })
      const leave = watcher.listen!()
      await lab.pass(2_500)
      leave()
      const back = watcher.listen!()
      const before = server.count
      await lab.pass(10 * second)
      back()
      return judge(
        before > 0 && server.count - before <= 11,
        `${server.count - before} requests in 10 s at an interval of 1 s`
      )
    }
  },
  {
    name: "a wake-up during a check does not start a second one",
    theme,
    source: "foreman#1048; kubestellar#12469",
    needs: ["wake"],
    run: async (lab) => {
      const server = lab.server((n) => ({ word: n < 5 ? "running" : "succeeded", after: 3 * second }))
      const watcher = lab.adapter.watch!({ server, interval: 10 * second, deadline: hour })
      for (const at of [1_000, 1_500, 2_000]) lab.at(at, () => watcher.wake!())
      const run = await lab.run(() => watcher.wait(), hour)
      return all(judge(server.concurrent === 1, `${server.concurrent} at once`), judge(hasResult(run), show(run)))
    }
  },
  {
    name: "a wake-up cuts the delay short",
    theme,
    source: "accelerated-idp#755: a webhook arrived",
    needs: ["wake"],
    run: async (lab) => {
      const server = lab.server(until(second, "succeeded"))
      const watcher = lab.adapter.watch!({ server, interval: 10 * minute, deadline: hour })
      lab.at(5 * second, () => watcher.wake!())
      const run = await lab.run(() => watcher.wait(), hour)
      return judge(hasResult(run) && run.at <= 5_100, show(run))
    }
  },
  {
    name: "a wake-up does not override the requested delay",
    theme,
    source: "an eager caller against Retry-After",
    needs: ["wake", "hint"],
    run: async (lab) => {
      const server = lab.server(() => ({ headers: lab.hint(60) }))
      const watcher = lab.adapter.watch!({ server, interval: second, deadline: hour })
      lab.at(5 * second, () => watcher.wake!())
      await lab.run(() => watcher.wait(), 90 * second)
      const [gap = 0] = server.gaps
      return judge(gap >= minute, `checked again after ${span(gap)}, 60 s were requested`)
    }
  },
  {
    name: "a wait can be resumed in another process",
    theme,
    source: "Azure/autorest.csharp#2158; azure-sdk-for-net#27409",
    needs: ["resume"],
    run: async (lab) => {
      const server = lab.server(until(20 * second, "succeeded"))
      const setup = { server, interval: second, deadline: hour }
      const watcher = lab.adapter.watch!(setup)
      void watcher.wait().catch(() => {})
      await lab.pass(5_500)
      const token = await watcher.token!()
      const run = await lab.run(() => lab.adapter.resume!(token, setup), minute)
      return judge(hasResult(run), show(run))
    }
  },
  {
    name: "a resumed wait keeps its deadline",
    theme,
    source: "airflow#21585, #36734: the deadline starts over",
    needs: ["resume", "deadline"],
    run: async (lab) => {
      const server = lab.server(() => ({}))
      const setup = { server, interval: second, deadline: minute }
      const watcher = lab.adapter.watch!(setup)
      void watcher.wait().catch(() => {})
      await lab.pass(40_500)
      const token = await watcher.token!()
      const run = await lab.run(() => lab.adapter.resume!(token, setup), hour)
      return judge(run.ended?.tag === "timeout" && run.at <= minute + 100, show(run))
    }
  },
  {
    name: "a resumed wait keeps the requested delay",
    theme,
    source: "azure-sdk-for-js#28284; nextPollAt",
    needs: ["resume", "hint"],
    run: async (lab) => {
      const first = lab.server(() => ({ headers: lab.hint(60) }))
      const watcher = lab.adapter.watch!({ server: first, interval: second, deadline: hour })
      void watcher.wait().catch(() => {})
      await lab.pass(5_500)
      const token = await watcher.token!()
      const second_ = lab.server(() => ({ word: "succeeded" }))
      await lab.run(() => lab.adapter.resume!(token, { server: second_, interval: second, deadline: hour }), hour)
      const asked = second_.times[0] ?? Number.NaN
      return judge(asked >= minute, `checked after ${span(asked)}, 60 s were requested`)
    }
  },
  {
    name: "a token taken during an outage can be resumed after it",
    theme,
    source: "core-lro `serialize`: the failed state is stored",
    needs: ["resume", "errors"],
    run: async (lab) => {
      const outage = (at: number) => at > 1_500 && at < 15 * second
      const server = lab.server((_n, at) =>
        outage(at) ? { network: true } : { word: at < 20_000 ? "running" : "succeeded" }
      )
      const setup = { server, interval: second, deadline: hour }
      const watcher = lab.adapter.watch!(setup)
      void watcher.wait().catch(() => {})
      await lab.pass(14 * second)
      const token = await watcher.token!()
      await lab.pass(2 * second)
      const run = await lab.run(() => lab.adapter.resume!(token, setup), hour)
      return judge(hasResult(run), show(run))
    }
  },
  {
    name: "a token does not contain the server's answer",
    theme,
    source: "tokens are stored where results and secrets do not belong",
    needs: ["resume"],
    run: async (lab) => {
      const word = lab.adapter.words?.["running"] ?? "running"
      const server = lab.server(() => ({
        body: JSON.stringify({ status: word, upload: "https://store.example/?sig=SECRET" })
      }))
      const watcher = lab.adapter.watch!({ server, interval: second, deadline: hour })
      void watcher.wait().catch(() => {})
      await lab.pass(5_500)
      const token = await watcher.token!()
      return judge(!token.includes("SECRET"), token.slice(0, 200))
    }
  },
  oneWait({
    name: "a stalled job is distinguishable from a slow one",
    theme,
    source: "mavedb-api#788; geti#5526; borgbackupserver#117",
    needs: ["stall"],
    server: () => ({}),
    wait: { interval: second, stall: minute, deadline: day },
    until: hour,
    passes: (run) => run.ended?.tag === "stalled" && run.at <= 2 * minute
  }),
  oneWait({
    name: "the end of a previous run is not taken for the end of this one",
    theme,
    source: "endpoints keyed by the resource show the old end until the new run begins",
    needs: ["runs"],
    server: script({ word: "failed", run: 1 }, { run: 2 }, { word: "succeeded", run: 2 }),
    wait: { interval: second, run: 2, deadline: hour },
    until: hour,
    passes: hasResult
  }),
  {
    name: "a timeout can cancel the remote job",
    theme,
    source: "google-cloud-cpp#8695; await-remote-run#215; homeboy#6898",
    needs: ["cancelRemote", "deadline"],
    run: async (lab) => {
      const server = lab.server((_n, at) => ({ word: at > minute ? "canceled" : "running" }))
      const run = await lab.wait({ server, interval: second, deadline: minute, cancelRemote: true }, hour)
      return judge(server.cancels === 1 && run.ended !== undefined, `${server.cancels} cancels, ${show(run)}`)
    }
  },
  {
    name: "a hanging cancel request does not hold up the wait",
    theme,
    source: "the cleanup of a wait is bounded",
    needs: ["cancelRemote", "deadline"],
    run: async (lab) => {
      const server = lab.server(() => ({}))
      server.cancelHangs = true
      const run = await lab.wait({ server, interval: second, deadline: minute, cancelRemote: true }, hour)
      return judge(
        server.cancels === 1 && run.ended?.tag === "timeout" && run.at <= 2 * minute,
        `${server.cancels} cancels, ${show(run)}`
      )
    }
  },
  oneWait({
    name: "a job that succeeds despite a cancel request is a success",
    theme,
    source: "Azure/azure-sdk-for-js#22067: a cancel is a request",
    needs: ["cancelRemote", "deadline"],
    server: (_n, at) => ({ word: at > minute ? "succeeded" : "running" }),
    wait: { interval: second, deadline: minute, cancelRemote: true },
    until: hour,
    passes: hasResult
  }),
  {
    name: "an abort can cancel the remote job",
    theme,
    source: "pollinations#12656; more-executors#24",
    needs: ["cancelRemote", "abort"],
    run: async (lab) => {
      const server = lab.server(() => ({}))
      const controller = new AbortController()
      lab.at(2_500, () => controller.abort())
      await lab.wait({ server, interval: second, deadline: hour, cancelRemote: true, signal: controller.signal }, hour)
      await lab.pass(minute)
      return judge(server.cancels === 1, `${server.cancels} cancels`)
    }
  }
]
