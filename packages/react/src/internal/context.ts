import type { PollStore } from "@effect-poll/web/PollStore"
import { type Context, createContext, useContext } from "react"
import type { Holds } from "./holds.ts"

/** What a `PollProvider` provides. */
export interface Provided {
  readonly store: PollStore
  /** Holds what is read by suspended components without a `PollBoundary`. */
  readonly holds: Holds
}

export type ProvidedContext = Context<Provided | undefined>

/** The context of the hooks without services. */
export const plain: ProvidedContext = /*#__PURE__*/ createContext<Provided | undefined>(undefined)

/** The nearest `PollBoundary`. */
export const boundary: Context<Holds | undefined> = /*#__PURE__*/ createContext<Holds | undefined>(undefined)

export const useProvided = (context: ProvidedContext, hook: string): Provided => {
  const provided = useContext(context)
  if (provided === undefined) throw new Error(`${hook}: there is no PollProvider above this component`)
  return provided
}
