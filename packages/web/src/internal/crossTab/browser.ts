import type { Locks, OpenChannel, Timer } from "./services.ts"

/** The Web Locks of the page, or `undefined`: in an insecure context, an old browser, or outside of a browser. */
export const locks = (): Locks | undefined => {
  const own = typeof navigator === "undefined" ? undefined : (navigator.locks as LockManager | undefined)
  return own === undefined ? undefined : { request: (name, options, callback) => own.request(name, options, callback) }
}

/** Opens a `BroadcastChannel`; `undefined` where there are none. */
export const openChannel = (): OpenChannel | undefined =>
  typeof BroadcastChannel === "undefined"
    ? undefined
    : (name, receive) => {
        const channel = new BroadcastChannel(name)
        channel.addEventListener("message", ({ data }: MessageEvent<unknown>) => receive(data))
        // oxlint-disable-next-line unicorn/require-post-message-target-origin -- it reaches the origin of the page only
        return { post: (message) => channel.postMessage(message), close: () => channel.close() }
      }

/** Only where there are locks does it matter, and there it is random enough. */
export const randomId = (): string => (globalThis.crypto?.randomUUID as (() => string) | undefined)?.() ?? ""

export const timer: Timer = {
  // @effect-diagnostics-next-line globalDate:off
  now: () => Date.now(),
  after: (millis, run) => {
    // A longer delay than this runs at once in browsers.
    // @effect-diagnostics-next-line globalTimers:off
    const handle = setTimeout(run, Math.min(millis, 2 ** 31 - 1))
    return () => clearTimeout(handle)
  }
}
