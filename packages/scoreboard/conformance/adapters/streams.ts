// Pollers that are streams, queries or emitters.
import { peer } from "../../peers.ts"
import { type Adapter, type Ended, set, type Setup } from "../adapter.ts"
import { ask, type Body, end, isPending, isTransient, JobEnded, resultOf } from "./caller.ts"

interface Observable {
  readonly pipe: (...operators: ReadonlyArray<unknown>) => Observable
}

interface Rx {
  readonly Observable: new (
    subscribe: (subscriber: {
      readonly next: (value: unknown) => void
      readonly complete: () => void
      readonly error: (error: unknown) => void
    }) => () => void
  ) => Observable
  readonly defer: (make: () => Observable) => Observable
  readonly timer: (millis: number) => Observable
  readonly fromEvent: (target: EventTarget, name: string) => Observable
  readonly throwError: (make: () => unknown) => Observable
  readonly firstValueFrom: (source: Observable) => Promise<unknown>
  readonly retry: (options: object) => unknown
  readonly repeat: (options: object) => unknown
  readonly first: (predicate: (body: Body) => boolean) => unknown
  readonly timeout: (options: object) => unknown
  readonly takeUntil: (notifier: Observable) => unknown
  readonly throwIfEmpty: (make: () => unknown) => unknown
}

const rxjs = async (): Promise<Adapter> => {
  const rx = await peer<Rx>("rxjs")
  /** A request that is aborted when it is unsubscribed from, as `fromFetch` does it. */
  const request = ({ server }: Setup): Observable =>
    new rx.Observable((subscriber) => {
      const controller = new AbortController()
      ask(server, controller.signal).then(
        (body) => {
          subscriber.next(body)
          subscriber.complete()
        },
        (error: unknown) => subscriber.error(error)
      )
      return () => controller.abort()
    })
  return {
    name: "rxjs",
    packages: ["rxjs"],
    how: "a request as an Observable, `retry` (5 times, exponential from 1 s), `repeat` with a `timer`, `first`, `timeout({ first })`, `takeUntil` the abort",
    features: set("deadline", "limit", "abort", "signal", "states", "errors", "http", "failures"),
    wait: (setup) => {
      const { deadline, interval = 1_000, checks, signal } = setup
      if (signal?.aborted === true) return end(Promise.reject(signal.reason as Error), signal)
      const delay = () => rx.timer(interval)
      const again = (error: unknown, count: number) =>
        isTransient(error) ? rx.timer(1_000 * 2 ** (count - 1)) : rx.throwError(() => error)
      const polled = request(setup).pipe(
        rx.retry({ count: 5, delay: again, resetOnSuccess: true }),
        rx.repeat({ delay, ...(checks !== undefined && { count: checks }) }),
        rx.first((body) => !isPending(body)),
        ...(deadline === undefined || deadline === Number.POSITIVE_INFINITY ? [] : [rx.timeout({ first: deadline })]),
        ...(signal === undefined
          ? []
          : [rx.takeUntil(rx.fromEvent(signal, "abort")), rx.throwIfEmpty(() => signal.reason)])
      )
      return end(
        rx.firstValueFrom(polled).then((body) => resultOf(body as Body)),
        signal,
        ["TimeoutError"]
      )
    }
  }
}

interface Query {
  readonly state: { readonly data?: Body | undefined }
}

interface QueryResult {
  readonly status: string
  readonly fetchStatus: string
  readonly data?: Body | undefined
  readonly error: unknown
}

interface QueryCore {
  readonly QueryClient: new () => { readonly mount: () => void; readonly clear: () => void }
  readonly QueryObserver: new (
    client: unknown,
    options: object
  ) => {
    readonly subscribe: (listener: (result: QueryResult) => void) => () => void
    readonly refetch: () => Promise<unknown>
  }
  readonly environmentManager: { readonly setIsServer: (isServer: () => boolean) => void }
}

