// The state of this page, by its events. The globals are read on use, not on load: a server has none of them.

interface Target {
  readonly addEventListener?: (type: string, listener: () => void) => void
  readonly removeEventListener?: (type: string, listener: () => void) => void
}

interface Host extends Target {
  readonly document?: Target & { readonly visibilityState?: string; readonly wasDiscarded?: boolean }
  readonly navigator?: { readonly onLine?: boolean }
}

const host: Host = globalThis

const listeners = new Set<() => void>()
let isFrozen = false

const tell = (): void => listeners.forEach((listener) => listener())

const frozen = (): void => {
  isFrozen = true
  tell()
}

const thawed = (): void => {
  isFrozen = false
  tell()
}

const events: ReadonlyArray<readonly [on: "document" | "page", type: string, listener: () => void]> = [
  ["document", "visibilitychange", tell],
  ["document", "freeze", frozen],
  ["document", "resume", thawed],
  ["page", "pagehide", frozen],
  ["page", "pageshow", thawed],
  ["page", "online", tell],
  ["page", "offline", tell]
]

const toggle = (method: "addEventListener" | "removeEventListener"): void => {
  for (const [on, type, listener] of events) (on === "page" ? host : host.document)?.[method]?.(type, listener)
}

export const browser = {
  isHidden: (): boolean => host.document?.visibilityState === "hidden",
  // React Native has a `navigator` without `onLine`.
  isOnline: (): boolean => host.navigator?.onLine !== false,
  isFrozen: (): boolean => isFrozen,
  subscribe: (listener: () => void): (() => void) => {
    if (listeners.size === 0) toggle("addEventListener")
    // The same function may subscribe twice.
    const own = (): void => listener()
    listeners.add(own)
    return () => {
      if (listeners.delete(own) && listeners.size === 0) {
        toggle("removeEventListener")
        isFrozen = false
      }
    }
  }
}
