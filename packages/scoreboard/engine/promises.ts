// The naive loop and the peers, all based on promises. A peer without exponential delays waits for the mean of the
// delays instead, so that all checks of a job take the same total time.
import { peer } from "../peers.ts"
import { type Delays, type Engine, perDelays, type Task } from "./task.ts"

// oxlint-disable-next-line typescript/require-await -- an asynchronous check is what is measured
const check = async (task: Task): Promise<boolean> => task.check()

const sleep = (millis: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, millis))

const naive = async (task: Task, { factor, initial }: Delays): Promise<void> => {
  for (let delay = initial; ; delay *= factor) {
    if (await check(task)) return
    await sleep(delay)
  }
}

/** The mean of the delays between the five checks of a job. */
const mean = ({ factor, initial }: Delays): number => (initial * (1 + factor + factor ** 2 + factor ** 3)) / 4

const each = (wait: (task: Task, delays: Delays) => Promise<unknown>, done: () => void) => ({
  start: (task: Task, delays: Delays) => {
    wait(task, delays).then(done, (cause: unknown) => {
      throw cause
    })
  }
})

export const promiseLoop: Engine = { open: (_tasks, done) => each(naive, done) }

const fixedDelay = "fixed delay of the same mean"

export const peers: Record<string, Engine> = {
  "p-wait-for": {
    note: `${fixedDelay}; no deadline`,
    open: async (_tasks, done) => {
      const { default: pWaitFor } = await peer<PWaitFor>("p-wait-for")
      return each((task, delays) => pWaitFor(() => check(task), { interval: mean(delays) }), done)
    }
  },
  rxjs: {
    note: "defer, repeat with a timer, first; no deadline",
    open: async (_tasks, done) => {
      const rx = await peer<Rx>("rxjs")
      return {
        start: (task, { factor, initial }) => {
          const checks = rx.defer(() => check(task))
          const delay = (count: number) => rx.timer(initial * factor ** (count - 1))
          checks.pipe(rx.repeat({ delay }), rx.first(Boolean)).subscribe(done)
        }
      }
    }
  },
  "@smithy/util-waiter": {
    note: "its own backoff: x 2 with full jitter",
    open: async (_tasks, done) => {
      const { createWaiter } = await peer<Smithy>("@smithy/util-waiter")
      const retry = { state: "RETRY" }
      const success = { state: "SUCCESS" }
      const acceptor = async (_client: unknown, task: Task) => ((await check(task)) ? success : retry)
      const options = perDelays((delays) => ({
        client: {},
        minDelay: delays.initial / 1_000,
        maxDelay: (delays.initial * delays.factor ** 3) / 1_000,
        maxWaitTime: 86_400
      }))
      return each((task, delays) => createWaiter(options(delays), task, acceptor), done)
    }
  },
  "google-gax": {
    open: async (_tasks, done) => {
      const { operation } = await peer<Gax>("google-gax")
      const running = { name: "running", done: false }
      const ended = { name: "ended", done: true, response: { value: Buffer.alloc(0) } }
      const backoff = perDelays(({ factor, initial }) => ({
        initialRetryDelayMillis: initial,
        retryDelayMultiplier: factor,
        maxRetryDelayMillis: Math.max(initial, 60_000),
        totalTimeoutMillis: 86_400_000
      }))
      const decode = () => "done"
      return each((task, delays) => {
        const operationsClient = {
          getOperationInternal: async () => [(await check(task)) ? ended : running]
        }
        const descriptor = { operationsClient, responseDecoder: decode, metadataDecoder: decode }
        return operation(running, descriptor, backoff(delays), {}).promise()
      }, done)
    }
  },
  "@azure/core-lro": {
    limit: 20_000,
    note: `${fixedDelay}; no deadline`,
    open: async (_tasks, done) => {
      const { createHttpPoller } = await peer<CoreLro>("@azure/core-lro")
      const request = { method: "POST", url: "/jobs" }
      const answer = (statusCode: number, status: string, headers: Record<string, string> = {}) => ({
        flatResponse: status,
        rawResponse: { statusCode, request, headers, body: { status } }
      })
      const accepted = answer(202, "Running", { "operation-location": "/jobs/1" })
      const running = answer(200, "Running")
      const ended = answer(200, "Succeeded")
      const sendInitialRequest = () => Promise.resolve(accepted)
      return each((task, delays) => {
        const sendPollRequest = async () => ((await check(task)) ? ended : running)
        const poller = createHttpPoller({ sendInitialRequest, sendPollRequest }, { intervalInMs: mean(delays) })
        return poller.pollUntilDone()
      }, done)
    }
  }
}

// ---- internal ----

interface PWaitFor {
  readonly default: (condition: () => Promise<boolean>, options: { readonly interval: number }) => Promise<void>
}

interface Observable {
  readonly pipe: (...operators: ReadonlyArray<unknown>) => Observable
  readonly subscribe: (next: () => void) => unknown
}

interface Rx {
  readonly defer: (make: () => Promise<boolean>) => Observable
  readonly timer: (millis: number) => Observable
  readonly repeat: (options: { readonly delay: (count: number) => Observable }) => unknown
  readonly first: (predicate: (value: boolean) => boolean) => unknown
}

interface Smithy {
  readonly createWaiter: <A>(
    options: object,
    input: A,
    acceptor: (client: unknown, input: A) => Promise<{ readonly state: string }>
  ) => Promise<unknown>
}

interface Gax {
  readonly operation: (
    first: object,
    descriptor: object,
    backoff: object,
    options: object
  ) => { readonly promise: () => Promise<unknown> }
}

interface CoreLro {
  readonly createHttpPoller: (
    operation: {
      readonly sendInitialRequest: () => Promise<object>
      readonly sendPollRequest: () => Promise<object>
    },
    options: { readonly intervalInMs: number }
  ) => { readonly pollUntilDone: () => Promise<unknown> }
}
