import * as Effect from "effect/Effect"
import type { ActionContext } from "../../Job.ts"
import type { Observer } from "../../Observer.ts"
import type { Changed } from "../../PollEvent.ts"
import type { Action, Pending } from "../../Status.ts"

type OnProgress = (status: Pending, event: Changed<unknown, unknown>) => unknown

/** What callers with Promises can set besides the options of a wait. */
export interface CallerOptions {
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: OnProgress | undefined
  readonly observers?: ReadonlyArray<Observer> | undefined
  readonly onAction?:
    | "report"
    | "fail"
    | ((action: Action, context: ActionContext & { readonly signal: AbortSignal }) => unknown)
    | undefined
}

/** The options with an observer in place of `onProgress`. */
export const withObserver = <O extends CallerOptions>({ onProgress, ...options }: O): Omit<O, "onProgress"> =>
  onProgress === undefined
    ? options
    : { ...options, observers: [...(options.observers ?? []), observer(onProgress, options.signal)] }

// ---- internal ----

const observer = (onProgress: OnProgress, signal: AbortSignal | undefined): Observer => ({
  observe: ({ event }) =>
    event._tag !== "Changed" || event.status._tag !== "Pending" || signal?.aborted === true
      ? Effect.void
      : call(onProgress, event.status, event)
})

/** Calls it without waiting for what it starts. */
const call = (onProgress: OnProgress, status: Pending, event: Changed<unknown, unknown>): Effect.Effect<void> =>
  Effect.sync(() => {
    try {
      const returned = onProgress(status, event)
      // A rejection of an async callback would end the process.
      if (returned instanceof Promise) returned.catch(report)
    } catch (error) {
      report(error)
    }
  })

/** Reports an error of user code, as that of an event listener. */
const report = (error: unknown): void => {
  const { reportError } = globalThis as { readonly reportError?: (error: unknown) => void }
  // What the user's own code throws, so not a log of ours.
  // @effect-diagnostics globalConsole:off
  // oxlint-disable-next-line no-console
  if (reportError === undefined) console.error(error)
  else reportError(error)
}
