/**
 * Passes the result of a check on a server on to the page that the server renders. The page shows it at once, and makes
 * no check before the next one is due.
 *
 * **Details**
 *
 * On the server, `fromAdvanced` encodes the value of `Poll.advance` as JSON. In the page, and in the render on the
 * server, `read` decodes it for the option `seed` of an entry. Results and failures are encoded by the Schemas of the
 * job (`Job.withCodecs`). Without Schemas they must be plain data: values that JSON preserves.
 *
 * The page continues the wait of the server, with its attempts, its deadline and the floor of the server.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { Watchable } from "effect-poll/Job"
import type { Advanced } from "effect-poll/Poll"
import type { ResumeToken } from "effect-poll/ResumeToken"
import * as Status from "effect-poll/Status"
import { warn } from "./internal/development.ts"
import { wire } from "./internal/wire.ts"
import { idle, type Snapshot } from "./Snapshot.ts"

/**
 * A seed as JSON, made by `fromAdvanced`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Encoded {
  /** The version of this format. */
  readonly version: 1
  /** The name of the job. */
  readonly job: string
  /** The token to continue from; `undefined` if the wait has ended. It may hold a cursor, which is confidential. */
  readonly token: ResumeToken | undefined
  /** The encoded snapshot; `undefined` if it could not be encoded. */
  readonly snapshot: unknown
}

/**
 * A decoded seed, made by `read` for the option `seed` of an entry.
 *
 * @category models
 * @since 0.1.0
 */
export interface Seed {
  /** The first snapshot of the page. */
  readonly snapshot: Snapshot<unknown, unknown, unknown>
  /** The token to continue from; `undefined` if the wait has ended, or begins in the page. */
  readonly token: ResumeToken | undefined
}

/**
 * Encodes the value of `Poll.advance`. If the wait ended with a defect, or with a value that has no Schema and is not
 * plain data, the seed is empty: a new wait begins in the page, and a development build warns.
 *
 * **Example** (From a server to its page)
 *
 * ```ts
 * import * as Seed from "@effect-poll/web/Seed"
 * import * as Effect from "effect/Effect"
 * import * as Job from "effect-poll/Job"
 * import * as Poll from "effect-poll/Poll"
 * import * as Status from "effect-poll/Status"
 *
 * const Ready = Job.make("ready", { check: (_id: string) => Effect.succeed(Status.pending({ progress: 0.5 })) })
 *
 * const onServer = Poll.advance(Ready, "cat", { deadline: "1 minute" }).pipe(
 *   Effect.flatMap((found) => Seed.fromAdvanced(Ready, found))
 * )
 * const json = JSON.stringify(await Effect.runPromise(onServer))
 *
 * const seed = Seed.read(Ready, JSON.parse(json))
 * seed.snapshot.status?._tag // => "Pending"
 * seed.token?.attempts // => 1
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromAdvanced = <K, A, F, E, R>(
  job: Watchable<K, A, F, E, R>,
  advanced: Advanced<A, F, E>
): Effect.Effect<Encoded> =>
  Effect.sync(() => {
    const token = advanced._tag === "Pending" ? advanced.token : undefined
    const snapshot = wire.encode(job, snapshotOf(advanced))
    if (snapshot === undefined)
      warn(() => `Seed.fromAdvanced: the status of ${job.name} cannot be encoded, so the seed is empty`)
    return { version: 1, job: job.name, token, snapshot }
  })

/**
 * Decodes the JSON of `fromAdvanced` for the option `seed` of an entry. The same object yields the same seed. JSON of
 * another job or version, or that cannot be decoded, yields an empty seed: a new wait begins in the page.
 *
 * @category destructors
 * @since 0.1.0
 */
export const read = <K, A, F, E, R>(job: Watchable<K, A, F, E, R>, encoded: unknown): Seed => {
  if (typeof encoded !== "object" || encoded === null) return nothing
  const known = seeds.get(encoded)
  if (known?.job === job) return known.seed
  const seed = decode(job, encoded)
  seeds.set(encoded, { job, seed })
  return seed
}

// ---- internal ----

const nothing: Seed = { snapshot: idle, token: undefined }

const seeds = new WeakMap<object, { readonly job: object; readonly seed: Seed }>()

const decode = (job: { readonly name: string }, { job: name, snapshot, token, version }: Partial<Encoded>): Seed => {
  if (version !== 1 || name !== job.name) {
    warn(
      () =>
        `Seed.read: the seed is of the job ${String(name)} and version ${String(version)}, not of ${job.name} and version 1`
    )
    return nothing
  }
  const shown = wire.decode(job, snapshot) as Seed["snapshot"] | undefined
  return shown === undefined || (shown.outcome === undefined && token === undefined)
    ? nothing
    : { snapshot: shown, token }
}

const snapshotOf = (advanced: Advanced<unknown, unknown, unknown>): Seed["snapshot"] => {
  if (advanced._tag === "Ended") {
    const { exit } = advanced
    if (Exit.isSuccess(exit)) {
      const { value } = exit
      return { ...idle, phase: "ended", status: Status.succeeded(value), outcome: { _tag: "Success", value } }
    }
    const error = Exit.findErrorOption(exit)
    return error._tag === "Some"
      ? {
          ...idle,
          phase: "ended",
          status: error.value.lastStatus,
          attempt: error.value.attempts,
          outcome: { _tag: "Failure", error: error.value }
        }
      : { ...idle, phase: "ended", outcome: { _tag: "Defect", defect: Cause.squash(exit.cause) } }
  }
  const { dueAt, lastCheckError, status, token } = advanced
  return {
    ...idle,
    phase: "waiting",
    status,
    attempt: token.attempts,
    startedAt: token.startedAt,
    nextAt: dueAt,
    waitReason: token.floorAt >= dueAt ? "serverHint" : token.attempts === 0 ? "firstWait" : "strategy",
    lastCheckError
  }
}
