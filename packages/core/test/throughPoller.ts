import * as Effect from "effect/Effect"
import * as Job from "effect-poll/Job"
import type * as Poll from "effect-poll/Poll"
import * as Poller from "effect-poll/Poller"

type AnyEffect = Effect.Effect<unknown, unknown, unknown>
type AnyJob = Job.Any
type AnyOptions = Poll.Options<unknown, unknown>
type Face = (...args: ReadonlyArray<unknown>) => unknown

/**
 * The faces of `Poll` as a `Poller` has them, each wait in a Poller of its own: the same tests must hold for both hosts.
 */
export const throughPoller = (poll: typeof Poll): typeof Poll => {
  const face =
    (original: Face, wait: (poller: Poller.Service, ...args: [AnyJob, unknown, AnyOptions]) => AnyEffect): Face =>
    (...args) => {
      // What is wrong with the options is said at the call, in the words of `Poll`.
      const curried = original(...args)
      if (!Effect.isEffect(curried)) return (first: unknown) => face(original, wait)(first, ...args)
      const options = { history: true, ...(args[args.length - 1] as AnyOptions) }
      const isJob = Job.isJob(args[0])
      const job = (isJob ? args[0] : Job.make("check", { check: () => args[0] as never })) as AnyJob
      return Effect.flatMap(Poller.make({ stagger: false, linger: 0 }), (poller) =>
        wait(poller, job, isJob ? args[1] : "check", options)
      )
    }
  const until = face(poll.until as Face, (poller, ...args) => poller.until(...args))
  return {
    ...poll,
    until: ((...args: ReadonlyArray<unknown>) => {
      const waited = until(...args)
      return Effect.isEffect(waited)
        ? Effect.scoped(waited)
        : (first: unknown) => Effect.scoped((waited as Face)(first) as AnyEffect)
    }) as typeof poll.until,
    start: face(poll.start as Face, (poller, ...args) => poller.add(...args)) as typeof poll.start
  }
}
