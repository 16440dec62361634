import { useTraces } from "../trace.ts"

/** Announces the end of each job to screen readers, and nothing else: announcing each check would be too much. */
export const Announcer = () => {
  const last = useTraces()
    .flatMap(({ name, steps }) => steps.slice(-1).map((step) => ({ name, step })))
    .filter(({ step }) => step.kind === "good" || step.kind === "bad")
    .reduce<{ name: string; step: { id: number; text: string } } | undefined>(
      (latest, each) => (latest === undefined || each.step.id > latest.step.id ? each : latest),
      undefined
    )
  return (
    <p className="visually-hidden" role="status">
      {last === undefined ? "" : `${last.name}: ${last.step.text}`}
    </p>
  )
}
