import type { Request, Shared } from "../lead.ts"

/** What pages say to each other about an entry. The version is in the name of the channel. */
export type Message = Envelope & (Hello | State | Ask | Apart)

export interface Envelope {
  /** The entry. */
  readonly id: string
  /** The page that says it. */
  readonly from: string
}

/** A page takes part, is visible again, or wonders whether the page that checks is still there. */
export interface Hello {
  readonly kind: "hello"
  readonly isVisible: boolean
  /** A hidden page that checks asks whether there is a visible one. */
  readonly isLeading: boolean
}

/** What the page that checks shares. */
export interface State {
  readonly kind: "state"
  /** Grows with each page that checks. */
  readonly epoch: number
  readonly shared: Shared | undefined
  readonly isHidden: boolean
  /** The page that is to take over. */
  readonly to: string | undefined
}

export interface Ask {
  readonly kind: "ask"
  readonly what: Request
}

/** The entry cannot be shared: each page checks for itself. */
export interface Apart {
  readonly kind: "apart"
}

/** The channel belongs to the origin, so anything may arrive in it. */
export const isMessage = (data: unknown): data is Message =>
  typeof data === "object" && data !== null && "id" in data && "from" in data && "kind" in data
