import { useState } from "react"
import type { AnySnapshot } from "../wording.ts"
import { stateOf } from "../wording.ts"
import { Cross, Pause, Tick } from "./icons.tsx"

/** Shows how long it is until the next check, or how the wait ended. */
export const Ring = ({ snapshot }: { snapshot: AnySnapshot }) => {
  const { nextAt, phase } = snapshot
  const { tone } = stateOf(snapshot)
  return (
    <span className="ring" data-tone={tone} data-phase={phase} aria-hidden="true">
      {phase === "ended" ? (
        tone === "good" ? (
          <Tick />
        ) : (
          <Cross />
        )
      ) : phase === "paused" ? (
        <Pause />
      ) : (
        nextAt !== undefined && phase === "waiting" && <Arc key={nextAt} until={nextAt} />
      )}
    </span>
  )
}

// ---- internal ----

/** An arc that the style sheet empties, in ten steps a second: no timer and no render until the next check. */
const Arc = ({ until }: { until: number }) => {
  const [millis] = useState(() => Math.max(0, until - Date.now()))
  return (
    <svg viewBox="0 0 32 32" className="arc">
      <circle
        cx="16"
        cy="16"
        r="13"
        pathLength="1"
        style={{ animationDuration: `${millis}ms`, animationTimingFunction: `steps(${Math.ceil(millis / 100) || 1})` }}
      />
    </svg>
  )
}
