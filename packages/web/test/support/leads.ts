import * as CrossTab from "@effect-poll/web/CrossTab"

type Lead = CrossTab.Lead
type Member = Parameters<Lead["join"]>[1]
type Shared = Parameters<ReturnType<Lead["join"]>["share"]>[0]

const { wire } = CrossTab.make({ locks: null })

/** Pages that share: the first one that joins checks, and `elect` chooses another one. */
export const makeLeads = () => {
  const seats: Array<{ readonly id: string; readonly member: Member; isLeading: boolean }> = []
  const sent: Array<Shared> = []
  let last: Shared | undefined

  const elect = (at: number): void => {
    seats.forEach((seat, index) => {
      if (index === at || !seat.isLeading) return
      seat.isLeading = false
      seat.member.stop()
    })
    const next = seats[at]
    if (next === undefined || next.isLeading) return
    next.isLeading = true
    next.member.lead(last)
  }
  const lead: Lead = {
    wire,
    join: (id, member) => {
      const seat = { id, member, isLeading: false }
      seats.push(seat)
      queueMicrotask(() => {
        if (!seats.some(({ isLeading }) => isLeading)) elect(seats.indexOf(seat))
        else if (last !== undefined && !seat.isLeading) member.follow(last)
      })
      return {
        share: (shared) => {
          if (!seat.isLeading) return
          last = structuredClone(shared)
          sent.push(last)
          for (const other of seats) if (other !== seat) other.member.follow(structuredClone(last))
        },
        ask: (what) => seats.find(({ isLeading }) => isLeading)?.member.asked(what),
        leave: () => {
          if (!seats.includes(seat)) return
          seats.splice(seats.indexOf(seat), 1)
          if (seat.isLeading) queueMicrotask(() => elect(0))
        }
      }
    }
  }
  return { lead, sent, elect, seats }
}
