import { Badges } from "../jobs.ts"
import { usePoll } from "../polls.ts"
import * as Trace from "../trace.ts"
import { Bell, Letter } from "./icons.tsx"

const badges = {
  "notifications/stats": { name: "Notifications", every: "10 seconds", icon: <Bell /> },
  "messages/unread": { name: "Messages", every: "15 minutes", icon: <Letter /> }
}
for (const [path, { name }] of Object.entries(badges)) Trace.name(path, name)

const options = { deadline: "unbounded" } as const

/** The number of unread items, checked as long as the page is open, and less often while it is hidden. */
export const Badge = ({ path }: { path: keyof typeof badges }) => {
  const { status } = usePoll(Badges, path, options)
  const { every, icon, name } = badges[path]
  return (
    <p className="badge" title={`${name}, checked every ${every}`}>
      {icon}
      <span className="visually-hidden">{name}: </span>
      <span className="count">{status?._tag === "Pending" ? Number(status.detail) : "–"}</span>
    </p>
  )
}
