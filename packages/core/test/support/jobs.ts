import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Job from "effect-poll/Job"
import * as Status from "effect-poll/Status"
import { type Answer, pending } from "./checks.ts"
import { every1s } from "./options.ts"

/** One recorded check of one key. */
export interface RecordedCheck {
  readonly job: string
  readonly key: string
  readonly start: number
  end: number
}

/** Records the checks that run through `record`, and how many of them ran at the same time. */
export const recordChecks = () => {
  const checks: Array<RecordedCheck> = []
  const running = new Map<string, number>()
  let total = 0
  const most = { total: 0, perJob: {} as Record<string, number>, perKey: {} as Record<string, number> }
  const count = (what: string, by: 1 | -1): number => {
    const now = (running.get(what) ?? 0) + by
    running.set(what, now)
    return now
  }
  /** Records a check of these keys, which may be one request. */
  const record = <A, E, R>(job: string, keys: ReadonlyArray<string>, check: Effect.Effect<A, E, R>) =>
    Effect.flatMap(Clock.currentTimeMillis, (start) => {
      const recorded = keys.map((key): RecordedCheck => ({ job, key, start, end: Number.NaN }))
      checks.push(...recorded)
      most.total = Math.max(most.total, ++total)
      most.perJob[job] = Math.max(most.perJob[job] ?? 0, count(`job ${job}`, 1))
      for (const key of keys) most.perKey[job] = Math.max(most.perKey[job] ?? 0, count(`key ${job} ${key}`, 1))
      return Effect.onExit(check, () =>
        Effect.map(Clock.currentTimeMillis, (end) => {
          total--
          count(`job ${job}`, -1)
          for (const one of recorded) {
            one.end = end
            count(`key ${job} ${one.key}`, -1)
          }
        })
      )
    })
  return {
    checks,
    most,
    record,
    starts: (key: string) => checks.filter((check) => check.key === key).map((check) => check.start)
  }
}

/** The answer to the `attempt`th check of a key. */
export type Script<A = string, F = never, E = never> = (key: string, attempt: number) => Answer<A, F, E>

/** A job whose checks follow a script and are recorded. */
export const scriptedJob = <A = string, F = never, E = never>(
  script: Script<A, F, E>,
  options?: { readonly name?: string; readonly strategy?: Job.Options<string, A, F, E, never>["strategy"] }
) => {
  const recorded = recordChecks()
  const counts = new Map<string, number>()
  const name = options?.name ?? "render"
  const job = Job.make<A, F, E>(name, {
    check: (key) =>
      Effect.suspend(() => {
        const attempt = (counts.get(key) ?? 0) + 1
        counts.set(key, attempt)
        const answer = script(key, attempt)
        return recorded.record(name, [key], Effect.isEffect(answer) ? answer : Effect.succeed(answer))
      }),
    strategy: options?.strategy ?? every1s
  })
  return { ...recorded, job }
}

/** Succeeds at the `nth` check. */
export const doneAt =
  (nth: number): Script =>
  (key, attempt) =>
    attempt < nth ? pending : Status.succeeded(`${key}.png`)

/** A check that takes a second and finds the job done. */
export const inOneSecond = (key: string) => Effect.as(Effect.sleep("1 second"), Status.succeeded(key))

/** A job whose keys say how it ends: "ok 3" succeeds after 3 seconds, "bad 2" fails after 2, all others never end. */
export const timedJob = () =>
  scriptedJob<string, string>((key, attempt) => {
    const [word, seconds] = key.split(" ")
    if (seconds === undefined || attempt <= Number(seconds)) return pending
    return word === "ok" ? Status.succeeded(key) : Status.failed(key)
  }).job

/** So many different keys. */
export const keysOf = (count: number, prefix = "k"): Array<string> =>
  Array.from({ length: count }, (_, at) => `${prefix}${at}`)
