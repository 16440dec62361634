import { useState } from "react"
import { JobRow } from "../components/JobRow.tsx"
import { Batches, Exports, Pictures } from "../jobs.ts"
import { type Listed, startAll, useList } from "../list.ts"
import { usePoll, usePolls } from "../polls.ts"

// A wait is identified by its job and its key. The options are read when it begins.
const options = { deadline: "10 minutes" } as const

export const JobsPage = () => {
  const { jobs, problem } = useList()
  const exports = usePolls(
    Exports,
    jobs.flatMap(({ key, kind }) => (kind === "export" && key !== undefined ? [key] : [])),
    options
  )
  return (
    <>
      <title>Jobs · effect-poll</title>
      <div className="title">
        <h1>Jobs</h1>
        <button type="button" onClick={() => void startAll()}>
          Start again
        </button>
      </div>
      <p className="lead">
        Ten jobs on a server that behaves like a real one. Each has one loop, however many components show it.
      </p>
      {problem !== undefined && (
        <p className="problem" role="alert">
          The jobs could not be submitted: {problem}
        </p>
      )}
      <ul className="jobs">
        {jobs.map((job) => (
          <li key={job.title}>
            {job.kind === "batch" ? (
              <BatchRow job={job} />
            ) : job.kind === "picture" ? (
              <PictureRow job={job} />
            ) : (
              <JobRow
                id={job.key}
                title={job.title}
                about={job.about}
                snapshot={exports.find(({ key }) => key === job.key)}
              />
            )}
          </li>
        ))}
      </ul>
    </>
  )
}

// ---- internal ----

const BatchRow = ({ job: { about, key, title } }: { job: Listed }) => {
  const batch = usePoll(Batches, key, options)
  const [problem, setProblem] = useState<string>()
  const isOver = batch.phase === "ended"
  const cancel = () => {
    batch.cancel().catch((error: unknown) => setProblem(String(error)))
  }
  return (
    <JobRow id={key} title={title} about={about} snapshot={batch}>
      <button type="button" onClick={batch.checkNow} disabled={isOver}>
        Check now
      </button>
      <button type="button" onClick={batch.pausedBy === "user" ? batch.unpause : batch.pause} disabled={isOver}>
        {batch.pausedBy === "user" ? "Continue" : "Pause"}
      </button>
      <button type="button" onClick={cancel} disabled={isOver}>
        Cancel
      </button>
      {problem !== undefined && <p role="alert">{problem}</p>}
    </JobRow>
  )
}

const PictureRow = ({ job: { about, key, title } }: { job: Listed }) => (
  <JobRow id={key} title={title} about={about} snapshot={usePoll(Pictures, key, options)} />
)
