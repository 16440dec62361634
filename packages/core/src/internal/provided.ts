import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as RcRef from "effect/RcRef"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Lease } from "./lease.ts"
import { refuse } from "./validate.ts"

/** Runs a call of a job with the services that the job provides. */
export type Use<Services, EL> = <A, E, R>(
  call: () => Effect.Effect<A, E, R>
) => Effect.Effect<A, E | EL, Exclude<R, Services>>

/** The services of a layer, for the calls of one job. */
export interface Provided<Services, EL> {
  readonly use: Use<Services, EL>
  readonly useStream: <A, E, R>(call: () => Stream.Stream<A, E, R>) => Stream.Stream<A, E | EL, Exclude<R, Services>>
  /** Undefined for services that exist already. */
  readonly lease: Lease | undefined
  /** Whether building the services failed with this error. */
  readonly isOwnError: (error: unknown) => boolean
}

export const make = <Services, EL>(
  services: Layer.Layer<Services, EL> | Context.Context<Services>
): Provided<Services, EL> => {
  if (isLayer(services)) return fromLayer(services)
  if (!Context.isContext(services)) refuse("Job.provide: services", "a Layer or a Context", services)
  return fromContext(services)
}

// ---- internal ----

const isLayer = <Services, EL>(
  services: Layer.Layer<Services, EL> | Context.Context<Services>
): services is Layer.Layer<Services, EL> => Layer.isLayer(services)

const fromContext = <Services>(context: Context.Context<Services>): Provided<Services, never> => ({
  use: (call) => Effect.provideContext(Effect.suspend(call), context),
  useStream: (call) => Stream.provideContext(Stream.suspend(call), context),
  lease: undefined,
  isOwnError: () => false
})

/**
 * Builds a layer for the first call, and shares it with all further ones. It is released once no call is under way and
 * nothing holds the lease. A build is interrupted only if all calls that wait for it are.
 */
const fromLayer = <Services, EL>(layer: Layer.Layer<Services, EL>): Provided<Services, EL> => {
  const errors = new WeakSet<object>()
  // Never closed: the last user releases the services.
  const life = Scope.makeUnsafe()
  const acquire = Effect.tapError(Layer.build(layer), (error) =>
    Effect.sync(() => {
      if (typeof error === "object" && error !== null) errors.add(error)
    })
  )
  let ref: RcRef.RcRef<Context.Context<Services>, EL> | undefined
  let users = 0
  let held: Scope.Closeable | undefined

  const refOnce = Effect.suspend(() =>
    ref === undefined
      ? Effect.map(Scope.provide(RcRef.make({ acquire }), life), (made) => (ref ??= made))
      : Effect.succeed(ref)
  )
  const getIn = (scope: Scope.Scope): Effect.Effect<Context.Context<Services>, EL> =>
    Effect.flatMap(refOnce, (shared) => Scope.provide(RcRef.get(shared), scope))
  const hold = Effect.suspend(() => {
    if (users === 0 || held !== undefined) return Effect.void
    held = Scope.makeUnsafe()
    return Effect.ignore(getIn(held))
  })
  return {
    use: (call) =>
      Effect.scopedWith((scope) =>
        Effect.flatMap(getIn(scope), (services) =>
          Effect.andThen(hold, Effect.provideContext(Effect.suspend(call), services))
        )
      ),
    useStream: (call) =>
      Stream.unwrap(
        Effect.gen(function* () {
          const services = yield* getIn(yield* Effect.scope)
          yield* hold
          return Stream.provideContext(Stream.suspend(call), services)
        })
      ) as never,
    lease: {
      open: () => void users++,
      close: Effect.suspend(() => {
        const scope = held
        if (--users > 0 || scope === undefined) return Effect.void
        held = undefined
        return Scope.close(scope, Exit.void)
      })
    },
    isOwnError: (error) => typeof error === "object" && error !== null && errors.has(error)
  }
}
