import * as Effect from "effect/Effect"

/** Keeps the services that a job provides to its own calls, for as long as something uses the job. */
export interface Lease {
  /** Counts a user in. */
  readonly open: () => void
  /** Counts a user out; after the last one, the services are released. */
  readonly close: Effect.Effect<void>
}

const leases = new WeakMap<object, Lease>()

/** The lease of a job; undefined for a job that provides nothing itself. */
export const leaseOf = (job: object): Lease | undefined => leases.get(job)

/** Gives a job its lease. */
export const setLease = <J extends object>(job: J, lease: Lease): J => {
  leases.set(job, lease)
  return job
}

/** Runs an effect as a user of a job. */
export const holding = <A, E, R>(lease: Lease | undefined, effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  lease === undefined
    ? effect
    : Effect.acquireUseRelease(
        Effect.sync(lease.open),
        () => effect,
        () => lease.close
      )

/** The lease of a job that provides its services in two steps. */
export const both = (inner: Lease | undefined, outer: Lease | undefined): Lease | undefined =>
  inner === undefined || outer === undefined
    ? (inner ?? outer)
    : {
        open: () => {
          inner.open()
          outer.open()
        },
        close: Effect.andThen(inner.close, outer.close)
      }
