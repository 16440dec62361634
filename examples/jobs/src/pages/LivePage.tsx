import * as Strategy from "effect-poll/Strategy"
import { useState } from "react"
import { JobRow } from "../components/JobRow.tsx"
import { Exports, LiveExports } from "../jobs.ts"
import { runtime, usePoll } from "../polls.ts"
import * as Trace from "../trace.ts"
import { type AnySnapshot, span } from "../wording.ts"

const asked = { deadline: "5 minutes", strategy: Strategy.spaced("2 seconds") } as const
const told = { deadline: "5 minutes" } as const

/** The keys of three exports that take 20 seconds each. */
interface Race {
  readonly asked: string
  readonly told: string
  readonly lost: string
}

export const LivePage = () => {
  const [race, setRace] = useState<Race>()
  const [problem, setProblem] = useState<string>()
  const start = () => {
    startRace().then(setRace, (error: unknown) => setProblem(String(error)))
  }
  return (
    <>
      <title>Live updates · effect-poll</title>
      <div className="title">
        <h1>Live updates</h1>
        <button type="button" className="main" onClick={start}>
          {race === undefined ? "Start the race" : "Start again"}
        </button>
      </div>
      <p className="lead">
        One export of 20 seconds, three times. With server-sent events there are fewer checks and the end is known
        sooner. Some checks remain, since events can get lost.
      </p>
      {problem !== undefined && (
        <p className="problem" role="alert">
          The exports could not be submitted: {problem}
        </p>
      )}
      <ul className="jobs wide">
        <Asked id={race?.asked} />
        <Told id={race?.told} title="Events" about="The server sends an event when something changes." />
        <Told id={race?.lost} title="Events, the last one lost" about="A check finds the end." />
      </ul>
    </>
  )
}

// ---- internal ----

const startRace = async (): Promise<Race> => {
  const submit = (script: string) => runtime.runPromise(Exports.submit!({ script }))
  const [first, second, third] = await Promise.all([submit("race"), submit("race"), submit("race-lost")])
  Trace.name(first.key, "Polling")
  Trace.name(second.key, "Events")
  Trace.name(third.key, "Events, last one lost")
  return { asked: first.key, told: second.key, lost: third.key }
}

const Asked = ({ id }: { id: string | undefined }) => (
  <Lane id={id} title="Polling" about="A check every two seconds." snapshot={usePoll(Exports, id, asked)} />
)

const Told = ({ about, id, title }: { id: string | undefined; title: string; about: string }) => (
  <Lane id={id} title={title} about={about} snapshot={usePoll(LiveExports, id, told)} />
)

const Lane = ({
  about,
  id,
  snapshot,
  title
}: {
  id: string | undefined
  title: string
  about: string
  snapshot: AnySnapshot
}) => {
  const end = Trace.useTrace(id)?.steps.at(-1)
  const known = snapshot.outcome !== undefined && snapshot.startedAt !== undefined && end !== undefined
  return (
    <li>
      <JobRow
        id={id}
        title={title}
        about={known ? `Known after ${span(end.at - snapshot.startedAt)}.` : about}
        snapshot={snapshot}
      />
    </li>
  )
}
