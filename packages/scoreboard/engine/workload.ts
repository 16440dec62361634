// Measures one engine in a process of its own: `workload.ts <engine> cpu|mixed|waiting <jobs>` prints its figures as
// JSON.
import { performance } from "node:perf_hooks"
import { setImmediate as breathe, setTimeout as sleep } from "node:timers/promises"
import { engines, onEffect } from "./engines.ts"
import { type Delays, type Engine, Task, type Waits } from "./task.ts"

export interface Cpu {
  readonly cpuMicrosPerCheck: number
}

export interface Waiting {
  readonly heapBytesPerJob: number
  readonly rssBytesPerJob: number
  readonly idleWakeupsPerSecond: number
  readonly idleCpuMillisPerSecond: number
  readonly checksPerSecond: number
  readonly lagMillis: { readonly p50: number; readonly p99: number; readonly max: number }
}

/** How often each job is checked. */
export const checks = 5
/** The delays of the CPU measurement; first checks are spread over `initial`. */
export const delays: Delays = { initial: 100, factor: 1.5 }
/** The delays of idle jobs, and of the jobs whose lag is measured: 1 for every 30 idle ones. */
const idle: Delays = { initial: 3_600_000, factor: 1 }
const regular: Delays = { initial: 1_000, factor: 1 }
const share = 30
/** The delays of a warm-up. */
export const brief: Delays = { initial: 4, factor: 1.5 }
const seconds = 3

const now = (): number => performance.now()

/** Starts jobs evenly over `millis`, or as fast as the engine can. */
const spread = async (tasks: ReadonlyArray<Task>, millis: number, start: (task: Task) => void): Promise<void> => {
  const began = now()
  for (let next = 0; next < tasks.length;) {
    const due = Math.min(tasks.length, Math.floor(((now() - began) / millis) * tasks.length) + 1)
    while (next < due) start(tasks[next++]!)
    if (next < tasks.length) await sleep(1)
  }
}

/** Waits for `jobs` jobs and returns the CPU time per check. Throws if a job was not checked exactly `checks` times. */
export const runAll = async (engine: Engine, jobs: number, each: Delays): Promise<Cpu> => {
  const tasks = Array.from({ length: jobs }, (_, index) => new Task(index, checks))
  let left = jobs
  let ended = () => {}
  const all = new Promise<void>((resolve) => (ended = resolve))
  const waits = await engine.open(tasks, () => {
    if (--left === 0) ended()
  })
  const before = process.cpuUsage()
  await spread(tasks, each.initial, (task) => waits.start(task, each))
  await all
  const { system, user } = process.cpuUsage(before)
  await waits.close?.()
  for (const task of tasks) if (task.checks !== checks) throw new Error(`${task.checks} checks instead of ${checks}`)
  return { cpuMicrosPerCheck: (user + system) / (jobs * checks) }
}

const warmUp = async (name: string, isMixed: boolean): Promise<void> => {
  const many = 4_000
  if (isMixed) {
    for (const other of Object.values(onEffect)) await runAll(other, Math.min(many, other.limit ?? many), brief)
  }
  const engine = engines[name]!
  for (let round = 0; round < 5; round++) await runAll(engine, Math.min(many, engine.limit ?? many), brief)
}

const collect = (): void => {
  const { gc } = globalThis
  if (gc === undefined) throw new Error("needs --expose-gc")
  for (let i = 0; i < 3; i++) gc()
}

const memory = () => {
  collect()
  // `external` includes array buffers.
  const { external, heapUsed, rss } = process.memoryUsage()
  return { heap: heapUsed + external, rss }
}

const loopCount = (): number => performance.nodeTiming.uvMetricsInfo.loopCount

/** Measures memory and wake-ups with `jobs` idle jobs, then the lag of a few more that are checked regularly. */
const holdAll = async (engine: Engine, jobs: number): Promise<Waiting> => {
  const lags: Array<number> = []
  const due = new Float64Array(jobs + Math.ceil(jobs / share))
  let measuring = false
  const checked = (task: Task) => {
    const at = now()
    const index = Number(task.key)
    if (measuring) lags.push(at - due[index]!)
    due[index] = at + regular.initial
  }
  const never = Number.POSITIVE_INFINITY
  const tasks = Array.from(due, (_, index) => new Task(index, never, index < jobs ? undefined : checked))
  const waits: Waits = await engine.open(tasks, () => {
    throw new Error("a job ended that should never end")
  })
  await sleep(100)
  const before = memory()
  for (let index = 0; index < jobs; index++) {
    waits.start(tasks[index]!, idle)
    if (index % 500 === 499) await breathe()
  }
  while (tasks.slice(0, jobs).some((task) => task.checks === 0)) await sleep(50)
  await sleep(200)
  const after = memory()
  await sleep(100)
  const [loopsBefore, cpuBefore] = [loopCount(), process.cpuUsage()]
  await sleep(1_000)
  const cpu = process.cpuUsage(cpuBefore)
  // One turn of the event loop belongs to this timer.
  const wakeups = loopCount() - loopsBefore - 1
  await spread(tasks.slice(jobs), regular.initial, (task) => waits.start(task, regular))
  await sleep(1_000)
  measuring = true
  await sleep(seconds * 1_000)
  measuring = false
  lags.sort((a, b) => a - b)
  const quantile = (q: number) => lags[Math.min(lags.length - 1, Math.floor(q * lags.length))] ?? Number.NaN
  return {
    heapBytesPerJob: (after.heap - before.heap) / jobs,
    rssBytesPerJob: (after.rss - before.rss) / jobs,
    idleWakeupsPerSecond: Math.max(0, wakeups),
    idleCpuMillisPerSecond: (cpu.user + cpu.system) / 1_000,
    checksPerSecond: lags.length / seconds,
    lagMillis: { p50: quantile(0.5), p99: quantile(0.99), max: quantile(1) }
  }
}

if (import.meta.main) {
  const [name = "", what = "", jobs = ""] = process.argv.slice(2)
  const engine = engines[name]!
  const measure = async (): Promise<Cpu | Waiting> => {
    if (what === "waiting") {
      // Small runs warm up the compiler without growing the heap much.
      for (let round = 0; round < 10; round++) await runAll(engine, 1_000, brief)
      return holdAll(engine, Number(jobs))
    }
    await warmUp(name, what === "mixed")
    // Programs that watch many jobs run for long. In a first run the compiler is still busy and the heap still grows.
    await runAll(engine, Number(jobs), delays)
    return runAll(engine, Number(jobs), delays)
  }
  const figures = await measure()
  process.stdout.write(JSON.stringify(figures), () => process.exit(0))
}
