import { type FormEvent, useState } from "react"
import { JobRow } from "../components/JobRow.tsx"
import { Packages } from "../jobs.ts"
import { runtime, usePoll } from "../polls.ts"
import { goTo } from "../route.tsx"
import * as Trace from "../trace.ts"

const options = { deadline: "15 minutes" } as const

/** Submits a package, then waits for the one in the URL: so links and reloads work. */
export const BuilderPage = ({ id }: { id: string | undefined }) => {
  const build = usePoll(Packages, id, options)
  return (
    <>
      <title>Package builder · effect-poll</title>
      <div className="title">
        <h1>Package builder</h1>
      </div>
      <p className="lead">
        The poll runs as long as this page is shown. Leave it, and the requests stop; come back, and the same wait
        continues with its next check.
      </p>
      {id === undefined ? (
        <Order />
      ) : (
        <>
          <ul className="jobs wide">
            <li>
              <JobRow
                id={id}
                title="Wedding of Ada and Ben"
                about="Checked every five seconds while it is shown."
                snapshot={build}
              >
                <button type="button" onClick={build.checkNow} disabled={build.phase === "ended"}>
                  Check now
                </button>
                <button type="button" onClick={() => goTo("/builder")}>
                  Build another
                </button>
              </JobRow>
            </li>
          </ul>
          <ol className="try">
            <li>
              Open <b>Jobs</b> for a while. In the timeline, the checks of this package stop.
            </li>
            <li>
              Come back. The number of requests is unchanged, and the next check follows when it is due, not before.
            </li>
          </ol>
        </>
      )}
    </>
  )
}

// ---- internal ----

const endings = [
  ["package-done", "is ready after 24 seconds"],
  ["package-failed", "fails after 12 seconds"],
  ["package-expired", "expires after 14 seconds"]
] as const

const Order = () => {
  const [script, setScript] = useState<string>(endings[0][0])
  const [problem, setProblem] = useState<string>()
  const [isSending, setSending] = useState(false)

  const submit = async (event: FormEvent) => {
    event.preventDefault()
    setSending(true)
    try {
      const { key } = await runtime.runPromise(Packages.submit!({ script }))
      Trace.name(key, "Package")
      goTo(`/builder/${key}`)
    } catch (error) {
      setProblem(String(error))
      setSending(false)
    }
  }

  return (
    <form className="order" onSubmit={(event) => void submit(event)}>
      <fieldset>
        <legend>A package of invitations, seating plan and photos that</legend>
        {endings.map(([value, label]) => (
          <label key={value}>
            <input type="radio" name="script" checked={value === script} onChange={() => setScript(value)} /> {label}
          </label>
        ))}
      </fieldset>
      <button type="submit" className="main" disabled={isSending}>
        Build it
      </button>
      {problem !== undefined && (
        <p className="problem" role="alert">
          The package could not be submitted: {problem}
        </p>
      )}
    </form>
  )
}
