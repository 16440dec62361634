/**
 * One page checks for all pages of a browser that show the same entry, and the others follow.
 *
 * **Details**
 *
 * The page that has the Web Lock of an entry checks for it, and sends each new state over a `BroadcastChannel`. The next
 * page continues from the last state: with the number of attempts, the deadline, the step of the strategy, and the floor
 * of the server.
 *
 * | event | what follows |
 * |---|---|
 * | the page that checks is closed or crashes | the browser gives its lock to another page |
 * | it is frozen, or enters the back/forward cache | it gives the lock and the channel up first, so it may be cached |
 * | it is hidden while another page is visible | the visible page takes the lock; a check in flight ends first |
 * | it is visible, but silent for `margin` after its next state is due, and does not answer | a visible page takes the lock |
 * | it thaws after its lock was taken | it follows |
 * | nothing is visible | the page that has the lock keeps it: the policy for hidden pages applies to it |
 *
 * Where the browser has no Web Locks or no `BroadcastChannel`, and where the state of an entry cannot be sent (it must
 * survive a structured clone), each page checks for itself. Web Locks need a secure context.
 *
 * **Gotchas**
 *
 * - All pages of an origin with the same `name` share. If its tabs can be signed in as different users, put the user into
 *   the `name`.
 * - The options of the page that checks apply. A deadline is part of the wait and stays what it was.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import * as browser from "./internal/crossTab/browser.ts"
import * as pages from "./internal/crossTab/pages.ts"
import type { Locks, OpenChannel, Timer } from "./internal/crossTab/services.ts"
import * as Environment from "./Environment.ts"
import type { Lead } from "./internal/lead.ts"
import * as check from "./internal/options.ts"
import { wire } from "./internal/wire.ts"

export type {
  /**
   * Chooses the page that checks: the option `lead` of a store.
   *
   * @category models
   * @since 0.1.0
   */
  Lead
} from "./internal/lead.ts"

export type {
  /**
   * The part of a `LockManager` that is used. It has to behave as one does.
   *
   * @category services
   * @since 0.1.0
   */
  Locks,
  /**
   * Opens a channel to all pages of the origin that open the same name. What a page posts does not arrive there itself.
   *
   * @category services
   * @since 0.1.0
   */
  OpenChannel,
  /**
   * Time, as a page has it.
   *
   * @category services
   * @since 0.1.0
   */
  Timer
} from "./internal/crossTab/services.ts"

/**
 * The options of `make`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /**
   * What the names of locks and of the channel begin with; not empty, and not beginning with `-`. Pages with different
   * names share nothing. Default: `"effect-poll"`.
   */
  readonly name?: string | undefined
  /**
   * How long a visible page waits for the page that checks, after its next state was due, before it takes over; a
   * positive finite duration. Up to 255 milliseconds are added, so that two pages do not take over at once. Default: 2
   * seconds.
   */
  readonly margin?: Duration.Input | undefined
  /** Web Locks; `null`: each page checks for itself. Default: those of the browser, if it has them. */
  readonly locks?: Locks | null | undefined
  /** Opens a channel to the other pages. Default: a `BroadcastChannel`, if the browser has it. */
  readonly openChannel?: OpenChannel | undefined
  /** Whether the page is visible or frozen. Default: that of the browser. */
  readonly environment?: Environment.Environment | undefined
  /** The time. Default: that of the browser. */
  readonly timer?: Timer | undefined
  /** What no other page has, and this page has no other time that it is loaded. Default: random. */
  readonly pageId?: string | undefined
}

/**
 * Makes the option `lead` of a store, so that one page checks for all.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: Options = {}): Lead => {
  const { name = "effect-poll", locks } = options
  if (name === "" || name.startsWith("-")) {
    throw new RangeError(`CrossTab.make: name must not be empty or begin with "-", got ${JSON.stringify(name)}`)
  }
  const marginMillis = check.millis("CrossTab.make: margin", options.margin ?? 2_000, 1)
  const lead = pages.make({
    name,
    marginMillis,
    locks: locks === null ? undefined : (locks ?? browser.locks()),
    openChannel: options.openChannel ?? browser.openChannel(),
    page: pages.pageOf(options.environment ?? Environment.browser, options.pageId ?? browser.randomId()),
    timer: options.timer ?? browser.timer
  })
  return { ...lead, wire }
}
