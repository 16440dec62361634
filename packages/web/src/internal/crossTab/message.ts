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
export const isMessage = (data: unknown): data is Message => {
  if (!isObject(data) || typeof data["id"] !== "string" || typeof data["from"] !== "string") return false
  switch (data["kind"]) {
    case "hello":
      return typeof data["isVisible"] === "boolean" && typeof data["isLeading"] === "boolean"
    case "state":
      return Number.isFinite(data["epoch"]) && (data["shared"] === undefined || isShared(data["shared"]))
    case "ask":
      return requests.includes(data["what"])
    default:
      return data["kind"] === "apart"
  }
}

// ---- internal ----

const requests: ReadonlyArray<unknown> = ["checkNow", "cancel", "pause", "unpause", "restart"] satisfies Array<Request>

const isObject = (data: unknown): data is Record<string, unknown> => typeof data === "object" && data !== null

const isShared = (data: unknown): boolean =>
  isObject(data) &&
  (data["token"] === undefined || isToken(data["token"])) &&
  (data["expectAt"] === undefined || typeof data["expectAt"] === "number")

const isToken = (data: unknown): boolean => {
  try {
    return typeof data === "string" && isObject(JSON.parse(data))
  } catch {
    return false
  }
}
