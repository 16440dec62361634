/**
 * What a store is told about its page: whether it is hidden, offline or frozen.
 *
 * **Details**
 *
 * A store uses the option `environment` of `PollStore.make`, or this service in its layer, or that of the browser. Where
 * there is no `document` and no `navigator`, as in React Native and in workers, the browser's is never hidden, never
 * frozen and always online.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Layer from "effect/Layer"
import { browser as ofBrowser } from "./internal/browser.ts"

/**
 * What a store is told about its page.
 *
 * @category models
 * @since 0.1.0
 */
export interface Environment {
  /** Whether the page is hidden, such as a tab in the background. */
  readonly isHidden: () => boolean
  /** Whether there is a network. */
  readonly isOnline: () => boolean
  /** Whether the page is frozen, or in the back/forward cache: no code of it runs until it returns. Default: never. */
  readonly isFrozen?: (() => boolean) | undefined
  /** Calls the listener after each change, until the function that is returned is called. */
  readonly subscribe: (listener: () => void) => () => void
}

/**
 * The service that a store takes from its layer. Default: `browser`.
 *
 * @category services
 * @since 0.1.0
 */
export const Environment: Context.Reference<Environment> = /*#__PURE__*/ Context.Reference<Environment>(
  "@effect-poll/web/Environment",
  { defaultValue: () => ofBrowser }
)

/**
 * The page that this code runs in, by `visibilitychange`, `online`, `offline`, `freeze`, `resume`, `pagehide` and
 * `pageshow`. It listens only while something is subscribed.
 *
 * @category constructors
 * @since 0.1.0
 */
export const browser: Environment = ofBrowser

/**
 * A page that is controlled by code, for tests.
 *
 * @category models
 * @since 0.1.0
 */
export interface Test extends Environment {
  /** Changes what is given, and tells the listeners. */
  readonly set: (state: {
    readonly hidden?: boolean | undefined
    readonly online?: boolean | undefined
    readonly frozen?: boolean | undefined
  }) => void
  /** How many listeners there are. */
  readonly listeners: () => number
}

/**
 * Makes a page that is visible and online until `set` says otherwise.
 *
 * **Example** (A hidden page)
 *
 * ```ts
 * import * as Environment from "@effect-poll/web/Environment"
 *
 * const page = Environment.test()
 * page.set({ hidden: true })
 * page.isHidden() // => true
 * page.isOnline() // => true
 * ```
 *
 * @category testing
 * @since 0.1.0
 */
export const test = (): Test => {
  const listeners = new Set<() => void>()
  let state = { hidden: false, online: true, frozen: false }
  return {
    isHidden: () => state.hidden,
    isOnline: () => state.online,
    isFrozen: () => state.frozen,
    subscribe: (listener) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    set: ({ frozen = state.frozen, hidden = state.hidden, online = state.online }) => {
      state = { hidden, online, frozen }
      for (const listener of listeners) listener()
    },
    listeners: () => listeners.size
  }
}

/**
 * Creates a layer with an environment, such as the one of `test`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (environment: Environment): Layer.Layer<never> => Layer.succeed(Environment, environment)
