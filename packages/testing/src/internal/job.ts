/**
 * One job of a server, and what its script makes of it at a given time.
 *
 * All functions take the time as an argument: the state of a job is computed per request and not advanced by a timer.
 *
 * @since 0.1.0
 */
import * as Deferred from "effect/Deferred"
import type * as Duration from "effect/Duration"
import type { Failure, JobScript, Outcome } from "../JobScript.ts"
import type { ProviderName, Truth } from "../Truth.ts"

/** When and how a job ended, or will end. */
export interface End {
  readonly endedAt: number
  readonly outcome: Outcome
  readonly result: unknown
  readonly failure: Failure | undefined
}

/** One job. Only the counts and the early end change. */
export interface Job {
  readonly provider: ProviderName
  readonly kind: string
  readonly id: string
  readonly ids: Readonly<Record<string, string>>
  readonly params: Readonly<Record<string, string>>
  readonly body: unknown
  readonly script: JobScript
  readonly submittedAt: number
  readonly scriptedEnd: End
  /** Completed by an early end. */
  readonly settled: Deferred.Deferred<void>
  /** The end by a kill or a signal, before the scripted one. */
  earlyEnd: End | undefined
  requests: number
  lastRequestAt: number | undefined
  kills: number
  signals: number
  checksAfterEnd: number
  faultsServed: number
  listed: number
}

/** What a provider specifies about a new job. */
export interface NewJob {
  readonly provider: ProviderName
  readonly kind: string
  readonly id: string
  /** Ids that belong to this job alone. */
  readonly ids: Readonly<Record<string, string>>
  /** Ids of what the job belongs to, which other jobs share. */
  readonly sharedIds?: Readonly<Record<string, string>>
  readonly params?: Readonly<Record<string, string>>
  readonly body: unknown
  readonly script: JobScript | undefined
  /** The outcomes that the provider can express. */
  readonly outcomes: ReadonlyArray<Outcome>
  /** Adjusts the end that the script gives. */
  readonly adjustEnd?: (end: End, script: JobScript) => End
}

/** Real milliseconds of a nominal duration, rounded up. */
export type Scale = (nominal: Duration.Duration) => number

/** Creates a job that was just submitted. */
export const make = (options: NewJob, script: JobScript, submittedAt: number, scale: Scale): Job => {
  const end = scriptedEndOf(script, submittedAt + scale(script.duration), options.outcomes)
  return {
    provider: options.provider,
    kind: options.kind,
    id: options.id,
    ids: { ...options.sharedIds, ...options.ids },
    params: options.params ?? {},
    body: options.body,
    script,
    submittedAt,
    scriptedEnd: options.adjustEnd === undefined ? end : options.adjustEnd(end, script),
    settled: Deferred.makeUnsafe<void>(),
    earlyEnd: undefined,
    requests: 0,
    lastRequestAt: undefined,
    kills: 0,
    signals: 0,
    checksAfterEnd: 0,
    faultsServed: 0,
    listed: 0
  }
}

/** The end of a job, if it has ended. */
export const endOf = (job: Job, now: number): End | undefined =>
  job.earlyEnd ?? (now >= job.scriptedEnd.endedAt ? job.scriptedEnd : undefined)

/** The time at which a job leaves its queue: a tenth into its duration. */
export const startOf = ({ scriptedEnd, submittedAt }: Job): number =>
  submittedAt + (Number.isFinite(scriptedEnd.endedAt) ? (scriptedEnd.endedAt - submittedAt) / 10 : 100)

/** Whether a job has left its queue. */
export const hasStarted = (job: Job, now: number): boolean => now >= startOf(job)

/** The progress of a job between 0 and 1; undefined if it reports none. */
export const progressOf = (job: Job, now: number): number | undefined => {
  const { script, scriptedEnd, submittedAt } = job
  if (script.progress === "none") return undefined
  const end = endOf(job, now)
  if (end?.outcome === "succeeded") return 1
  if (script.progress === "frozen" || !Number.isFinite(scriptedEnd.endedAt)) return 0
  const share = ((end?.endedAt ?? now) - submittedAt) / (scriptedEnd.endedAt - submittedAt)
  return Math.max(0, Math.min(0.99, share))
}

/** The states of a provider. An outcome that it cannot express has none. */
export type States = { readonly queued: string; readonly running: string } & Partial<Record<Outcome, string>>

/** The state of a job on the wire: that of its script, otherwise that of the provider. */
export const stateOf = (job: Job, now: number, states: States): string => {
  const end = endOf(job, now)
  if (end !== undefined) return job.script.endState ?? states[end.outcome] ?? states.running
  return job.script.pendingState ?? (hasStarted(job, now) ? states.running : states.queued)
}

/** Whether the record of a job has expired, so that requests for it get a 404. */
export const isGone = ({ earlyEnd, script, scriptedEnd, submittedAt }: Job, now: number, scale: Scale): boolean => {
  if (script.recordTtl === undefined) return false
  const from = script.recordTtlFrom === "submission" ? submittedAt : (earlyEnd ?? scriptedEnd).endedAt
  return now >= from + scale(script.recordTtl)
}

/** What has happened to a job so far. */
export const truthOf = (job: Job, now: number): Truth => {
  const end = endOf(job, now)
  return {
    provider: job.provider,
    kind: job.kind,
    id: job.id,
    ids: job.ids,
    submittedAt: job.submittedAt,
    endedAt: end?.endedAt,
    outcome: end?.outcome,
    result: end?.result,
    failure: end?.failure,
    requests: job.requests,
    lastRequestAt: job.lastRequestAt,
    checksAfterEnd: job.checksAfterEnd,
    faultsServed: job.faultsServed,
    listed: job.listed
  }
}

// ---- internal ----

const scriptedEndOf = (script: JobScript, endedAt: number, outcomes: ReadonlyArray<Outcome>): End => {
  const expressible = outcomes.includes(script.outcome)
  return {
    endedAt,
    outcome: expressible ? script.outcome : "failed",
    result: script.outcome === "succeeded" ? script.result : undefined,
    failure:
      script.outcome === "failed"
        ? script.failure
        : expressible
          ? undefined
          : (script.failure ?? { code: script.outcome, message: script.outcome })
  }
}
