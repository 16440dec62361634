import { type CSSProperties, useEffect, useState } from "react"
import type { Step, Trace } from "../trace.ts"

/** One row per job on a common tape. The tape moves by a CSS animation: nothing renders between two checks. */
export const Timeline = ({
  chosen,
  onChoose,
  traces
}: {
  traces: ReadonlyArray<Trace>
  chosen: string | undefined
  onChoose: (key: string) => void
}) => {
  const startedAt = useTapeStart()
  return (
    <div className="timeline" style={{ "--rows": traces.length } as CSSProperties}>
      <ul className="names">
        {traces.map(({ key, name, requests }) => (
          <li key={key}>
            <button type="button" aria-pressed={key === chosen} onClick={() => onChoose(key)}>
              <span>{name}</span>
              <span className="number" title="requests">
                {requests}
              </span>
            </button>
          </li>
        ))}
      </ul>
      <div className="strip" aria-hidden="true">
        <div key={startedAt} className="tape">
          {traces.map((trace, row) => (
            <Row key={trace.key} trace={trace} row={row} startedAt={startedAt} />
          ))}
        </div>
        <span className="now">now</span>
      </div>
    </div>
  )
}

// ---- internal ----

/** When the tape began to move. It begins anew when the page is shown again: animations do not run while a machine sleeps. */
const useTapeStart = (): number => {
  const [startedAt, setStartedAt] = useState(() => Date.now())
  useEffect(() => {
    const onShow = () => {
      if (!document.hidden) setStartedAt(Date.now())
    }
    document.addEventListener("visibilitychange", onShow)
    return () => document.removeEventListener("visibilitychange", onShow)
  }, [])
  return startedAt
}

/** Marks that have left the strip are not drawn. */
const visibleMillis = 120_000

const hints = new Set<string | undefined>(["serverHint", "throttled", "firstWait"])

const Row = ({ row, startedAt, trace }: { trace: Trace; row: number; startedAt: number }) => {
  const { nextAt, steps } = trace
  const from = (steps.at(-1)?.at ?? 0) - visibleMillis
  const place = (at: number, until?: number): CSSProperties => ({
    left: `calc(${(at - startedAt) / 1000} * var(--second))`,
    ...(until !== undefined && { width: `calc(${Math.max(0, until - at) / 1000} * var(--second))` })
  })
  return (
    <div className="row" style={{ top: `calc(${row} * var(--row))` }}>
      {steps.map((step, index) =>
        step.at < from ? null : (
          <StepMark key={step.id} step={step} style={place(step.at)} wait={waitOf(step, steps[index + 1], place)} />
        )
      )}
      {nextAt !== undefined && <i className="mark planned" style={place(nextAt)} />}
    </div>
  )
}

const waitOf = (step: Step, next: Step | undefined, place: (at: number, until: number) => CSSProperties) =>
  step.wait === undefined
    ? undefined
    : {
        className: `wait${hints.has(step.wait.reason) ? " hinted" : step.wait.reason === "checkError" ? " troubled" : ""}`,
        style: place(step.at, Math.min(step.at + step.wait.millis, next?.at ?? Infinity))
      }

const StepMark = ({
  step,
  style,
  wait
}: {
  step: Step
  style: CSSProperties
  wait: { className: string; style: CSSProperties } | undefined
}) => (
  <>
    {wait !== undefined && <i {...wait} />}
    <i className={`mark ${step.kind}`} style={style} title={step.text} />
  </>
)
