import * as Effect from "effect/Effect"
import * as Job from "effect-poll/Job"

/** Receives the checks of a job: a loop. */
export interface Checked {
  /** Called when a check begins; the returned function is called when it ends. */
  readonly began: (attempt: number) => () => void
  /** The key at the fallback of the job, once the loop has moved to it. */
  fallbackKey: string | undefined
}

/** A job that reports its checks to its loops. `find` returns the loop of an encoded key, `all` returns all loops. */
export const observed = (
  job: Job.Any,
  find: (key: string) => Checked | undefined,
  all: () => Iterable<Checked>
): Job.Any => {
  const { checkMany, confirm, missing } = job
  const confirmed = confirm?.check
  const fallback = missing?.fallback
  const keyOf = (key: unknown): Checked | undefined => find(job.key.encode(key))
  const atFallback = (key: string): Checked | undefined => {
    for (const each of all()) if (each.fallbackKey === key) return each
    return undefined
  }
  return Job.withChecks(job, {
    check: (key, context) =>
      telling(
        () => [keyOf(key)?.began(context.attempt)],
        () => job.check(key, context)
      ),
    checkMany: checkMany && {
      ...checkMany,
      check: (keys, contexts) =>
        telling(
          () => Array.from(contexts, ([key, { attempt }]) => find(key)?.began(attempt)),
          () => checkMany.check(keys, contexts)
        )
    },
    confirm: confirm && {
      ...confirm,
      check:
        confirmed &&
        ((key, context) =>
          telling(
            () => [keyOf(key)?.began(context.attempt)],
            () => confirmed(key, context)
          ))
    },
    missing: missing && {
      ...missing,
      fallback: fallback && {
        locate: (key, last) => {
          const at = fallback.locate(key, last)
          const loop = keyOf(key)
          if (loop !== undefined) loop.fallbackKey = at
          return at
        },
        check: (key, context) =>
          telling(
            () => [atFallback(key)?.began(context.attempt)],
            () => fallback.check(key, context)
          )
      }
    }
  })
}

// ---- internal ----

const telling = <A, E, R>(
  begin: () => ReadonlyArray<(() => void) | undefined>,
  check: () => Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> =>
  Effect.suspend(() => {
    const ends = begin()
    return Effect.onExit(Effect.suspend(check), () => Effect.sync(() => ends.forEach((end) => end?.())))
  })
