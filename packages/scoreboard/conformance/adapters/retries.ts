// Pollers that call a function until it does not throw, or until it no longer returns a pending job.
import { peer } from "../../peers.ts"
import { type Adapter, given, set, type Setup } from "../adapter.ts"
import { ask, askForResult, type Body, end, isPending, isTransient, resultOf } from "./caller.ts"

/** The delays of p-retry and async-retry, which use the same option names. */
const delays = (setup: Setup) => {
  const { backoff, interval } = setup
  return given(setup, {
    minTimeout: interval,
    maxTimeout: backoff === undefined ? interval : backoff.cap,
    factor: interval === undefined ? undefined : (backoff?.factor ?? 1),
    randomize: interval === undefined ? undefined : (backoff?.jitter ?? false),
    maxRetryTime: setup.deadline
  })
}

const pRetry = async (): Promise<Adapter> => {
  const { AbortError, default: retry } = await peer<{
    readonly default: (input: () => Promise<unknown>, options: object) => Promise<unknown>
    readonly AbortError: new (error: unknown) => Error
  }>("p-retry")
  return {
    name: "p-retry",
    packages: ["p-retry"],
    how: "a pending job throws, permanent errors throw `AbortError`; retries, maxRetryTime, minTimeout, maxTimeout, factor, randomize, signal; the signal is passed to the request too",
    features: set("deadline", "limit", "abort", "signal", "states", "errors", "http", "failures", "backoff", "jitter"),
    wait: (setup) => {
      const { checks, server, signal } = setup
      const input = async () => {
        try {
          return await askForResult(server, signal)
        } catch (error) {
          throw isTransient(error) ? error : new AbortError(error)
        }
      }
      const retries = checks === undefined ? Number.POSITIVE_INFINITY : checks - 1
      return end(retry(input, { retries, signal, ...delays(setup) }), signal)
    }
  }
}

const asyncRetry = async (): Promise<Adapter> => {
  const { default: retry } = await peer<{
    readonly default: (input: (bail: (error: Error) => void) => Promise<unknown>, options: object) => Promise<unknown>
  }>("async-retry")
  return {
    name: "async-retry",
    packages: ["async-retry"],
    how: "a pending job throws, permanent errors `bail`; retries or forever, maxRetryTime, minTimeout, maxTimeout, factor, randomize",
    features: set("deadline", "limit", "states", "errors", "http", "failures", "backoff", "jitter"),
    wait: (setup) => {
      const { checks, server } = setup
      const input = async (bail: (error: Error) => void) => {
        try {
          return await askForResult(server)
        } catch (error) {
          if (isTransient(error)) throw error
          return bail(error as Error)
        }
      }
      const bound = checks === undefined ? { forever: true } : { retries: checks - 1 }
      return end(retry(input, { ...bound, ...delays(setup) }))
    }
  }
}

interface Policy {
  readonly orWhenResult: (filter: (body: Body) => boolean) => Policy
  readonly execute: (
    task: (context: { readonly signal: AbortSignal }) => Promise<Body>,
    signal?: AbortSignal
  ) => Promise<Body>
}

const cockatiel = async (): Promise<Adapter> => {
  const lib = await peer<{
    readonly handleWhen: (filter: (error: Error) => boolean) => Policy
    readonly retry: (policy: Policy, options: object) => Policy
    readonly timeout: (millis: number, options: object) => Policy
    readonly wrap: (...policies: ReadonlyArray<Policy>) => Policy
    readonly noop: Policy
    readonly ConstantBackoff: new (millis: number) => unknown
    readonly ExponentialBackoff: new (options: object) => unknown
    readonly TimeoutStrategy: { readonly Aggressive: string }
    readonly noJitterGenerator: unknown
    readonly halfJitterGenerator: unknown
  }>("cockatiel")
  const backoffOf = ({ backoff, interval }: Setup): unknown => {
    if (interval === undefined) return new lib.ExponentialBackoff({})
    if (backoff === undefined) return new lib.ConstantBackoff(interval)
    const cap = backoff.cap === undefined ? {} : { maxDelay: backoff.cap }
    const options = { initialDelay: interval, exponent: backoff.factor, ...cap }
    const generator = backoff.jitter ? lib.halfJitterGenerator : lib.noJitterGenerator
    return new lib.ExponentialBackoff({ ...options, generator })
  }
  return {
    name: "cockatiel",
    packages: ["cockatiel"],
    how: "`retry` on transient errors and on a pending result, inside an aggressive `timeout`; its signal is passed to the request; ExponentialBackoff with `halfJitterGenerator`",
    features: set("deadline", "limit", "abort", "signal", "states", "errors", "http", "failures", "backoff", "jitter"),
    wait: async (setup) => {
      const { deadline, checks, server, signal } = setup
      const retry = lib.retry(lib.handleWhen(isTransient).orWhenResult(isPending), {
        maxAttempts: checks === undefined ? Number.POSITIVE_INFINITY : checks - 1,
        backoff: backoffOf(setup)
      })
      const timeout =
        deadline === undefined || deadline === Number.POSITIVE_INFINITY
          ? lib.noop
          : lib.timeout(deadline, { strategy: lib.TimeoutStrategy.Aggressive })
      const wait = lib.wrap(timeout, retry).execute((context) => ask(server, context.signal), signal)
      let last: Body | undefined
      const ended = await end(
        wait.then((body) => resultOf((last = body))),
        signal
      )
      if (last !== undefined && isPending(last)) return { tag: "pending", error: last }
      const { isTaskCancelledError } = (ended.tag === "error" ? ended.error : {}) as {
        readonly isTaskCancelledError?: boolean
      }
      // The same error stands for a timeout and for an abort of the caller.
      if (isTaskCancelledError !== true) return ended
      return {
        tag: signal?.aborted === true ? "aborted" : "timeout",
        error: (ended as { readonly error: unknown }).error
      }
    }
  }
}

export const adapters = async (): Promise<ReadonlyArray<Adapter>> => [
  await pRetry(),
  await asyncRetry(),
  await cockatiel()
]
