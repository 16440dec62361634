import * as PollStore from "@effect-poll/web/PollStore"
import { createElement, type ReactElement, type ReactNode, useEffect, useMemo, useRef, useState } from "react"
import type { Provided, ProvidedContext } from "./context.ts"
import { Holds } from "./holds.ts"
import { warnOnce } from "./warn.ts"

export const providerOf = (context: ProvidedContext) => {
  const PollProvider = ({ children, store: given, ...options }: AnyProps): ReactElement => {
    const [holds] = useState(() => new Holds())
    const [generation, setGeneration] = useState(0)
    const isGiven = given !== undefined
    // The options with which it was made apply.
    const own = useMemo(() => (isGiven ? undefined : new Own(options, generation)), [isGiven, generation])
    const store = given ?? own?.store
    useEffect(() => {
      if (own?.isClosed === true) setGeneration(own.generation + 1)
      else return own?.use()
    }, [own])
    useEffect(() => holds.mount(), [holds])
    useWarning(options.layer, "layer")
    useWarning(given, "store")
    const provided = useMemo((): Provided => ({ store: store!, holds }), [store, holds])
    return createElement(context, { value: provided }, children)
  }
  return PollProvider
}

// ---- internal ----

interface AnyProps extends PollStore.Options {
  readonly store?: PollStore.PollStore | undefined
  readonly children?: ReactNode
}

/** A store of a provider: it is closed when nothing mounts it any longer. */
class Own {
  readonly store: PollStore.PollStore
  isClosed = false
  readonly generation: number
  private users = 0

  constructor(options: PollStore.Options, generation: number) {
    this.store = PollStore.make(options)
    this.generation = generation
  }

  use(): () => void {
    this.users++
    return () => {
      this.users--
      // StrictMode mounts it again at once.
      queueMicrotask(() => {
        if (this.users > 0 || this.isClosed) return
        this.isClosed = true
        void this.store.close()
      })
    }
  }
}

/** Warns of a value that is another one at each render. */
const useWarning = (value: object | undefined, name: string): void => {
  const last = useRef({ value, changes: 0 })
  useEffect(() => {
    if (last.current.value === value) return
    last.current = { value, changes: last.current.changes + 1 }
    if (last.current.changes < 2) return
    warnOnce(`PollProvider: the ${name} is another one at each render. Make it outside of the component.`)
  }, [value, name])
}
