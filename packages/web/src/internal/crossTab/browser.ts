import type { Locks, OpenChannel, Page, PageState, Timer } from "./services.ts"

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
        channel.onmessage = (event: MessageEvent<unknown>) => receive(event.data)
        return { post: (message) => channel.postMessage(message), close: () => channel.close() }
      }

/** The page, by the events of its document. Without a document it is always visible. */
export const page = (): Page => {
  const id = crypto.randomUUID()
  if (typeof document === "undefined") return { id, state: () => "visible", subscribe: () => () => undefined }
  let isAway = false
  const state = (): PageState => (isAway ? "away" : document.visibilityState === "hidden" ? "hidden" : "visible")
  const subscribe = (listener: () => void): (() => void) => {
    const onEvent = (event: Event): void => {
      // Chromium freezes a page in the back/forward cache too, and thaws it before it is shown.
      if (event.type === "pagehide" || event.type === "freeze") isAway = true
      if (event.type === "pageshow" || event.type === "resume") isAway = false
      listener()
    }
    for (const [target, name] of events()) target.addEventListener(name, onEvent)
    return () => {
      isAway = false
      for (const [target, name] of events()) target.removeEventListener(name, onEvent)
    }
  }
  return { id, state, subscribe }
}

export const timer: Timer = {
  now: () => Date.now(),
  after: (millis, run) => {
    // A longer delay than this runs at once in browsers.
    const handle = setTimeout(run, Math.min(millis, 2 ** 31 - 1))
    return () => clearTimeout(handle)
  }
}

// ---- internal ----

const events = (): ReadonlyArray<readonly [EventTarget, string]> => [
  [document, "visibilitychange"],
  [document, "freeze"],
  [document, "resume"],
  [window, "pagehide"],
  [window, "pageshow"]
]
