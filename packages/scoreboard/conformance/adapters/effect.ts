// Effect's own repeat, as a program would use it without this project.
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Request from "effect/Request"
import * as RequestResolver from "effect/RequestResolver"
import * as Schedule from "effect/Schedule"
import { type Adapter, type Ended, type ManySetup, set, type Setup } from "../adapter.ts"
import {
  ask,
  type Body,
  endOfError,
  failureOf,
  HttpError,
  isPending,
  isTransient,
  JobEnded,
  resultOf
} from "./caller.ts"

const scheduleOf = ({ backoff, interval = 1_000, checks }: Setup): Schedule.Schedule<unknown, Body> => {
  const plain: Schedule.Schedule<unknown, Body> =
    backoff === undefined
      ? interval === 0
        ? Schedule.forever
        : Schedule.spaced(interval)
      : backoff.cap === undefined
        ? Schedule.exponential(interval, backoff.factor)
        : Schedule.min([Schedule.exponential(interval, backoff.factor), Schedule.spaced(backoff.cap)])
  const spread = backoff?.jitter === true ? Schedule.jittered(plain) : plain
  return checks === undefined ? spread : Schedule.upTo(spread, { times: checks - 1 })
}

const waitOf = (setup: Setup): Effect.Effect<Body, unknown> => {
  const check = Effect.tryPromise({ try: (signal) => ask(setup.server, signal), catch: failureOf })
  const steady = Effect.retry(check, { schedule: Schedule.exponential("1 second"), times: 5, while: isTransient })
  const repeated = Effect.repeat(steady, { schedule: scheduleOf(setup), until: (body: Body) => !isPending(body) })
  return setup.deadline === undefined || setup.deadline === Number.POSITIVE_INFINITY
    ? repeated
    : Effect.timeout(repeated, setup.deadline)
}

const run = async (wait: Effect.Effect<Body, unknown>, signal?: AbortSignal): Promise<Ended> => {
  const exit = await Effect.runPromiseExit(wait, { signal })
  if (Exit.isFailure(exit)) {
    const error = Cause.squash(exit.cause)
    return Exit.hasInterrupts(exit) ? { tag: "aborted", error } : endOfError(error, signal, ["TimeoutError"])
  }
  if (isPending(exit.value)) return { tag: "pending", error: exit.value }
  try {
    return { tag: "succeeded", value: resultOf(exit.value) }
  } catch (error) {
    return endOfError(error)
  }
}

class CheckRequest extends Request.TaggedClass("CheckRequest")<{ readonly id: string }, string, unknown> {}

/** Waits for many jobs with one fiber each; a RequestResolver batches their checks. */
const many = ({ deadline, ended, ids, interval, jitter, server }: ManySetup): void => {
  const resolver = RequestResolver.make<CheckRequest>((entries) =>
    Effect.matchEager(
      Effect.tryPromise({
        try: () => server.lookup(entries.map(({ request }) => request.id)),
        catch: failureOf
      }),
      {
        onFailure: (error) => {
          for (const entry of entries) entry.completeUnsafe(Exit.fail(error))
        },
        onSuccess: (words) => {
          for (const entry of entries) {
            const word = words.get(entry.request.id)
            entry.completeUnsafe(word === undefined ? Exit.fail(new HttpError(404)) : Exit.succeed(word))
          }
        }
      }
    )
  ).pipe(RequestResolver.batchN(server.size), RequestResolver.setDelay("10 millis"))
  const wait = (id: string, index: number) => {
    const every = Schedule.spaced(interval(index))
    const check = Effect.request(new CheckRequest({ id }), resolver)
    const steady = Effect.retry(check, { schedule: Schedule.exponential("1 second"), times: 5, while: isTransient })
    const schedule = jitter ? Schedule.jittered(every) : every
    const repeated = Effect.repeat(steady, { schedule, until: (word) => word !== "running" })
    return Effect.exit(Effect.timeout(repeated, deadline)).pipe(
      Effect.map((exit) => ended(index, exit._tag === "Success" ? endOfWord(exit.value) : endOfCause(exit.cause)))
    )
  }
  Effect.runFork(Effect.forEach(ids, wait, { concurrency: "unbounded", discard: true }))
}

const endOfWord = (status: string): Ended =>
  status === "succeeded" ? { tag: "succeeded", value: status } : endOfError(new JobEnded({ status }))

const endOfCause = (cause: Cause.Cause<unknown>): Ended => endOfError(Cause.squash(cause), undefined, ["TimeoutError"])

export const adapters: ReadonlyArray<Adapter> = [
  {
    name: "effect repeat",
    packages: ["effect"],
    how: "`Effect.repeat` with a Schedule and `until`, the check in `Effect.retry` (exponential from 1 s, 5 times), all of it in `Effect.timeout`; jitter by `Schedule.jittered` around the cap; aborted through the signal of `Effect.runPromise`; many jobs with one fiber each and a `RequestResolver` with `batchN` and a delay of 10 ms",
    features: set(
      "deadline",
      "limit",
      "abort",
      "states",
      "errors",
      "http",
      "failures",
      "backoff",
      "jitter",
      "reuse",
      "batch"
    ),
    many,
    wait: (setup) => run(waitOf(setup), setup.signal),
    watch: (setup) => {
      const wait = waitOf(setup)
      return { wait: (signal) => run(wait, signal) }
    }
  }
]
