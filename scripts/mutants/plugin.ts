/* oxlint-disable unicorn/prefer-add-event-listener, unicorn/require-post-message-target-origin -- a channel between threads has one receiver and no origin */
import { join } from "node:path"
import { createVitest, type Vitest } from "vitest/node"
import { readFileSync } from "node:fs"
import { changeOf, isEquivalent, type Location } from "./equivalent.ts"
import { channelName, type Judged, type Loaded, type Run, type Stop } from "./protocol.ts"

// A test runner for Stryker that loads the tests once, not once for each mutant.

/** What Stryker asks for, as far as it is read here. */
interface MutantRun {
  readonly testFilter?: ReadonlyArray<string>
  readonly hitLimit?: number
  readonly activeMutant: {
    readonly id: string
    readonly fileName: string
    readonly location: Location
    readonly replacement: string
  }
}

class RerunningRunner {
  #worker: Worker | undefined

  capabilities() {
    // Code that runs only while modules load cannot be tested: use the runner of Vitest for it.
    return { reloadEnvironment: false }
  }

  async dryRun() {
    await this.#worker?.stop()
    const { loaded, worker } = await start(true)
    this.#worker = worker
    const tests = loaded.tests.map(({ column, failure, file, id, line, millis, name }) => ({
      id,
      name,
      timeSpentMs: millis,
      fileName: file,
      startPosition: { line: line - 1, column },
      ...(failure === undefined ? { status: 0 } : { status: 1, failureMessage: failure })
    }))
    return { status: "complete", tests, mutantCoverage: loaded.coverage }
  }

  async mutantRun({ activeMutant, hitLimit, testFilter }: MutantRun) {
    // All tests would run for a mutant that none of them can notice.
    const only = isNamed(activeMutant) ? "test/internal/" : undefined
    const run: Run = { _tag: "Run", mutant: activeMutant.id, ids: testFilter, only, hitLimit }
    let judged = await this.#judge(run)
    // What an earlier mutant has left behind may have failed the test: it is judged again by tests that are new.
    if (!judged.isClean) {
      await this.#reset()
      judged = await this.#judge(run)
      if (!judged.isClean) await this.#reset()
    }
    switch (judged.status) {
      case "survived":
        return { status: "survived", nrOfTests: judged.tests }
      case "timeout":
        return { status: "timeout", reason: judged.reason }
      case "killed":
        return { status: "killed", killedBy: [judged.killer], failureMessage: judged.reason, nrOfTests: judged.tests }
    }
  }

  async dispose() {
    await this.#reset()
  }

  async #judge(run: Run): Promise<Judged> {
    this.#worker ??= (await start(false)).worker
    return this.#worker.judge(run)
  }

  async #reset(): Promise<void> {
    await this.#worker?.stop()
    this.#worker = undefined
  }
}

export const strykerPlugins = [{ kind: "TestRunner", name: "rerunning", injectableClass: RerunningRunner }]

// ---- internal ----

/** Whether a mutant is named as equivalent. Stryker counts lines and columns from 0 here. */
const isNamed = ({ fileName, location: { end, start }, replacement }: MutantRun["activeMutant"]): boolean => {
  const fromOne = ({ column, line }: Location["start"]) => ({ line: line + 1, column: column + 1 })
  const source = readFileSync(fileName, "utf8")
  return isEquivalent(fileName, changeOf(source, { start: fromOne(start), end: fromOne(end) }, replacement))
}

interface Worker {
  readonly judge: (run: Run) => Promise<Judged>
  readonly stop: () => Promise<void>
}

/** Loads all tests in a worker; in a dry run they run once. */
const start = async (isDry: boolean): Promise<{ readonly loaded: Loaded; readonly worker: Worker }> => {
  const vitest = await createVitest("test", {
    config: join(process.cwd(), "scripts/mutants/vitest.config.ts"),
    pool: "threads",
    maxWorkers: 1,
    maxConcurrency: 1,
    watch: false,
    includeTaskLocation: true,
    coverage: { enabled: false },
    onConsoleLog: () => false
  })
  const files = (await vitest.globTestSpecifications()).length
  vitest.provide("mutants", { files, isDry })
  const channel = new BroadcastChannel(channelName)
  const ended = vitest.start()
  const loaded = await answer<Loaded>(channel, ended)
  const stop: Stop = { _tag: "Stop" }
  return {
    loaded,
    worker: {
      judge: async (run) => {
        channel.postMessage(run)
        return answer<Judged>(channel, ended)
      },
      stop: async () => {
        channel.postMessage(stop)
        channel.close()
        await close(vitest, ended)
      }
    }
  }
}

const close = async (vitest: Vitest, ended: Promise<unknown>): Promise<void> => {
  await ended
  await vitest.close()
}

/** The next message of the worker. */
const answer = <A>(channel: BroadcastChannel, ended: Promise<unknown>): Promise<A> =>
  new Promise((resolve, reject) => {
    channel.onmessage = ({ data }) => resolve(data as A)
    ended.then(() => reject(new Error("Vitest ended before all tests were loaded")), reject)
  })
