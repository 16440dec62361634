import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Cause from "effect/Cause"
import * as Scope from "effect/Scope"
import { TestClock } from "effect/testing"
import * as Job from "effect-poll/Job"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { DurableStoreError } from "@effect-poll/durable/DurableError"
import * as DurableRunner from "@effect-poll/durable/DurableRunner"
import { DurableStore, type Insert, type Service } from "@effect-poll/durable/DurableStore"
import { Ownership } from "@effect-poll/durable/Ownership"

export type Kind = Parameters<DurableRunner.Service["register"]>[0]

/** A server of jobs, and what was asked of it. */
export class Server {
  readonly checks: Array<{ readonly key: string; readonly at: number; readonly attempt: number }> = []
  /** How the jobs are, by key: pending if it does not say. */
  readonly statuses = new Map<string, Status.Status<string, string>>()
  /** Replaces the check of a key. */
  override: ((key: string) => Effect.Effect<Status.Status<string, string>>) | undefined

  readonly job = (name: string, interval = 1_000) =>
    Job.make(name, {
      check: (key: string, { attempt }) =>
        Effect.gen({ self: this }, function* () {
          this.checks.push({ key, at: yield* Clock.currentTimeMillis, attempt })
          if (this.override !== undefined) return yield* this.override(key)
          return this.statuses.get(key) ?? Status.pending({})
        }),
      strategy: Strategy.spaced(interval)
    })

  checksOf(key: string): number {
    return this.checks.filter((check) => check.key === key).length
  }
}

/** A kind whose endings are its outcome and its value as JSON. */
export const kindOf = (server: Server, name: string, options: Partial<Kind> = {}, interval = 1_000): Kind => {
  const job = server.job(name, interval)
  return {
    name,
    begin: (poller, row, token) =>
      Effect.orElseSucceed(poller.resume(job, token), () => ({
        outcome: "Unreadable",
        ending: `${row.key}`
      })) as never,
    encode: (_, exit) => {
      if (Exit.isSuccess(exit)) return { outcome: "Succeeded", ending: JSON.stringify(exit.value) }
      if (Cause.hasInterruptsOnly(exit.cause)) return undefined
      const error = Exit.findErrorOption(exit)
      return error._tag === "Some"
        ? { outcome: error.value._tag, ending: "{}" }
        : { outcome: "DurableDefect", ending: "{}" }
    },
    submit: undefined,
    submitUnknown: undefined,
    onEnded: undefined,
    retentionMillis: undefined,
    ...options
  }
}

/** A wait to insert. */
export const insertOf = (id: string, options: Partial<Insert> = {}): Insert => ({
  id,
  kind: "job",
  key: id,
  bucket: bucketOf(id),
  token: null,
  input: null,
  idempotencyKey: null,
  tags: [],
  deadlineMillis: 3_600_000,
  state: "pending",
  delayMillis: 0,
  hooks: [],
  ...options
})

export const bucketCount = 8

export const bucketOf = (id: string): number => {
  let hash = 7
  for (const char of id) hash = (Math.imul(hash, 31) + char.charCodeAt(0)) | 0
  return (hash >>> 0) % bucketCount
}

/** How a store is broken, by operation. */
export class Faults {
  /** Calls that were made, by operation. */
  readonly calls = new Map<string, number>()
  /** Decides for each call what happens to it. */
  decide: (
    operation: string,
    count: number
  ) => "works" | "fails" | "fails after" | "answers late" | "hangs" | "dies" | number = () => "works"

  count(...operations: ReadonlyArray<string>): number {
    let sum = 0
    for (const [operation, count] of this.calls) {
      if (operations.length === 0 || operations.includes(operation)) sum += count
    }
    return sum
  }
}

const effectful = [
  "insert",
  "claim",
  "release",
  "scan",
  "load",
  "finish",
  "save",
  "submitting",
  "find",
  "hooked",
  "unhook",
  "beat",
  "runners",
  "prune"
] as const

