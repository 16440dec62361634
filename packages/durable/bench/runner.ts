// What a runner costs beside a plain Poller with the same waits: CPU per check, memory, and calls to the store per check.
// node --expose-gc packages/durable/bench/runner.ts <plain|results|runner> <jobs> <interval in ms> <seconds> [checks per job]
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as Cause from "effect/Cause"
import * as Exit from "effect/Exit"
import * as Job from "effect-poll/Job"
import * as Poller from "effect-poll/Poller"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import * as DurableRunner from "@effect-poll/durable/DurableRunner"
import { DurableStore, layerMemory, type Service } from "@effect-poll/durable/DurableStore"
import { layerLocal } from "@effect-poll/durable/Ownership"

const [mode = "runner", jobs = "1000", interval = "1000", seconds = "10", ends = "0"] = process.argv.slice(2)
const count = Number(jobs)
const perJob = Number(ends)
let checks = 0
let calls = 0
const seen = new Map<string, number>()

const work = Job.make("work", {
  check: (key: string) =>
    Effect.sync(() => {
      checks++
      if (perJob === 0) return Status.pending({})
      const now = (seen.get(key) ?? 0) + 1
      seen.set(key, now)
      return now >= perJob ? Status.succeeded("x") : Status.pending({})
    }),
  strategy: Strategy.spaced(Duration.millis(Number(interval)))
})

const counted = (store: Service): Service =>
  Object.fromEntries(
    Object.entries(store).map(([name, operation]) => [
      name,
      typeof operation === "function" && name !== "insert"
        ? (...args: ReadonlyArray<never>) => {
            calls++
            return (operation as (...args: ReadonlyArray<never>) => unknown)(...args)
          }
        : operation
    ])
  ) as unknown as Service

const kind = Effect.map(Effect.context<never>(), (context) => ({
  name: "work",
  begin: (poller: Poller.Service, _: unknown, token: never) =>
    Effect.orDie(Effect.updateContext(poller.resume(work, token), () => context as never)) as never,
  encode: (_: unknown, exit: Exit.Exit<unknown, unknown>) =>
    Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause)
      ? undefined
      : { outcome: exit._tag === "Success" ? "Succeeded" : "Failed", ending: JSON.stringify(exit) },
  submit: undefined,
  submitUnknown: undefined,
  onEnded: undefined,
  retentionMillis: undefined
}))

const measured = Effect.gen(function* () {
  // Every wait has been checked once.
  yield* Effect.sleep(Duration.millis(Number(interval) + 3_000))
  globalThis.gc?.()
  const from = { checks, calls, cpu: process.cpuUsage() }
  yield* Effect.sleep(Duration.seconds(Number(seconds)))
  const cpu = process.cpuUsage(from.cpu)
  const made = checks - from.checks
  const { heapUsed, rss } = process.memoryUsage()
  console.log(
    JSON.stringify({
      mode,
      jobs: count,
      checksPerSecond: made / Number(seconds),
      cpuMicrosPerCheck: (cpu.user + cpu.system) / made,
      callsPerCheck: (calls - from.calls) / made,
      rssMb: rss / 1_048_576,
      heapMb: heapUsed / 1_048_576
    })
  )
})

const keys = Array.from({ length: count }, (_, at) => `job-${String(at).padStart(8, "0")}-0123456789abcdef`)

const plain = Effect.gen(function* () {
  const poller = yield* Poller.make()
  for (let at = 0; at < keys.length; at++) {
    yield* poller.add(work, keys[at] ?? "", { deadline: "1 hour" })
    if (at % 1_000 === 999) yield* Effect.yieldNow
  }
  yield* measured
})

const results = Effect.gen(function* () {
  const poller = yield* Poller.make()
  yield* Effect.forkScoped(Stream.runDrain(poller.results(work, keys, { deadline: "1 hour" })))
  yield* measured
})

const runner = Effect.gen(function* () {
  const store = yield* DurableStore
  for (let at = 0; at < keys.length; at += 1_000) {
    yield* store.insert(
      keys.slice(at, at + 1_000).map((key, index) => ({
        id: key,
        kind: "work",
        key,
        bucket: (at + index) % 128,
        token: null,
        input: null,
        idempotencyKey: null,
        tags: [],
        deadlineMillis: 3_600_000,
        state: "pending",
        delayMillis: 0,
        hooks: []
      }))
    )
  }
  const { register, stats } = yield* DurableRunner.DurableRunner
  globalThis.gc?.()
  console.log("before", process.memoryUsage().rss / 1_048_576, process.memoryUsage().heapUsed / 1_048_576)
  yield* register((yield* kind) as never)
  yield* measured
  console.log(yield* stats)
})

const store = Layer.effect(DurableStore, Effect.map(DurableStore, counted)).pipe(Layer.provide(layerMemory))
const services = Layer.provideMerge(DurableRunner.layer(), Layer.merge(store, layerLocal))
const program = mode === "plain" ? plain : mode === "results" ? results : Effect.provide(runner, services)
await Effect.runPromise(Effect.scoped(program as Effect.Effect<void>))
process.exit(0)
