// The interface between the cases and the pollers. An adapter starts its poller against a scripted server with the
// options of a case, set up as the poller's documentation recommends. A case that needs a feature the poller lacks is
// not applicable.
import type { BatchServer } from "./batch.ts"
import type { Server } from "./server.ts"

/** What a poller does itself, as opposed to its caller's code. Each text completes "a poller that ...". */
export const features = {
  deadline: "has a deadline",
  limit: "has a maximum number of checks",
  abort: "can be aborted",
  signal: "takes an AbortSignal",
  hint: "honors the delay that a successful answer requests",
  retryAfter: "reads Retry-After on a successful answer",
  busy: "reads Retry-After on an error response",
  words: "reads the state in the answer itself",
  states: "knows the state of the job, from its check or by reading the answer",
  errors: "decides what follows a failed check",
  http: "sees the HTTP status of the answer",
  failures: "distinguishes a failed job from other endings",
  missing: "decides what a 404 means",
  backoff: "has growing delays",
  jitter: "has jittered delays",
  waiter: "has the delay algorithm of a Smithy waiter",
  progress: "calls a progress listener",
  share: "lets several callers share one poller",
  reuse: "can be waited on again",
  listeners: "runs while it has listeners",
  second: "fetches the result by a second request",
  resume: "can resume a wait in another process",
  stall: "detects a job that no longer changes",
  runs: "knows which run of a job an answer is about",
  cancelRemote: "can cancel the remote job when the wait ends",
  wake: "can be told to check now",
  batch: "checks many jobs with one request",
  submit: "uses the answer to the submit",
  submits: "submits the job itself",
  receipt: "stores a receipt of the submit",
  confirm: "can require that an end holds",
  stateLimits: "can limit the time in a state",
  gap: "can keep a minimum interval between checks",
  action: "recognizes a state that needs an action",
  percent: "reads the progress of the job",
  leave: "can stop waiting and yield a token",
  close: "can be closed with a token for each wait",
  told: "can be told the end of the job, or that there is a reason to check, beside its checks"
} as const

export type Feature = keyof typeof features

/** The options of a case. An adapter ignores what its poller lacks; a case that depends on it names the feature. */
export interface Setup {
  readonly server: Server
  /** Milliseconds between checks; undefined for the poller's default. */
  readonly interval?: number | undefined
  /** Delays from `interval` on, `factor` times longer each time, up to `cap`; undefined for the poller's default. */
  readonly backoff?: { readonly factor: number; readonly cap: number | undefined; readonly jitter: boolean } | undefined
  /** In milliseconds; `Infinity` for no deadline, undefined for the poller's default. */
  readonly deadline?: number | undefined
  /** Uses the delays of a Smithy waiter, from `interval` to the cap of `backoff`. */
  readonly waiter?: boolean | undefined
  /** The maximum number of checks. */
  readonly checks?: number | undefined
  readonly signal?: AbortSignal | undefined
  /** Called on progress. */
  readonly progress?: (() => void) | undefined
  /** Ends the wait when nothing has changed for this many milliseconds. */
  readonly stall?: number | undefined
  /** Passes undefined options to the poller as undefined, instead of omitting them. */
  readonly asUndefined?: boolean | undefined
  /** The delay that the answer to the submit requested, in seconds. */
  readonly submitHint?: number | undefined
  /** Waits for this run of the job; an answer names its run in the field `run`. */
  readonly run?: number | undefined
  /** Cancels the remote job when the wait times out or is aborted. */
  readonly cancelRemote?: boolean | undefined
  /** How a success and a failure are confirmed before they count; durations in milliseconds. */
  readonly confirm?: { readonly success?: Hold | undefined; readonly failure?: Hold | undefined } | undefined
  /** How long the job may be in a state, in milliseconds, by its state in the words of the server's script. */
  readonly stateLimits?: Readonly<Record<string, number>> | undefined
  /** The least time from the start of one check to the start of the next, in milliseconds. */
  readonly minInterval?: number | undefined
  /** Fails when a state needs an action, or handles it: the promise resolves when that is done. */
  readonly onAction?: "fail" | ((id: string) => Promise<void>) | undefined
  /** Submits the job first, and the server never answers the submit. */
  readonly submitHangs?: boolean | undefined
  /** Submits the job first, and the store of its receipt never answers. */
  readonly receiptHangs?: boolean | undefined
  /** Called with each progress that the poller reports, a share from 0 to 1. */
  readonly progressed?: ((progress: number) => void) | undefined
  /** Called with the outcome of a cancel of the remote job, for pollers that report it during the wait. */
  readonly canceled?: ((outcome: unknown) => void) | undefined
  /** Tells the poller something beside its checks. It calls this with a listener when the wait begins. */
  readonly told?: ((listener: (said: Said) => void) => void) | undefined
  /** Called with each end of the wait that the poller reports to its listeners. */
  readonly ended?: (() => void) | undefined
}

