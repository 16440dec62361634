/**
 * What a server found about a job, for the page that it renders: the page shows it at once, and makes no check before
 * the next one is due.
 *
 * **Details**
 *
 * On the server, `fromAdvanced` encodes what `Poll.advance` yields as JSON. In the page, and where the server renders it,
 * `read` decodes it, for the option `seed`. Results and failures are encoded by the Schemas of the job
 * (`Job.withCodecs`); those of a job without Schemas must be plain data: what JSON keeps as it is.
 *
 * The wait continues from the token of the server, so its attempts, its deadline and the floor of the server count.
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
import { idle } from "./internal/snapshots.ts"
import { wire } from "./internal/wire.ts"
import type { Snapshot } from "./Snapshot.ts"

/**
 * What a server found, as JSON.
 *
 * @category models
 * @since 0.1.0
 */
export interface Encoded {
  /** The version of the format. */
  readonly version: 1
  /** The name of the job. */
  readonly job: string
  /** Where the wait continues; `undefined` if it has ended. It may hold a cursor, which is confidential. */
  readonly token: ResumeToken | undefined
  /** The snapshot, encoded; `undefined` if it could not be. */
  readonly snapshot: unknown
}

/**
 * What a server found, for the option `seed`. `read` makes it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Seed {
  /** What the page shows first. */
  readonly snapshot: Snapshot<unknown, unknown, unknown>
  /** Where the wait continues; `undefined` if it has ended, or begins in the page. */
  readonly token: ResumeToken | undefined
}

/**
 * Encodes what `Poll.advance` yields. A wait that ended with a defect, or with something that is neither plain data nor
 * has a Schema, yields a seed that says nothing: the page checks for itself.
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
    if (snapshot === undefined) warn(() => `what was found about ${job.name} cannot be encoded: the page checks anew`)
    return { version: 1, job: job.name, token, snapshot }
  })

/**
 * Decodes what `fromAdvanced` encoded, for the option `seed`. The same object yields the same seed. What is of another
 * job or version, or cannot be decoded, yields a seed that says nothing: the page begins anew.
 *
 * @category destructors
 * @since 0.1.0
 */
export const read = <K, A, F, E, R>(job: Watchable<K, A, F, E, R>, encoded: unknown): Seed => {
  if (typeof encoded !== "object" || encoded === null) return nothing
  const known = seeds.get(encoded)
  if (known?.job === job) return known.seed
  const seed = decode(job, encoded as Partial<Encoded>)
  seeds.set(encoded, { job, seed })
  return seed
}

// ---- internal ----

const nothing: Seed = { snapshot: idle, token: undefined }

const seeds = new WeakMap<object, { readonly job: object; readonly seed: Seed }>()

const decode = (job: { readonly name: string }, { job: name, snapshot, token, version }: Partial<Encoded>): Seed => {
  if (version !== 1 || name !== job.name) {
    warn(() => `a seed is of the job ${String(name)} and the version ${String(version)}, not of ${job.name} and 1`)
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
