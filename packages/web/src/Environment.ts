/**
 * Whether a page is hidden, offline or frozen, for a `PollStore`.
 *
 * **Details**
 *
 * A store takes it from the option `environment` of `PollStore.make`, otherwise from this service in its layer,
 * otherwise from the browser. Where there is no `document` and no `navigator`, as in React Native and in workers,
 * `browser` is never hidden, never frozen and always online.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Layer from "effect/Layer"
import { browser as ofBrowser } from "./internal/browser.ts"

/**
 * The state of a page, and a way to learn of its changes.
 *
 * @category models
 * @since 0.1.0
 */
export interface Environment {
  /** Whether the page is hidden, such as a tab in the background. */
  readonly isHidden: () => boolean
  /** Whether the browser has a network. */
  readonly isOnline: () => boolean
  /**
   * Whether the page is frozen, or in the back/forward cache: its code does not run until it returns. Default: never.
   */
  readonly isFrozen?: (() => boolean) | undefined
  /** Calls the listener after each change, until the returned function is called. */
  readonly subscribe: (listener: () => void) => () => void
}

/**
 * The environment as a service, which a store takes from its layer. Default: `browser`.
 *
 * @category services
 * @since 0.1.0
 */
export const Environment: Context.Reference<Environment> = /*#__PURE__*/ Context.Reference<Environment>(
  "@effect-poll/web/Environment",
  { defaultValue: () => ofBrowser }
)

/**
 * The page that this code runs in. It listens to `visibilitychange`, `online`, `offline`, `freeze`, `resume`,
 * `pagehide` and `pageshow`, and only while something is subscribed.
 *
 * @category constructors
 * @since 0.1.0
 */
export const browser: Environment = ofBrowser

/**
 * An environment that a test controls.
 *
 * @category models
 * @since 0.1.0
 */
export interface Test extends Environment {
  /** Changes the fields that are given, and calls the listeners. */
  readonly set: (state: {
    readonly hidden?: boolean | undefined
    readonly online?: boolean | undefined
    readonly frozen?: boolean | undefined
  }) => void
  /** Returns the number of listeners. */
  readonly listeners: () => number
}

/**
 * Makes an environment for tests: visible, online and not frozen until `set` changes that.
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
 * Creates a layer with an environment, such as one made by `test`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (environment: Environment): Layer.Layer<never> => Layer.succeed(Environment, environment)
