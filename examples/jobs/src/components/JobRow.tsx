import { type ReactNode, useId } from "react"
import { useTrace } from "../trace.ts"
import { type AnySnapshot, noteOf, requestsOf, stateOf } from "../wording.ts"
import { Countdown } from "./Countdown.tsx"
import { Ring } from "./Ring.tsx"

/** One wait, whatever its job. The buttons are its children. */
export const JobRow = ({
  about,
  children,
  id,
  snapshot,
  title
}: {
  id: string
  title: string
  about: string
  snapshot: AnySnapshot
  children?: ReactNode
}) => {
  const heading = useId()
  const trace = useTrace(id)
  const { tone, word } = stateOf(snapshot)
  const note = noteOf(snapshot)
  return (
    <article className="job" data-tone={tone} aria-labelledby={heading}>
      <Ring snapshot={snapshot} />
      <div className="head">
        <h3 id={heading}>{title}</h3>
        <span className="state">{word}</span>
      </div>
      <p className="about">{about}</p>
      <Progress label={title} snapshot={snapshot} />
      <p className="foot">
        <span className="number">{requestsOf(trace)}</span>
        <span>{note === "" ? <Countdown snapshot={snapshot} /> : <Note text={note} snapshot={snapshot} />}</span>
      </p>
      {children !== undefined && <div className="actions">{children}</div>}
    </article>
  )
}

// ---- internal ----

const Note = ({ snapshot, text }: { text: string; snapshot: AnySnapshot }) =>
  snapshot.phase === "ended" ? <strong>{text}</strong> : <Countdown snapshot={snapshot} />

/** A bar with the share that the server reports, one that only moves, or one that has come to its end. */
const Progress = ({ label, snapshot }: { label: string; snapshot: AnySnapshot }) => {
  const { outcome, status } = snapshot
  const share = outcome?._tag === "Success" ? 1 : status?._tag === "Pending" ? status.progress : undefined
  if (outcome !== undefined || share !== undefined) {
    return <progress aria-label={label} value={share ?? 0} max={1} />
  }
  return <progress aria-label={label} />
}
