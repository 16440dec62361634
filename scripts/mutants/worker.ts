/* oxlint-disable unicorn/prefer-add-event-listener, unicorn/require-post-message-target-origin -- a channel between threads has one receiver and no origin */
import { performance } from "node:perf_hooks"
import { inject, type RunnerTestCase, type RunnerTestFile, type RunnerTestSuite, TestRunner } from "vitest"
import { channelName, type Coverage, type Hits, type Judged, type Loaded, type Run, type Stop } from "./protocol.ts"

// Runs in the worker of Vitest. It loads all tests once and then runs them again and again, each time with another
// mutant: to load them takes much longer than to run those that notice a mutant.

declare module "vitest" {
  interface ProvidedContext {
    /** How many test files there are, and whether they run once without a mutant. */
    readonly mutants: { readonly files: number; readonly isDry: boolean }
  }
}

/** What the code that Stryker has instrumented reads and writes. */
interface Instrumented {
  activeMutant?: string | undefined
  currentTestId?: string | undefined
  hitCount?: number | undefined
  hitLimit?: number | undefined
  mutantCoverage?: { static: Hits; perTest: Record<string, Hits> } | undefined
}

const instrumented: Instrumented = ((globalThis as { __stryker__?: Instrumented }).__stryker__ ??= {})

export default class extends TestRunner {
  readonly #files: Array<RunnerTestFile> = []
  readonly #setting = inject("mutants")

  override async onBeforeRunTask(test: RunnerTestCase): Promise<void> {
    if (!this.#setting.isDry) test.mode = "skip"
    await super.onBeforeRunTask(test)
    instrumented.currentTestId = idOf(test)
  }

  override onAfterRunTask(test: RunnerTestCase): void {
    instrumented.currentTestId = undefined
    super.onAfterRunTask(test)
  }

  override async onAfterRunFiles(files: Array<RunnerTestFile>): Promise<void> {
    super.onAfterRunFiles(files)
    this.#files.push(...files)
    if (this.#files.length === this.#setting.files) await serve(this.#files)
  }
}

// ---- internal ----

/** A test that idles for so long with a mutant, in milliseconds, will never end: the clock of most tests is virtual. */
const longestIdle = 1_000

interface Test {
  readonly task: RunnerTestCase
  readonly run: () => unknown
  millis: number
}

/** Judges mutants until it is stopped. */
const serve = async (files: ReadonlyArray<RunnerTestFile>): Promise<void> => {
  const tests = new Map(
    files
      .flatMap(testsOf)
      .map((task) => [idOf(task), { task, run: TestRunner.getTestFn(task), millis: task.result?.duration ?? 1 }])
  )
  const channel = new BroadcastChannel(channelName)
  const stopped = new Promise<void>((resolve) => {
    channel.onmessage = ({ data }) => {
      const message = data as Run | Stop
      if (message._tag === "Stop") resolve()
      else void judge(tests, message).then((judged) => channel.postMessage(judged))
    }
  })
  channel.postMessage(loaded(tests))
  await stopped
  channel.close()
}

const loaded = (tests: ReadonlyMap<string, Test>): Loaded => ({
  _tag: "Loaded",
  tests: [...tests].map(([id, { millis, task }]) => ({
    id,
    file: task.file.filepath,
    name: task.fullName,
    line: task.location?.line ?? 1,
    column: task.location?.column ?? 1,
    millis,
    failure: task.result?.state === "fail" ? (task.result.errors?.[0]?.message ?? "failed") : undefined
  })),
  coverage: coverageOf(instrumented.mutantCoverage)
})

const coverageOf = (coverage: Coverage | undefined): Coverage => coverage ?? { static: {}, perTest: {} }

/** Tests that killed mutants, the newest first: those of neighbouring places in the code are mostly noticed by the same. */
let killers: ReadonlyArray<string> = []

const judge = async (tests: ReadonlyMap<string, Test>, { hitLimit, ids, mutant, only }: Run): Promise<Judged> => {
  // Ids begin with the name of their file.
  const order = sorted(
    (ids ?? [...tests.keys()]).filter((id) => only === undefined || id.startsWith(only)),
    tests
  )
  let ran = 0
  for (const id of order) {
    const test = tests.get(id)!
    ran++
    const started = performance.now()
    const failure = await runWith(test, mutant, hitLimit)
    if (failure === undefined) {
      test.millis = performance.now() - started
      continue
    }
    killers = [id, ...killers.filter((killer) => killer !== id)]
    // A mutant that changed what all tests share would seem to be killed by every test after it.
    const isClean = (await runWith(test, undefined, undefined)) === undefined
    const { isTimeout, reason } = failure
    const status = isTimeout ? "timeout" : "killed"
    return { _tag: "Judged", status, killer: id, reason, tests: ran, isClean: isClean && !isTimeout }
  }
  return { _tag: "Judged", status: "survived", killer: undefined, reason: "", tests: ran, isClean: true }
}

/** The newest killers first, then quick tests. */
const sorted = (ids: ReadonlyArray<string>, tests: ReadonlyMap<string, Test>): ReadonlyArray<string> => {
  const places = new Map(killers.map((id, place) => [id, place]))
  return ids
    .filter((id) => tests.has(id))
    .toSorted(
      (a, b) =>
        (places.get(a) ?? killers.length) - (places.get(b) ?? killers.length) ||
        tests.get(a)!.millis - tests.get(b)!.millis
    )
}

/** Runs a test with a mutant; yields why it failed, undefined if it passed. */
const runWith = async (
  { run }: Test,
  mutant: string | undefined,
  hitLimit: number | undefined
): Promise<{ readonly reason: string; readonly isTimeout: boolean } | undefined> => {
  instrumented.activeMutant = mutant
  instrumented.hitCount = hitLimit === undefined ? undefined : 0
  instrumented.hitLimit = hitLimit
  const isOver = () => hitLimit !== undefined && (instrumented.hitCount ?? 0) > hitLimit
  const idle = whenIdle()
  try {
    const outcome = await Promise.race([idle.promise, Promise.resolve(run()).then(() => "passed" as const)])
    if (outcome === "idle") return { reason: "the test did not end", isTimeout: true }
    return isOver() ? { reason: "the hit limit was reached", isTimeout: true } : undefined
  } catch (error) {
    if (isOver()) return { reason: "the hit limit was reached", isTimeout: true }
    return { reason: error instanceof Error ? error.message : String(error), isTimeout: false }
  } finally {
    idle.stop()
    instrumented.activeMutant = undefined
  }
}

/** Resolves once the event loop has idled for too long since now. A busy machine does not make it idle. */
const whenIdle = () => {
  const start = performance.eventLoopUtilization()
  let timer: NodeJS.Timeout | undefined
  const promise = new Promise<"idle">((resolve) => {
    timer = setInterval(() => {
      if (performance.eventLoopUtilization(start).idle > longestIdle) resolve("idle")
    }, 250)
  })
  return { promise, stop: () => clearInterval(timer) }
}

const testsOf = (suite: RunnerTestSuite): ReadonlyArray<RunnerTestCase> =>
  suite.tasks.flatMap((task) => (task.type === "suite" ? testsOf(task) : isSkipped(task) ? [] : [task]))

/** Whether its author skips a test; those that this runner skips have a mode, but no such option. */
const isSkipped = ({ mode }: RunnerTestCase): boolean => mode === "todo"

const idOf = (test: RunnerTestCase): string => `${test.file.name}#${test.location?.line}#${test.fullName}`
