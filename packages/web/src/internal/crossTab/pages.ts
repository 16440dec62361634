import type { Environment } from "../../Environment.ts"
import type { Lead, Member, Membership } from "../lead.ts"
import { isMessage } from "./message.ts"
import { Seat } from "./seat.ts"
import type { Channel, Locks, OpenChannel, Page, Timer } from "./services.ts"

export interface Settings {
  readonly name: string
  readonly marginMillis: number
  readonly locks: Locks | undefined
  readonly openChannel: OpenChannel | undefined
  readonly page: Page
  readonly timer: Timer
}

/** A page, by what a store is told about it. */
export const pageOf = ({ isFrozen, isHidden, subscribe }: Environment, id: string): Page => ({
  id,
  state: () => (isFrozen?.() === true ? "away" : isHidden() ? "hidden" : "visible"),
  subscribe
})

/** The part of this page in all choices: one channel, and one seat for each entry. */
export const make = ({ locks, marginMillis, name, openChannel, page, timer }: Settings): Lead => {
  const seats = new Map<string, Seat>()
  let canShare = locks !== undefined && openChannel !== undefined
  let channel: Channel | undefined
  let unsubscribe: () => void = () => undefined
  let isAway = false

  const open = (): void => {
    if (!canShare || channel !== undefined) return
    try {
      channel = openChannel?.(`${name}/1`, (message) => {
        if (isMessage(message) && message.from !== page.id) seats.get(message.id)?.receive(message)
      })
    } catch {
      // Such as in a frame of an opaque origin.
      canShare = false
    }
  }
  const close = (): void => {
    channel?.close()
    channel = undefined
  }
  const onPage = (): void => {
    const wasAway = isAway
    isAway = page.state() === "away"
    if (isAway && !wasAway) {
      for (const seat of seats.values()) seat.exit()
      close()
    } else if (!isAway) {
      if (wasAway) open()
      for (const seat of seats.values()) {
        if (wasAway) seat.enter()
        else seat.look()
      }
    }
  }
  const host = {
    pageId: page.id,
    locks: () => (canShare ? locks : undefined),
    timer,
    marginMillis: marginMillis + staggerMillis(page.id),
    lockName: (id: string) => `${name}/1/${id}`,
    pageState: page.state,
    post: (id: string, message: object) => channel?.post({ ...message, id, from: page.id })
  }

  return {
    join: (id: string, member: Member): Membership => {
      if (seats.has(id)) throw new RangeError(`CrossTab: this page already takes part for ${id}`)
      const seat = new Seat(host, id, member)
      if (seats.size === 0) {
        unsubscribe = page.subscribe(onPage)
        isAway = page.state() === "away"
      }
      seats.set(id, seat)
      if (!isAway) {
        open()
        seat.enter()
      }
      return {
        share: (shared) => seat.share(shared),
        ask: (what) => seat.ask(what),
        leave: () => {
          seat.leave()
          if (seats.get(id) !== seat) return
          seats.delete(id)
          if (seats.size > 0) return
          unsubscribe()
          close()
        }
      }
    }
  }
}

// ---- internal ----

/** Keeps apart pages that would take over at the same time. */
const staggerMillis = (id: string): number => Number.parseInt(id.slice(0, 2), 16) || 0
