import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as Environment from "@effect-poll/web/Environment"
import * as PollStore from "@effect-poll/web/PollStore"
import * as Job from "effect-poll/Job"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"

/** A store on the clock of the test, and the page that it is told about. */
export const makePage = (
  options: PollStore.Options = {}
): Effect.Effect<{ readonly store: PollStore.PollStore; readonly page: Environment.Test }, never, Scope.Scope> =>
  Effect.gen(function* () {
    const page = Environment.test()
    const layer = Layer.succeedContext(yield* Effect.context<never>())
    const store = PollStore.make({ layer, environment: page, ...options })
    yield* Effect.addFinalizer(() => Effect.promise(() => store.close()))
    return { store, page }
  })

/** A job whose checks are counted: pending until `end` is called. */
export const counted = (options: { readonly strategy?: Strategy.Strategy; readonly takes?: number } = {}) => {
  const server = { checks: 0, aborted: 0, at: [] as Array<number>, end: undefined as string | undefined }
  const strategy = options.strategy ?? Strategy.spaced("2 seconds")
  const job = Job.make("counted", {
    strategy,
    check: (_key: string) =>
      Effect.clockWith((clock) => {
        server.checks++
        server.at.push(clock.currentTimeMillisUnsafe())
        const answer = Effect.sync(() =>
          server.end === undefined
            ? (Status.pending({ progress: Math.min(1, server.checks / 100) }) as Status.Status<string>)
            : Status.succeeded(server.end)
        )
        return options.takes === undefined
          ? answer
          : Effect.andThen(Effect.sleep(options.takes), answer).pipe(
              Effect.onInterrupt(() => Effect.sync(() => void server.aborted++))
            )
      }),
    cancel: () => Effect.sync(() => void (server.end = "canceled"))
  })
  return { job, server }
}

/** Lets what is due now happen, and the listeners be called. */
export const settled: Effect.Effect<void> = /*#__PURE__*/ Effect.andThen(
  TestClock.adjust(0),
  Effect.promise(() => Promise.resolve())
)
