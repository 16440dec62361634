import { usePoll } from "@effect-poll/react"
import { Badges } from "../jobs.ts"
import { Bell, Letter } from "./icons.tsx"

const options = { deadline: "unbounded" } as const

/** How many unread things there are. It is asked for as long as the page is open, and rarely while it is hidden. */
export const Badge = ({ name, path }: { path: "notifications/stats" | "messages/unread"; name: string }) => {
  const { status } = usePoll(Badges, path, options)
  const unread = status?._tag === "Pending" ? Number(status.detail) : undefined
  return (
    <p className="badge" title={`${name}, checked every ${path === "messages/unread" ? "15 minutes" : "10 seconds"}`}>
      {path === "messages/unread" ? <Letter /> : <Bell />}
      <span className="visually-hidden">{name}: </span>
      <span className="count">{unread ?? "–"}</span>
    </p>
  )
}
