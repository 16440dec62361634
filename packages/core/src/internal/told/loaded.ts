import * as Context from "effect/Context"
import type { Effect } from "effect/Effect"
import type { Fiber } from "effect/Fiber"
import type { Told } from "./model.ts"
import type { Event } from "../machine/event.ts"
import type { Request } from "../options/request.ts"

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
  readonly take: () => ReadonlyArray<Event>
  /** From now on the wait is told at once. */
  readonly connect: (tell: (event: Event) => void) => void
  /** Stops to listen, and closes the streams. Returns their fibers that have not ended. */
  readonly stop: () => ReadonlyArray<Fiber<unknown>>
  /** Whether a fiber is that of a stream. */
  readonly runs: (fiber: Fiber<unknown, unknown>) => boolean
}

/** What a host forks a stream by. */
export type Fork = <A>(effect: Effect<A, never, unknown>) => Fiber<A>

/** Makes the listener of a wait; undefined until it is loaded. */
export const loaded: {
  listen: ((request: Request, job: string, register: Register | undefined, fork: Fork) => Listener) | undefined
} = { listen: undefined }

/** Begins to listen for a wait, if anything can tell it something. */
export const listen = (
  request: Request,
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
