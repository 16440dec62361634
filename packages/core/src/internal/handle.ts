import type * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Handle } from "../Handle.ts"
import { CancelFailed, type PollError } from "../PollError.ts"
import type { PollEvent } from "../PollEvent.ts"
import type { Status } from "../Status.ts"
import * as eventBuffer from "./eventBuffer.ts"
import * as host from "./host.ts"
import * as event from "./event.ts"
import type { Request } from "./request.ts"
import { fromWait } from "./token.ts"

type AnyEvent = PollEvent<unknown, unknown, unknown>

/** Starts a wait and makes its handle. */
export const start = <A, F, E, R>(request: Request): Effect.Effect<Handle<A, F, E>, never, R | Scope.Scope> =>
  Effect.gen(function* () {
    const context = yield* Effect.context<R>()
    const result = Deferred.makeUnsafe<A, PollError<F, E>>()
    const readers = new Set<(event: AnyEvent) => void>()
    const emit = (event: AnyEvent): void => readers.forEach((read) => read(event))
    yield* Effect.addFinalizer(() => Deferred.interrupt(result))
    const running = yield* host.start<R>(request, { emit }, (exit) =>
      Deferred.doneUnsafe(result, exit as Exit.Exit<A, PollError<F, E>>)
    )
    const { wait } = running
    const tell = (happened: event.Event) => Effect.sync(() => running.tell(happened))
    const wake = (force: boolean) => tell({ _tag: "Woken", force })
    return {
      await: Deferred.await(result),
      events: Stream.unwrap(
        Effect.gen(function* () {
          const buffer = eventBuffer.make(256)
          known(wait).forEach(buffer.offer)
          readers.add(buffer.offer)
          yield* Effect.addFinalizer(() => Effect.sync(() => readers.delete(buffer.offer)))
          return Stream.fromPull(Effect.succeed(buffer.take))
        })
      ) as Stream.Stream<PollEvent<A, F, E>>,
      status: Effect.sync(() => wait.status as Status<A, F> | undefined),
      pollNow: (options) => wake(options?.force === true),
      pause: tell(event.paused),
      resume: tell(event.resumed),
      cancel: Effect.suspend(() =>
        wait.rare.exit === undefined ? Effect.andThen(askToStop(wait, context), wake(false)) : Effect.void
      ),
      token: Effect.sync(() => fromWait(wait))
    }
  })

// ---- internal ----

/** What a reader who comes late would have seen last. */
const known = (wait: host.Host["wait"]): ReadonlyArray<AnyEvent> => [
  ...(wait.status === undefined
    ? []
    : [{ _tag: "Observed", attempt: wait.attempts, status: wait.status } satisfies AnyEvent]),
  ...(wait.rare.exit === undefined
    ? []
    : [
        {
          _tag: "Ended",
          attempts: wait.attempts,
          exit: wait.rare.exit as Exit.Exit<unknown, PollError<unknown, unknown>>
        } satisfies AnyEvent
      ])
]

const askToStop = <R>(
  { key, rawKey, setting }: host.Host["wait"],
  context: Context.Context<R>
): Effect.Effect<void, CancelFailed> => {
  const { cancel, job } = setting.policy
  return cancel === undefined
    ? Effect.fail(new CancelFailed({ job, key, reason: "unsupported", error: undefined }))
    : Effect.suspend(() => cancel(rawKey)).pipe(
        Effect.mapError((error) => new CancelFailed({ job, key, reason: "failed", error })),
        Effect.provideContext(context as Context.Context<unknown>)
      )
}