/** A store that fails, delays, and loses answers. */
export const faulty = (store: Service, faults: Faults): Service => {
  const broken: Record<string, unknown> = { ...store }
  for (const operation of effectful) {
    const original = store[operation] as (...args: ReadonlyArray<unknown>) => Effect.Effect<unknown>
    broken[operation] = (...args: ReadonlyArray<unknown>) =>
      Effect.suspend(() => {
        const count = (faults.calls.get(operation) ?? 0) + 1
        faults.calls.set(operation, count)
        const how = faults.decide(operation, count)
        const fail = Effect.fail(new DurableStoreError({ operation, cause: new Error("broken by the test") }))
        if (how === "works") return original(...args)
        if (how === "fails") return fail
        if (how === "fails after") return Effect.andThen(original(...args), fail)
        if (how === "answers late") return Effect.tap(original(...args), Effect.sleep(2_000))
        if (how === "hangs") return Effect.never
        if (how === "dies") return Effect.die(new Error("died by the test"))
        return Effect.delay(original(...args), how)
      })
  }
  return broken as unknown as Service
}

/** Buckets that a test gives to processes, and takes away. */
export class Owners {
  private readonly changes = new Set<() => void>()
  private readonly owners = new Map<number, string>()

  give(bucket: number, owner: string): void {
    this.owners.set(bucket, owner)
    Array.from(this.changes).forEach((change) => change())
  }

  giveAll(owner: string): void {
    for (let bucket = 0; bucket < bucketCount; bucket++) this.owners.set(bucket, owner)
    Array.from(this.changes).forEach((change) => change())
  }

  layer(owner: string, reclaimAfter: Ownership["Service"]["reclaimAfter"] = "never"): Layer.Layer<Ownership> {
    const changed = Effect.callback<void>((resume) => {
      const change = (): void => resume(Effect.void)
      this.changes.add(change)
      return Effect.sync(() => this.changes.delete(change))
    })
    const own = (bucket: number, hold: (bucket: number) => Effect.Effect<never>): Effect.Effect<never> =>
      Effect.forever(
        Effect.suspend(() =>
          this.owners.get(bucket) === owner
            ? Effect.raceFirst(
                hold(bucket),
                this.until(() => this.owners.get(bucket) !== owner, changed)
              )
            : changed
        )
      )
    return Layer.succeed(Ownership, {
      buckets: bucketCount,
      reclaimAfter,
      run: (hold) =>
        Effect.andThen(
          Effect.forEach(
            Array.from({ length: bucketCount }, (_, bucket) => bucket),
            (bucket) => own(bucket, hold),
            {
              concurrency: "unbounded",
              discard: true
            }
          ),
          Effect.never
        )
    })
  }

  private until(isTrue: () => boolean, changed: Effect.Effect<void>): Effect.Effect<void> {
    return Effect.suspend(() => (isTrue() ? Effect.void : Effect.andThen(changed, this.until(isTrue, changed))))
  }
}

/** A store in memory, and what a test can do to it. */
export const setup = Effect.gen(function* () {
  const server = new Server()
  const faults = new Faults()
  const memory = yield* DurableStore
  const store = faulty(memory, faults)
  const owners = new Owners()
  owners.giveAll("one")
  return { server, faults, memory, store, owners }
})

/** A process that checks: a runner with its kinds, which can be stopped. */
export const startRunner = (
  store: Service,
  ownership: Layer.Layer<Ownership>,
  kinds: ReadonlyArray<Kind>,
  options: DurableRunner.Options = {}
) =>
  Effect.gen(function* () {
    const scope = yield* Scope.make()
    const around = Layer.merge(Layer.succeed(DurableStore, store), ownership)
    const context = yield* Effect.provideService(
      Layer.build(Layer.fresh(Layer.provide(DurableRunner.layer(options), around))),
      Scope.Scope,
      scope
    )
    const runner = yield* Effect.provide(DurableRunner.DurableRunner, context)
    for (const kind of kinds) yield* Effect.provideService(runner.register(kind), Scope.Scope, scope)
    const stop = Scope.close(scope, Exit.void)
    yield* Effect.addFinalizer(() =>
      Effect.gen(function* () {
        // A store that fails is waited for.
        const stopping = yield* Effect.forkChild(stop, { startImmediately: true })
        yield* TestClock.adjust("30 seconds")
        yield* Fiber.join(stopping)
      })
    )
    return { runner, stop }
  })

export const done = (value: string) => Status.succeeded(value)
