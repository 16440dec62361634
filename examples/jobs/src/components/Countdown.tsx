import { useSecondsUntil } from "../clock.ts"
import type { AnySnapshot } from "../wording.ts"

/** The time until the next check. */
export const Countdown = ({ snapshot: { nextAt, pausedBy, phase } }: { snapshot: AnySnapshot }) => {
  if (phase === "checking") return "checking…"
  if (phase === "paused") return pauses[pausedBy ?? "user"]
  if (phase !== "waiting" || nextAt === undefined) return null
  return (
    <>
      next in <Seconds until={nextAt} />
    </>
  )
}

// ---- internal ----

const pauses = {
  hidden: "paused while the page is hidden",
  offline: "paused while offline",
  gate: "held back by a gate",
  user: "paused"
}

/** The only part that renders each second. */
const Seconds = ({ until }: { until: number }) => {
  const seconds = useSecondsUntil(until)
  return <span className="number">{seconds < 90 ? `${seconds} s` : `${Math.round(seconds / 60)} min`}</span>
}
