// Pollers that are told something beside their checks: the end by a signal, or a reason to check by a webhook.
import { all, type Case, describe, hasResult, hour, judge, type Lab, minute, requests, second, show } from "../case.ts"
import type { Said, Setup } from "../adapter.ts"
import { type Script, until } from "../server.ts"

const theme = "Signals and webhooks"

/** A wait that is told something at some times, and how often it ended. */
const toldWait = async (
  lab: Lab,
  options: {
    readonly server: Script
    readonly interval: number
    readonly says: ReadonlyArray<readonly [at: number, said: Said]>
  }
) => {
  const server = lab.server(options.server)
  const listeners: Array<(said: Said) => void> = []
  let ends = 0
  const setup: Setup = {
    server,
    interval: options.interval,
    deadline: hour,
    told: (listener) => void listeners.push(listener),
    ended: () => void ends++
  }
  for (const [at, said] of options.says) lab.at(at, () => listeners.forEach((tell) => tell(said)))
  const run = await lab.wait(setup, hour)
  const asked = server.count
  // What comes later must do nothing.
  await lab.pass(minute)
  return { run, server, ends, later: server.count - asked, once: judge(ends === 1, `${ends} ends`) }
}

export const told: ReadonlyArray<Case> = [
  {
    name: "a lost signal is made good by polling",
    theme,
    source: "accelerated-idp#755; catalogue-pipeline#3595: it hung for 31 days",
    needs: ["told"],
    run: async (lab) => {
      const { once, run } = await toldWait(lab, { server: until(minute, "succeeded"), interval: 10 * second, says: [] })
      return all(judge(hasResult(run) && run.at <= 71 * second, show(run)), once)
    }
  },
  {
    name: "a webhook ends no wait whose job is still running",
    theme,
    source: "dev-loops#728: the reconciler ends the wait early",
    needs: ["told"],
    run: async (lab) => {
      const says = [3, 7, 12].map((at) => [at * second, "changed"] as const)
      const { once, run } = await toldWait(lab, { server: until(minute, "succeeded"), interval: 20 * second, says })
      return all(judge(hasResult(run) && run.at >= minute, show(run)), once)
    }
  },
  {
    name: "a webhook and a poll that both find the end finish the wait once",
    theme,
    source: "eve#568; adcp-client#1431: finished twice",
    needs: ["told"],
    run: async (lab) => {
      const server: Script = (_n, at) => ({ word: at < 10 * second ? "running" : "succeeded", after: second })
      const says = [10_000, 10_100, 10_900, 11_000].map((at) => [at, "changed"] as const)
      const { later, once, run, server: asked } = await toldWait(lab, { server, interval: 2 * second, says })
      return all(
        judge(hasResult(run) && run.at <= 13 * second, show(run)),
        judge(asked.concurrent === 1, `${asked.concurrent} checks at once`),
        judge(later === 0, `${later} checks after the end`),
        once
      )
    }
  },
  {
    name: "a signal that comes three times, beside a poll, finishes the wait once",
    theme,
    source: "nodetool#5760; webhooks are delivered at least once",
    needs: ["told"],
    run: async (lab) => {
      const says = [10_000, 10_000, 10_001].map((at) => [at, "succeeded"] as const)
      const { later, once, run } = await toldWait(lab, { server: until(10_000, "succeeded"), interval: second, says })
      return all(
        judge(hasResult(run) && run.at <= 10_100, show(run)),
        judge(later === 0, `${later} checks after the end`),
        once
      )
    }
  },
  {
    name: "what is told after the end does nothing",
    theme,
    source: "hoff#98: a late callback after the job was finished",
    needs: ["told"],
    run: async (lab) => {
      const says: ReadonlyArray<readonly [number, Said]> = [
        [6_000, "changed"],
        [7_000, "failed"],
        [8_000, "succeeded"]
      ]
      const { ends, run, server } = await toldWait(lab, { server: until(5_000, "succeeded"), interval: second, says })
      return all(
        judge(hasResult(run) && run.at <= 5_100, show(run)),
        judge(server.count <= 7, `${requests(server)}, the last of them after the end`),
        judge(ends === 1, `${ends} ends`)
      )
    }
  },
  {
    name: "a signal counts although the check in flight says otherwise later",
    theme,
    source: "adcp-client#1434: a webhook and a poll with different ends",
    needs: ["told"],
    run: async (lab) => {
      const server: Script = (_n, at) => ({ word: at < 5_000 ? "running" : "succeeded", after: at < 5_000 ? 0 : 3_000 })
      const { once, run, server: asked } = await toldWait(lab, { server, interval: second, says: [[6_000, "failed"]] })
      const last = asked.requests.at(-1)
      return all(
        judge(run.ended?.tag === "failed" && run.at >= 6_000 && run.at <= 6_100, show(run)),
        judge(last?.aborted === true, "the check in flight went on"),
        once
      )
    }
  },
  {
    name: "a signal counts although later checks would say otherwise",
    theme,
    source: "adcp-client#1434: a webhook and a poll with different ends",
    needs: ["told"],
    run: async (lab) => {
      const says = [[4_500, "succeeded"]] as const
      const { later, once, run } = await toldWait(lab, { server: until(5_000, "failed"), interval: second, says })
      return all(
        judge(hasResult(run) && run.at <= 4_600, describe(run.ended)),
        judge(later === 0, `${later} checks after the end`),
        once
      )
    }
  }
]
