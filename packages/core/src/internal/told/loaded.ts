import * as Context from "effect/Context"
import type { Effect } from "effect/Effect"
import type { Fiber } from "effect/Fiber"
import type { Stream } from "effect/Stream"
import type { Any } from "../../Job.ts"
import type { PollOptions } from "../../PollOptions.ts"
import type { SignalMissed } from "../../PollEvent.ts"
import type { Told } from "./model.ts"
import type { Event, Heard } from "../machine/event.ts"

// What listens for waits is loaded by the modules `Told` and `Wakes`, without which nothing can tell a wait anything: a
// program that only polls does not load it.

/** Finds waits by their keys, and keeps what they are told before they start: the inside of the service `Wakes`. */
export interface Register {
  /** Adds a wait, and tells it what was kept for its key. Returns what removes it. */
  readonly add: (wait: Wakable) => () => void
}

/** A wait that can be found by its key. */
export interface Wakable {
  readonly job: string
  readonly key: string
  readonly rawKey: unknown
  readonly hear: (told: Told<unknown, unknown>) => void
}

/** The reference of the service `Wakes`. */
export const Reference: Context.Reference<Register | undefined> = /*#__PURE__*/ Context.Reference<Register | undefined>(
  "effect-poll/Wakes",
  { defaultValue: () => undefined }
)

/**
 * Listens to what tells one wait something: its streams, and the service `Wakes`. It listens before the wait starts and
 * until it ends.
 */
export interface Listener {
  /** What the wait was told until now, before it started. */
  readonly take: () => ReadonlyArray<Heard>
  /** From now on the wait is told at once. */
  readonly connect: (tell: (event: Event) => void) => void
  /** Stops to listen, and closes the streams. Returns their fibers that have not ended. */
  readonly stop: () => ReadonlyArray<Fiber<unknown>>
  /** Whether a fiber is that of a stream. */
  readonly runs: (fiber: Fiber<unknown, unknown>) => boolean
}

/** A stream that tells a wait something; it may depend on the key. */
export interface Source {
  readonly by: "signal" | "push"
  readonly stream: AnyStream | ((key: unknown) => AnyStream)
}

/** A wait that is to be listened for. */
export interface Listened {
  readonly key: string
  readonly rawKey: unknown
  /** Undefined if only checks tell the wait something. */
  readonly sources: ReadonlyArray<Source> | undefined
  /** Whether the wait is for a key of a job, and not for a check without one. */
  readonly isOfJob: boolean
}

/** The options of a wait with those of `ToldOptions` taken out. */
export interface Split extends Pick<Listened, "sources"> {
  readonly options: AnyOptions
  readonly strategy: AnyOptions["strategy"]
  /** Reports that a check found the end which a stream could have told; undefined if none could. */
  readonly expects: ((wait: Expecting) => void) | undefined
}

/** What a wait has to report with. */
interface Expecting {
  readonly attempts: number
  readonly cold: { readonly endNoticedBy: Source["by"] | undefined }
  readonly setting: { readonly emit: (wait: never, event: SignalMissed) => void }
}

/** Makes a `Split`. Throws a RangeError. */
export type TakeApart = (
  name: string,
  job: Any | undefined,
  given: AnyOptions,
  /** Returns the strategy of the job. */
  ownStrategy: () => AnyOptions["strategy"],
  /** Whether the streams are functions of the key. */
  isByKey: boolean
) => Split

export type AnyOptions = PollOptions<never, unknown>

/** What tells a wait something, as its options have it. */
export interface ToldGiven {
  readonly signal?: Source["stream"] | undefined
  readonly push?: Source["stream"] | undefined
  readonly behind?: AnyOptions["strategy"]
}

/** What a host forks a stream by. */
export type Fork = <A>(effect: Effect<A, never, unknown>) => Fiber<A>

/** Makes the listener of a wait, and takes the options for it apart; undefined until that is loaded. */
export const loaded: {
  split: TakeApart | undefined
  listen: ((request: Listened, job: string, register: Register | undefined, fork: Fork) => Listener) | undefined
} = { split: undefined, listen: undefined }

/** Begins to listen for a wait, if anything can tell it something. */
export const listen = (
  request: Listened,
  job: string,
  context: Context.Context<unknown>,
  fork: Fork
): Listener | undefined => {
  const register = request.isOfJob ? Context.get(context, Reference) : undefined
  // Without the module `Told` there are streams, but nothing that they could tell.
  return register === undefined && request.sources === undefined
    ? undefined
    : loaded.listen?.(request, job, register, fork)
}

// ---- internal ----

type AnyStream = Stream<unknown, unknown, unknown>
