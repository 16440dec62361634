/**
 * One page checks for all pages of an origin that show the same entry, and the others follow it.
 *
 * **Details**
 *
 * The page that holds the Web Lock of an entry checks for it, and sends each new state over a `BroadcastChannel`. When
 * another page takes over, it continues from the last state: with the attempts, the deadline, the step of the strategy
 * and the floor of the server.
 *
 * | event | what follows |
 * |---|---|
 * | the page that checks is closed or crashes | the browser gives its lock to another page |
 * | it is frozen, or enters the back/forward cache | it gives up the lock and the channel first, so it can be cached |
 * | it is hidden while another page is visible | the visible page takes the lock; a check in flight finishes first |
 * | its next state is overdue by `margin`, and it does not answer | a visible page takes the lock |
 * | it thaws after its lock was taken | it follows |
 * | all pages are hidden | the page that has the lock keeps it, and checks as the option `hidden` says |
 *
 * Where the browser has no Web Locks or no `BroadcastChannel`, and where the state of an entry cannot be encoded, each
 * page checks for itself. Browsers have Web Locks in secure contexts only (`https:` and `localhost`).
 *
 * **Gotchas**
 *
 * - Pages share an entry if their `name`, the name of the job and the encoded key are equal. If tabs can be signed in
 *   as different users, put the user into the `name`.
 * - The options of the page that checks apply. The deadline is part of the wait and is handed over with it.
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
   * Decides which page checks: the option `lead` of a store. `make` makes it.
   *
   * @category models
   * @since 0.1.0
   */
  Lead
} from "./internal/lead.ts"

export type {
  /**
   * The part of a `LockManager` (`navigator.locks`) that is used.
   *
   * @category services
   * @since 0.1.0
   */
  Locks,
  /**
   * Opens a channel to all other pages of the origin that open the same name. A page does not receive its own messages.
   *
   * @category services
   * @since 0.1.0
   */
  OpenChannel,
  /**
   * The clock and the timers of a page.
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
   * The prefix of the names of the locks and of the channel; not empty, and not starting with `-`. Pages with different
   * names share nothing. Default: `"effect-poll"`.
   */
  readonly name?: string | undefined
  /**
   * How long a visible page waits before it takes over from a page whose next state is overdue; a positive finite
   * duration. A number is milliseconds. Up to 255 milliseconds are added, so that two pages do not take over at the
   * same time. Default: 2 seconds.
   */
  readonly margin?: Duration.Input | undefined
  /** The Web Locks to use. With `null`, each page checks for itself. Default: those of the browser, if it has them. */
  readonly locks?: Locks | null | undefined
  /** Opens a channel to the other pages. Default: a `BroadcastChannel`, if the browser has them. */
  readonly openChannel?: OpenChannel | undefined
  /** Whether the page is visible or frozen. Default: that of the browser. */
  readonly environment?: Environment.Environment | undefined
  /** The clock and the timers. Default: those of the browser. */
  readonly timer?: Timer | undefined
  /** An id that is unique to this load of this page. Default: a random one. */
  readonly pageId?: string | undefined
}

/**
 * Makes the option `lead` of a store, so that one page checks for all pages that show the same entry. An out-of-range
 * option throws a RangeError.
 *
 * **Example** (One tab that checks for all)
 *
 * ```ts
 * import * as CrossTab from "@effect-poll/web/CrossTab"
 * import * as PollStore from "@effect-poll/web/PollStore"
 *
 * const store = PollStore.make({ lead: CrossTab.make({ name: "renders of user 7" }) })
 * await store.close()
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: Options = {}): Lead => {
  const { name = "effect-poll", locks } = options
  if (name === "" || name.startsWith("-")) {
    throw new RangeError(`CrossTab.make: name must not be empty or start with "-", got ${JSON.stringify(name)}`)
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
