// The interface between the cases and the pollers. A poller is started on a scripted server with what a case asks for, at
// its best: as its documentation says how. What a poller has no way to do is not asked of it.
import type { BatchServer } from "./batch.ts"
import type { Server } from "./server.ts"

/** What a poller decides itself, and not its caller's code. A case needs some of these. */
export const features = {
  deadline: "can be given a time after which it gives up",
  limit: "can be given a number of checks after which it gives up",
  abort: "can be aborted",
  signal: "is given the AbortSignal itself",
  hint: "follows the server's wish for the next check, given with a good answer",
  retryAfter: "reads the header Retry-After of a good answer",
  busy: "reads the header Retry-After of an answer that is none",
  words: "reads the state word of the answer itself",
  states: "is told the state of the job by its check, or reads it itself",
  errors: "decides what follows a check that failed",
  http: "sees the HTTP status of the answer",
  failures: "tells a failed job from other ends",
  missing: "decides what a 404 means",
  backoff: "lets delays grow",
  jitter: "varies delays",
  waiter: "has the delays of a Smithy waiter",
  progress: "calls a listener as the job goes on",
  share: "lets several callers wait on one poller",
  reuse: "is an object that can be waited on again",
  listeners: "runs for as long as it has listeners",
  second: "asks for the result by a second request",
  resume: "writes a wait down for another process",
  stall: "notifications a job that no longer changes",
  runs: "knows which run of a job an answer speaks of",
  cancelRemote: "asks the server to stop the job when the wait ends",
  wake: "can be told to check now",
  batch: "watches many jobs behind an endpoint that takes many ids",
  submit: "follows what the answer to the submit says"
} as const

export type Feature = keyof typeof features

/** What a case asks for. A poller that cannot do a part of it leaves that out; the case needs the feature if it matters. */
export interface Setup {
  readonly server: Server
  /** Milliseconds between checks; undefined for what the poller does by default. */
  readonly interval?: number | undefined
  /** Delays from `interval` on, `factor` times longer each time, up to `cap`; undefined for what it does by default. */
  readonly backoff?: { readonly factor: number; readonly cap: number | undefined; readonly jitter: boolean } | undefined
  /** Milliseconds; infinite where a case wants none. */
  readonly deadline?: number | undefined
  /** Has the delays of a Smithy waiter, from `interval` to the cap of the backoff. */
  readonly waiter?: boolean | undefined
  /** At most so many checks. */
  readonly checks?: number | undefined
  readonly signal?: AbortSignal | undefined
  /** Called as the job goes on. */
  readonly progress?: (() => void) | undefined
  /** Gives up when nothing has changed for so many milliseconds. */
  readonly stall?: number | undefined
  /** Gives what is undefined here to the poller as undefined, instead of leaving it out. */
  readonly asUndefined?: boolean | undefined
  /** The time to stay away that the answer to the submit named, in seconds. */
  readonly submitHint?: number | undefined
  /** Waits for this run of the job; the server says in the header `x-run` which one an answer speaks of. */
  readonly run?: number | undefined
  /** Asks the server to stop the job when the wait gives up. */
  readonly cancelRemote?: boolean | undefined
}

/** Many jobs at once. */
export interface ManySetup {
  readonly server: BatchServer
  /** The ids of the jobs; the same one twice for two who wait for it. */
  readonly ids: ReadonlyArray<string>
  /** Milliseconds between checks, for the nth of them. */
  readonly interval: (index: number) => number
  readonly jitter: boolean
  /** Milliseconds. */
  readonly deadline: number
  /** To be called once for each that ended. */
  readonly ended: (index: number, ended: Ended) => void
}

/** How a wait ended, in words of no poller. */
export type Ended =
  | { readonly tag: "succeeded"; readonly value: unknown }
  | { readonly tag: Bad; readonly error: unknown }

/**
 * `failed` and `canceled` are news of the job, `missing` and `unknown` too. `timeout`, `stalled` and `aborted` are ends of
 * our patience, `error` is one by checks that failed, and `pending` a success without a result.
 */
export type Bad =
  | "failed"
  | "canceled"
  | "missing"
  | "unknown"
  | "timeout"
  | "stalled"
  | "aborted"
  | "error"
  | "pending"

/** A wait that runs on its own, for pollers that are objects. */
export interface Watcher {
  /** Waits for the end, once more with each call. */
  readonly wait: (signal?: AbortSignal) => Promise<Ended>
  /** Listens for the end, until the function that it returns is called. */
  readonly listen?: (() => () => void) | undefined
  readonly token?: (() => Promise<string>) | undefined
  readonly wake?: (() => void) | undefined
}

export interface Adapter {
  readonly name: string
  /** The packages that it is made of. */
  readonly packages: ReadonlyArray<string>
  /** How it is set up. */
  readonly how: string
  readonly features: ReadonlySet<Feature>
  /** Its own words for "running", "succeeded", "failed" and "canceled". */
  readonly words?: Readonly<Record<string, string>> | undefined
  /** The body of an answer in its API; default as in `server.ts`. */
  readonly body?: ((word: string) => object) | undefined
  /** The headers by which a server asks it to stay away for so many seconds; default Retry-After. */
  readonly hint?: ((seconds: number) => Record<string, string>) | undefined
  readonly wait: (setup: Setup) => Promise<Ended>
  readonly watch?: ((setup: Setup) => Watcher) | undefined
  /** Starts to watch many jobs. */
  readonly many?: ((setup: ManySetup) => void) | undefined
  /** Goes on with a token of a watcher. */
  readonly resume?: ((token: string, setup: Setup) => Promise<Ended>) | undefined
}

/** Options as a case wants them given: those that it says nothing of left out, or given as undefined. */
export const given = <A extends object>(setup: Setup, options: A): { [K in keyof A]: Exclude<A[K], undefined> } =>
  (setup.asUndefined === true
    ? options
    : Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))) as never

export const set = (...names: ReadonlyArray<Feature>): ReadonlySet<Feature> => new Set(names)
