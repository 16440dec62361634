/** One timer for every number on the page that counts seconds; it stops while nothing counts. */
import { useCallback, useSyncExternalStore } from "react"

/** Seconds from now until a time in milliseconds since 1970, rounded up, at least 0. */
export const useSecondsUntil = (at: number): number =>
  useSyncExternalStore(
    subscribe,
    useCallback(() => Math.max(0, Math.ceil((at - Date.now()) / 1000)), [at])
  )

// ---- internal ----

const listeners = new Set<() => void>()
let timer: ReturnType<typeof setInterval> | undefined

const subscribe = (listener: () => void) => {
  listeners.add(listener)
  timer ??= setInterval(() => {
    for (const each of listeners) each()
  }, 200)
  return () => {
    listeners.delete(listener)
    if (listeners.size > 0) return
    clearInterval(timer)
    timer = undefined
  }
}