const query = async (): Promise<Adapter> => {
  const { QueryClient, QueryObserver, environmentManager } = await peer<QueryCore>("@tanstack/query-core")
  environmentManager.setIsServer(() => false)
  const observerOf = (setup: Setup, client: unknown) => {
    const { interval = 1_000, server } = setup
    return new QueryObserver(client, {
      queryKey: ["job-1"],
      queryFn: ({ signal }: { readonly signal: AbortSignal }) => ask(server, signal),
      refetchInterval: ({ state }: Query) => (state.data === undefined || isPending(state.data) ? interval : false),
      refetchIntervalInBackground: true,
      networkMode: "always",
      structuralSharing: false,
      gcTime: 0,
      retry: (count: number, error: unknown) => count < 5 && isTransient(error)
    })
  }
  const endOf = (listen: (listener: (result: QueryResult) => void) => () => void, signal?: AbortSignal) =>
    new Promise<Ended>((resolve) => {
      let leave: (() => void) | undefined
      const finish = (ended: Promise<Ended>): void => {
        signal?.removeEventListener("abort", abort)
        leave?.()
        leave = () => {}
        void ended.then(resolve)
      }
      const abort = (): void => finish(Promise.resolve({ tag: "aborted", error: signal!.reason }))
      if (signal?.aborted === true) return abort()
      signal?.addEventListener("abort", abort)
      const listener = ({ data, error, fetchStatus, status }: QueryResult): void => {
        if (fetchStatus !== "idle") return
        if (data !== undefined && !isPending(data)) finish(end(Promise.resolve(data).then(resultOf)))
        // With an interval set, the query continues after an error; a page would show the error and stop.
        else if (status === "error") finish(end(Promise.reject(error)))
      }
      const left = listen(listener)
      if (leave !== undefined) left()
      leave = left
    })
  return {
    name: "@tanstack/query-core",
    packages: ["@tanstack/query-core"],
    how: "a `QueryObserver` with refetchInterval as a function, in the background too, retry up to 5 times with its own delays; an abort unsubscribes; an error that remains after the retries ends the wait",
    features: set("abort", "states", "errors", "http", "failures", "progress", "listeners", "wake"),
    wait: (setup) => {
      const client = new QueryClient()
      client.mount()
      const observer = observerOf(setup, client)
      if (setup.progress !== undefined) observer.subscribe(setup.progress)
      return endOf((listener) => observer.subscribe(listener), setup.signal)
    },
    watch: (setup) => {
      const client = new QueryClient()
      client.mount()
      const observer = observerOf(setup, client)
      return {
        wait: (signal) => endOf((listener) => observer.subscribe(listener), signal),
        listen: () => observer.subscribe(() => {}),
        wake: () => void observer.refetch()
      }
    }
  }
}

interface Operation {
  readonly promise: () => Promise<ReadonlyArray<unknown>>
  readonly on: (event: string, listener: () => void) => void
  readonly removeListener: (event: string, listener: () => void) => void
}

const gax = async (): Promise<Adapter> => {
  const { operation } = await peer<{
    readonly operation: (first: object, descriptor: object, backoff: object, options: object) => Operation
  }>("google-gax")
  /** A call has a timeout of its own, a minute by default. */
  const timed = <A>(call: Promise<A>): Promise<A> =>
    new Promise((resolve, reject) => {
      const late = () => reject(Object.assign(new Error("Deadline exceeded"), { code: 4 }))
      const timer = setTimeout(late, 60_000)
      const clear = () => clearTimeout(timer)
      call.then(resolve, reject).then(clear, clear)
    })
  const operationOf = (setup: Setup): Operation => {
    const { backoff, deadline, interval, server } = setup
    const getOperationInternal = async () => {
      const body = await timed(ask(server))
      const metadata = { value: Buffer.from(`${body.status} ${server.count}`) }
      if (isPending(body)) return [{ name: "job-1", done: false, metadata }]
      return body.status === "succeeded"
        ? [{ name: "job-1", done: true, result: "response", response: { value: Buffer.from(body.result!) }, metadata }]
        : [
            {
              name: "job-1",
              done: true,
              result: "error",
              error: { code: 10, message: new JobEnded(body).message },
              metadata
            }
          ]
    }
    const decode = (value: Buffer) => value.toString()
    const descriptor = { operationsClient: { getOperationInternal }, responseDecoder: decode, metadataDecoder: decode }
    const settings = {
      initialRetryDelayMillis: interval ?? 100,
      retryDelayMultiplier: interval === undefined ? 1.3 : (backoff?.factor ?? 1),
      maxRetryDelayMillis: backoff === undefined ? (interval ?? 60_000) : (backoff.cap ?? 60_000),
      totalTimeoutMillis: deadline === Number.POSITIVE_INFINITY ? null : (deadline ?? null)
    }
    const polled = operation({ name: "job-1", done: false }, descriptor, settings, {})
    if (setup.progress !== undefined) polled.on("progress", setup.progress)
    return polled
  }
  const wait = async (polled: Operation): Promise<Ended> => {
    const ended = await end(polled.promise().then(([value]) => value))
    const { code } = (ended.tag === "error" ? ended.error : {}) as { readonly code?: number }
    if (ended.tag !== "error" || code === undefined) return ended
    return { tag: code === 4 ? "timeout" : code === 10 ? "failed" : "error", error: ended.error }
  }
  return {
    name: "google-gax",
    packages: ["google-gax"],
    how: "`operation(...).promise()` with initialRetryDelayMillis, retryDelayMultiplier, maxRetryDelayMillis, totalTimeoutMillis, calls that time out after a minute; its defaults are those of the generated clients",
    features: set("deadline", "states", "failures", "backoff", "progress", "share", "listeners"),
    wait: (setup) => wait(operationOf(setup)),
    watch: (setup) => {
      const polled = operationOf(setup)
      polled.on("error", () => {})
      return {
        wait: () => wait(polled),
        listen: () => {
          const listener = () => {}
          polled.on("complete", listener)
          return () => polled.removeListener("complete", listener)
        }
      }
    }
  }
}

export const adapters = async (): Promise<ReadonlyArray<Adapter>> => [await rxjs(), await query(), await gax()]
