import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Job from "effect-poll/Job"
import type * as CheckResult from "effect-poll/CheckResult"
import type * as Poller from "effect-poll/Poller"
import * as CheckError from "effect-poll/CheckError"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"

/** One check that was made. */
export interface Seen {
  readonly job: string
  readonly key: string
  readonly start: number
  end: number
}

/** Notes every check of every job that is watched through it, and what was under way beside it. */
export const witness = () => {
  const checks: Array<Seen> = []
  const running = new Map<string, number>()
  let total = 0
  const most = { total: 0, perJob: {} as Record<string, number>, perKey: {} as Record<string, number> }
  const count = (what: string, by: 1 | -1): number => {
    const now = (running.get(what) ?? 0) + by
    running.set(what, now)
    return now
  }
  /** Notes a check of these keys, which may be one request. */
  const watch = <A, E, R>(job: string, keys: ReadonlyArray<string>, check: Effect.Effect<A, E, R>) =>
    Effect.flatMap(Clock.currentTimeMillis, (start) => {
      const seen = keys.map((key): Seen => ({ job, key, start, end: Number.NaN }))
      checks.push(...seen)
      most.total = Math.max(most.total, ++total)
      most.perJob[job] = Math.max(most.perJob[job] ?? 0, count(`job ${job}`, 1))
      for (const key of keys) most.perKey[job] = Math.max(most.perKey[job] ?? 0, count(`key ${job} ${key}`, 1))
      return Effect.onExit(check, () =>
        Effect.map(Clock.currentTimeMillis, (end) => {
          total--
          count(`job ${job}`, -1)
          for (const one of seen) {
            one.end = end
            count(`key ${job} ${one.key}`, -1)
          }
        })
      )
    })
  return {
    checks,
    most,
    watch,
    starts: (key: string) => checks.filter((check) => check.key === key).map((check) => check.start)
  }
}

/** What the checks a key meet in turn, the last one for ever. */
export type Script<A = string, F = never, E = never> = (
  key: string,
  attempt: number
) => CheckResult.CheckResult<A, F> | Effect.Effect<CheckResult.CheckResult<A, F>, E>

/** A job whose checks follow a script, and are noted. */
export const scriptedJob = <A = string, F = never, E = never>(
  script: Script<A, F, E>,
  options?: { readonly name?: string; readonly strategy?: Job.Options<string, A, F, E, never>["strategy"] }
) => {
  const seen = witness()
  const counts = new Map<string, number>()
  const name = options?.name ?? "render"
  const job = Job.make<A, F, E>(name, {
    check: (key) =>
      Effect.suspend(() => {
        const attempt = (counts.get(key) ?? 0) + 1
        counts.set(key, attempt)
        const answer = script(key, attempt)
        return seen.watch(name, [key], Effect.isEffect(answer) ? answer : Effect.succeed(answer))
      }),
    strategy: options?.strategy ?? Strategy.spaced("1 second")
  })
  return { ...seen, job }
}

/** What a request finds for a key. */
type Answer =
  | CheckResult.CheckResult<string, string>
  | Effect.Effect<CheckResult.CheckResult<string, string>, string>
  | "missing"

/** What an error says: those that begin with "no" are permanent. */
const classify = (error: string) => (error.startsWith("no") ? CheckError.permanent() : CheckError.transient())

/** A server with a check for many, which notes its requests; by default all jobs are done at once. */
export const batching = (
  options: {
    readonly max?: number
    readonly slack?: number
    readonly answer?: (key: string, request: number) => Answer
    readonly whole?: (keys: ReadonlyArray<string>, request: number) => Effect.Effect<unknown, string>
    readonly single?: (key: string) => Effect.Effect<CheckResult.CheckResult<string, string>, string>
    readonly strategy?: Job.Options<string, string, string, string, never>["strategy"]
    readonly missing?: Job.MissingPolicy<string, string, string, string, never>
  } = {}
) => {
  const requests: Array<{ readonly at: number; readonly keys: ReadonlyArray<string> }> = []
  const singles: Array<{ readonly at: number; readonly key: string }> = []
  const answer = options.answer ?? ((key: string) => Status.succeeded(key))
  const job = Job.make<string, string, string>("many", {
    check: (key) =>
      Effect.flatMap(Clock.currentTimeMillis, (at) => {
        singles.push({ at, key })
        return options.single?.(key) ?? Effect.succeed(Status.succeeded(`${key} alone`))
      }),
    checkMany: {
      max: options.max ?? 100,
      slack: options.slack ?? 50,
      check: (keys) =>
        Effect.gen(function* () {
          // Keys that are due at the same time come in any order.
          requests.push({ at: yield* Clock.currentTimeMillis, keys: keys.toSorted() })
          const request = requests.length
          yield* options.whole?.(keys, request) ?? Effect.void
          const found = new Map<string, Result.Result<CheckResult.CheckResult<string, string>, string>>()
          for (const key of keys) {
            const one = answer(key, request)
            if (one === "missing") continue
            found.set(key, Effect.isEffect(one) ? yield* Effect.result(one) : Result.succeed(one))
          }
          return found
        })
    },
    checkErrors: { kindOf: classify, schedule: Strategy.spaced("1 second"), maxConsecutive: 1 },
    missing: options.missing,
    // A first wait, so that all are due together.
    strategy: options.strategy ?? Strategy.spaced("1 second").pipe(Strategy.withFirstWait("1 second"))
  })
  return { job, requests, singles }
}

/** Done at the `nth` check. */
export const doneAt =
  (nth: number): Script =>
  (key, attempt) =>
    attempt < nth ? Status.pending() : Status.succeeded(`${key}.png`)

export const keysOf = (count: number, prefix = "k"): Array<string> =>
  Array.from({ length: count }, (_, at) => `${prefix}${at}`)

// No package exports it, and the compiler does not follow a path that it cannot read.
const path: string = "../src/internal/poller/service.ts"
const { internalsOf } = (await import(path)) as { readonly internalsOf: (service: object) => Internals }

interface Internals {
  readonly registry: {
    readonly targets: Map<unknown, Map<string, SiteInternals>>
    readonly observed: Set<unknown>
  }
  readonly engine: {
    readonly sleepers: { readonly size: number }
    readonly timeLimits: { readonly size: number }
    readonly dispatcher: { readonly rotation: { readonly size: number } }
  }
  readonly permits: { readonly free: number; readonly queue: Set<unknown> }
}

interface SiteInternals {
  readonly waits: Map<string, unknown>
  readonly queue: { readonly size: number }
  readonly [Symbol.iterator]: () => Iterator<unknown>
}

/** What a Poller holds, for tests of what it must let go. */
export const held = (poller: Poller.Service) => {
  const { engine, permits, registry } = internalsOf(poller)
  const sites = [...registry.targets.values()].flatMap((worlds) => Array.from(worlds.values()))
  const sum = (of: (site: SiteInternals) => number) => sites.reduce((total, site) => total + of(site), 0)
  return {
    sites: sites.length,
    /** Waits that have not ended, */
    waits: sum((site) => [...site].length),
    /** and keys that are remembered, for these or since their end was seen of late. */
    keys: sum(({ waits }) => waits.size),
    line: sum(({ queue }) => queue.size),
    turns: engine.dispatcher.rotation.size,
    sleepers: engine.sleepers.size,
    alarms: engine.timeLimits.size,
    observed: registry.observed.size,
    free: permits.free,
    waiting: permits.queue.size
  }
}
