import { useState } from "react"
import { clear, type Trace, useTraces } from "../trace.ts"
import { Steps } from "./Steps.tsx"
import { Timeline } from "./Timeline.tsx"

/** A timeline of all waits of this page, and the steps of one of them. */
export const Panel = () => {
  const traces = useTraces()
  const [chosen, choose] = useState<string>()
  const trace = traces.find(({ key }) => key === chosen) ?? traces.find(({ job }) => job !== "badge")
  return (
    <aside className="panel" aria-labelledby="panel-title">
      <div className="title">
        <h2 id="panel-title">Every request</h2>
        <p className="number total">{total(traces)}</p>
        <button type="button" className="plain" onClick={clear}>
          Clear ended
        </button>
      </div>
      <Timeline traces={traces} chosen={trace?.key} onChoose={choose} />
      <Legend />
      {trace !== undefined && <Steps trace={trace} />}
    </aside>
  )
}

// ---- internal ----

const total = (traces: ReadonlyArray<Trace>): string =>
  `${traces.reduce((sum, { requests }) => sum + requests, 0)} so far`

const Legend = () => (
  <ul className="legend" aria-label="Legend">
    <li>
      <i className="mark check" /> check
    </li>
    <li>
      <i className="mark trouble" /> failed check
    </li>
    <li>
      <i className="mark told" /> event
    </li>
    <li>
      <i className="mark planned" /> planned
    </li>
    <li>
      <i className="wait hinted" /> delay that the server requested
    </li>
  </ul>
)
