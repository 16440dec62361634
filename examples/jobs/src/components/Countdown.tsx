import { useSecondsUntil } from "../clock.ts"
import { type AnySnapshot, reasonOf } from "../wording.ts"

/** When the next check is, and why then. */
export const Countdown = ({ snapshot }: { snapshot: AnySnapshot }) => {
  const { nextAt, pausedBy, phase, waitReason } = snapshot
  if (phase === "checking") return <>checking…</>
  if (phase === "paused") return <>{pauses[pausedBy ?? "user"]}</>
  if (phase !== "waiting" || nextAt === undefined) return null
  const reason = reasonOf(waitReason)
  return (
    <>
      next in <Seconds until={nextAt} />
      {reason !== "" && <span className="hint"> · {reason}</span>}
    </>
  )
}

// ---- internal ----

const pauses = {
  hidden: "paused while the page is hidden",
  offline: "paused while offline",
  gate: "held back",
  user: "paused"
}

/** The only part that renders each second. */
const Seconds = ({ until }: { until: number }) => {
  const seconds = useSecondsUntil(until)
  return <span className="number">{seconds < 90 ? `${seconds} s` : `${Math.round(seconds / 60)} min`}</span>
}
