import { type ReactNode, useId } from "react"
import { useTrace } from "../trace.ts"
import { idle } from "@effect-poll/web/Snapshot"
import { type AnySnapshot, noteOf, reasonOf, requestsOf, stateOf } from "../wording.ts"
import { Countdown } from "./Countdown.tsx"
import { Ring } from "./Ring.tsx"

/** One wait, whatever its job. The buttons are its children. */
export const JobRow = ({
  about,
  children,
  id,
  snapshot = idle,
  title
}: {
  id: string | undefined
  title: string
  about: string
  snapshot: AnySnapshot | undefined
  children?: ReactNode
}) => {
  const heading = useId()
  const trace = useTrace(id)
  const { tone, word } = stateOf(snapshot)
  return (
    <article className="job" data-tone={tone} data-phase={snapshot.phase} aria-labelledby={heading}>
      <Ring snapshot={snapshot} />
      <div className="head">
        <h3 id={heading}>{title}</h3>
        <span className="state">{word}</span>
      </div>
      <p className="about">{about}</p>
      <Progress label={title} snapshot={snapshot} />
      <p className="foot">
        <span className="number">{requestsOf(trace)}</span>
        <span>
          <Countdown snapshot={snapshot} />
        </span>
      </p>
      <p className="note">{noteOf(snapshot) || reasonOf(snapshot.waitReason)}</p>
      {children !== undefined && <div className="actions">{children}</div>}
    </article>
  )
}

// ---- internal ----

/** A bar with the progress that the server reports, or an indeterminate one. */
const Progress = ({ label, snapshot }: { label: string; snapshot: AnySnapshot }) => {
  const { outcome, status } = snapshot
  const share = outcome?._tag === "Success" ? 1 : status?._tag === "Pending" ? status.progress : undefined
  return (
    <div className="bar">
      <progress aria-label={label} value={share ?? (outcome === undefined ? undefined : 0)} />
    </div>
  )
}