/** A state of the job that ends it, in the words of the server's script, or `"changed"`, which says no more than that. */
export type Said = "changed" | "succeeded" | "failed"

/** How an end is confirmed: by a number of sightings, the first included, or by the time since the first. */
export type Hold = { readonly times: number } | { readonly for: number }

/** Many jobs at once. */
export interface ManySetup {
  readonly server: BatchServer
  /** The ids of the jobs; an id that occurs twice has two callers waiting for it. */
  readonly ids: ReadonlyArray<string>
  /** Milliseconds between the checks of the nth job. */
  readonly interval: (index: number) => number
  readonly jitter: boolean
  /** Milliseconds. */
  readonly deadline: number
  /** Called once for each wait that ended. */
  readonly ended: (index: number, ended: Ended) => void
}

/** How a wait ended, independent of the poller. */
export type Ended =
  | { readonly tag: "succeeded"; readonly value: unknown }
  | { readonly tag: Bad; readonly error: unknown }

/**
 * `failed`, `canceled`, `missing` and `unknown` are what the server said of the job. `timeout`, `stalled`, `action` and
 * `aborted` end the wait on our side, `error` ends it by failed checks, and `pending` is a poller that returned a
 * pending job as its result.
 */
export type Bad =
  | "failed"
  | "canceled"
  | "missing"
  | "unknown"
  | "timeout"
  | "stalled"
  | "action"
  | "aborted"
  | "error"
  | "pending"

/** A wait in the background, for pollers that are objects. */
export interface Watcher {
  /** Waits for the end; each call is another caller. */
  readonly wait: (signal?: AbortSignal) => Promise<Ended>
  /** Adds a listener, and returns the function that removes it. */
  readonly listen?: (() => () => void) | undefined
  readonly token?: (() => Promise<string>) | undefined
  readonly wake?: (() => void) | undefined
  /** Stops waiting and yields a token, whatever an abort would do. */
  readonly leave?: (() => Promise<string>) | undefined
  /** Closes the poller with all its waits and yields their tokens. */
  readonly close?: (() => Promise<ReadonlyArray<string>>) | undefined
}

export interface Adapter {
  readonly name: string
  /** The packages whose versions the table shows. */
  readonly packages: ReadonlyArray<string>
  /** How it is set up, for the table. */
  readonly how: string
  readonly features: ReadonlySet<Feature>
  /** Its states for "running", "succeeded", "failed" and "canceled". */
  readonly words?: Readonly<Record<string, string>> | undefined
  /** The body of an answer in its API; the default is in `server.ts`. */
  readonly body?: ((word: string) => object) | undefined
  /** The headers by which a server requests a delay of some seconds; the default is Retry-After. */
  readonly hint?: ((seconds: number) => Record<string, string>) | undefined
  readonly wait: (setup: Setup) => Promise<Ended>
  readonly watch?: ((setup: Setup) => Watcher) | undefined
  /** Watches many jobs at once. */
  readonly many?: ((setup: ManySetup) => void) | undefined
  /** Resumes a wait from a token of a watcher. */
  readonly resume?: ((token: string, setup: Setup) => Promise<Ended>) | undefined
}

/** Omits undefined options, unless the case wants them passed as undefined. */
export const given = <A extends object>(setup: Setup, options: A): { [K in keyof A]: Exclude<A[K], undefined> } =>
  (setup.asUndefined === true
    ? options
    : Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))) as never

export const set = (...names: ReadonlyArray<Feature>): ReadonlySet<Feature> => new Set(names)
