import type { Trace } from "../trace.ts"
import { reasonOf, span } from "../wording.ts"

/** The steps of one wait, the newest first. */
export const Steps = ({ trace }: { trace: Trace }) => (
  // A region that scrolls must be reachable by the keyboard.
  <div className="steps" role="region" aria-label={`Checks of ${trace.name}`} tabIndex={0}>
    <table>
      <caption>
        {trace.name} <code>{trace.key}</code>
      </caption>
      <thead>
        <tr>
          <th scope="col">check</th>
          <th scope="col">answer</th>
          <th scope="col">then waits</th>
        </tr>
      </thead>
      <tbody>
        {trace.steps.toReversed().map(({ attempt, id, kind, text, wait }) => (
          <tr key={id} className={kind}>
            <td className="number">{attempt === 0 ? "" : attempt}</td>
            <td>{text}</td>
            <td>
              {wait !== undefined && (
                <>
                  <span className="number">{span(wait.millis)}</span> <small>{reasonOf(wait.reason)}</small>
                </>
              )}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  </div>
)
