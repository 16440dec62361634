// Submitting a job, leaving it alone, and canceling it.
import { inspect } from "node:util"
import { all, type Case, day, describe, hasResult, hour, judge, minute, second, show } from "../case.ts"
import { refusal, until } from "../server.ts"

const theme = "Submitting, leaving and canceling"

export const leaving: ReadonlyArray<Case> = [
  {
    name: "a submit that is never answered does not hang forever",
    theme,
    source: "openai-python#3097; core-lro `sendInitialRequest`",
    needs: ["submits"],
    run: async (lab) => {
      const server = lab.server(() => ({}))
      const run = await lab.wait({ server, interval: second, deadline: hour, submitHangs: true }, day)
      return judge(
        run.ended !== undefined && run.ended.tag !== "succeeded" && run.at <= hour,
        run.ended === undefined ? "no end within a day" : show(run)
      )
    }
  },
  {
    name: "a submit that timed out says that the job may have been accepted",
    theme,
    source: "await-remote-run#215: the caller submits again and pays twice",
    needs: ["submits"],
    run: async (lab) => {
      const server = lab.server(() => ({}))
      const run = await lab.wait({ server, interval: second, deadline: hour, submitHangs: true }, day)
      const error = run.ended === undefined || run.ended.tag === "succeeded" ? undefined : run.ended.error
      return judge(
        /may (still )?(have been|be) |might /i.test(String(error)),
        run.ended === undefined ? "no end within a day" : show(run)
      )
    }
  },
  {
    name: "an abort ends a wait whose submit hangs",
    theme,
    source: "openai-node#2477",
    needs: ["submits", "abort"],
    run: async (lab) => {
      const server = lab.server(() => ({}))
      const controller = new AbortController()
      lab.at(10 * second, () => controller.abort())
      const setup = { server, interval: second, deadline: hour, submitHangs: true, signal: controller.signal }
      const run = await lab.wait(setup, day)
      return judge(run.ended?.tag === "aborted" && run.at <= 10 * second + 2, show(run))
    }
  },
  {
    name: "a store that never takes the receipt ends the wait, with a token",
    theme,
    source: "trigger.dev PR#1689: the job is accepted, and its key is in no error",
    needs: ["receipt"],
    run: async (lab) => {
      const server = lab.server(() => ({}))
      const run = await lab.wait({ server, interval: second, deadline: hour, receiptHangs: true }, day)
      const said = run.ended?.tag === "error" ? inspect(run.ended.error, { depth: 6 }) : ""
      return judge(said.includes("job-1") && run.at <= minute, show(run))
    }
  },
  {
    name: "leaving a wait does not cancel the job, even where an abort would",
    theme,
    source: "a deploy restarts the process; more-executors#24",
    needs: ["leave", "resume"],
    run: async (lab) => {
      const server = lab.server(until(10 * minute, "succeeded"))
      const setup = { server, interval: second, deadline: hour, cancelRemote: true }
      const watcher = lab.adapter.watch!(setup)
      void watcher.wait().catch(() => {})
      await lab.pass(2_500)
      const token = await watcher.leave!()
      const before = server.count
      await lab.pass(5 * minute)
      const after = server.count - before
      const run = await lab.run(() => lab.adapter.resume!(token, setup), 2 * hour)
      return all(
        judge(server.cancels === 0, `${server.cancels} cancels`),
        judge(after === 0, `${after} requests after it was left`),
        judge(hasResult(run), show(run))
      )
    }
  },
  {
    name: "a poller that closes for a deploy cancels no job, and yields its tokens",
    theme,
    source: "a deploy closes the poller; its waits cancel their jobs when they are aborted",
    needs: ["close", "resume"],
    run: async (lab) => {
      const server = lab.server(until(10 * minute, "succeeded"))
      const setup = { server, interval: second, deadline: hour, cancelRemote: true }
      const watcher = lab.adapter.watch!(setup)
      void watcher.wait().catch(() => {})
      await lab.pass(2_500)
      const tokens = await watcher.close!()
      const before = server.count
      await lab.pass(5 * minute)
      const after = server.count - before
      const run = await lab.run(() => lab.adapter.resume!(tokens[0]!, setup), 2 * hour)
      return all(
        judge(server.cancels === 0 && tokens.length === 1, `${server.cancels} cancels, ${tokens.length} tokens`),
        judge(after === 0, `${after} requests after it was closed`),
        judge(hasResult(run), show(run))
      )
    }
  },
  {
    name: "a refused cancel shows in the timeout",
    theme,
    source: "google-cloud-cpp#8695: the job runs on and is billed",
    needs: ["cancelRemote", "deadline"],
    run: async (lab) => {
      const server = lab.server(() => ({}))
      server.cancelRefused = true
      const run = await lab.wait({ server, interval: second, deadline: minute, cancelRemote: true }, hour)
      const error = run.ended?.tag === "timeout" ? inspect(run.ended.error, { depth: 8 }) : ""
      return all(
        judge(server.cancels === 1, `${server.cancels} cancels`),
        judge(isRefusal(error), `${show(run)}: without the refusal`)
      )
    }
  },
  {
    name: "a refused cancel does not vanish when the caller aborts",
    theme,
    source: "pollinations#12656: the caller believes that the job was stopped",
    needs: ["cancelRemote", "abort"],
    run: async (lab) => {
      const server = lab.server(() => ({}))
      server.cancelRefused = true
      const controller = new AbortController()
      const reports: Array<unknown> = []
      lab.at(2_500, () => controller.abort())
      const canceled = (outcome: unknown): void => void reports.push(outcome)
      const setup = {
        server,
        interval: second,
        deadline: hour,
        cancelRemote: true,
        signal: controller.signal,
        canceled
      }
      const run = await lab.wait(setup, hour)
      await lab.pass(minute)
      return all(
        judge(server.cancels >= 1, `${server.cancels} cancels`),
        judge(isRefusal(inspect([run.ended, reports], { depth: 8 })), `${describe(run.ended)}: without the refusal`)
      )
    }
  }
]

// ---- internal ----

/** Whether a text says that the cancel was refused: in the server's words, by its status, or by a word for it. */
const isRefusal = (text: string): boolean => text.includes(refusal) || /\b409\b|refused/.test(text)
