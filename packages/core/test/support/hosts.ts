import * as Effect from "effect/Effect"
import * as Job from "effect-poll/Job"
import * as Poll from "effect-poll/Poll"
import * as Poller from "effect-poll/Poller"
import { plain } from "./options.ts"

/** What drives a wait. The rules of a wait hold for both, so their tests run with `describe.each(hosts)`. */
export interface Host {
  readonly name: "Poll" | "Poller"
  readonly until: typeof Poll.until
  readonly start: typeof Poll.start
  readonly resume: typeof Poll.resume
}

type AnyEffect = Effect.Effect<unknown, unknown, unknown>
type EntryPoint = (...args: ReadonlyArray<never>) => unknown

/** An entry point of `Poll` as a Poller has it, each wait in a Poller of its own. */
const inPoller = <F extends EntryPoint>(
  run: (poller: Poller.Service, job: Job.Any, keyOrToken: never, options: Poll.Options<unknown>) => AnyEffect,
  lifetime: (effect: AnyEffect) => AnyEffect = Effect.scoped
): F => {
  const entryPoint = (...args: ReadonlyArray<unknown>): unknown => {
    if (args.length === 1) return (check: unknown) => entryPoint(check, args[0])
    const [job, key, options] = Job.isJob(args[0])
      ? [args[0], args[1], args[2]]
      : [Job.make("check", { check: () => args[0] as never }), "check", args[1]]
    const withHistory = { history: true, ...(options as Poll.Options<unknown>) }
    return lifetime(
      Effect.flatMap(Poller.make(plain), (poller) => run(poller, job as Job.Any, key as never, withHistory))
    )
  }
  return entryPoint as unknown as F
}

export const hosts: ReadonlyArray<Host> = [
  { name: "Poll", until: Poll.until, start: Poll.start, resume: Poll.resume },
  {
    name: "Poller",
    until: inPoller((poller, job, key, options) => poller.until(job, key, options)),
    // The wait lasts as long as the scope of its caller.
    start: inPoller(
      (poller, job, key, options) => poller.add(job, key, options),
      (effect) => effect
    ),
    resume: inPoller((poller, job, token, options) =>
      Effect.flatMap(poller.resume(job, token, options), (handle) => handle.await)
    )
  }
]
