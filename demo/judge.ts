import { isDeepStrictEqual } from "node:util"
import type { Failure } from "@effect-poll/testing/JobScript"
import type { Truth } from "@effect-poll/testing/Truth"
import { hasProperty } from "effect/Predicate"
import type { Plan } from "./plan.ts"
import * as Pushes from "./pushes.ts"
import type { Requests } from "./tally.ts"
import type { WaitOutcome } from "./watch.ts"

/** A difference between what the waits found and what the server recorded. */
export interface Mismatch {
  /** Undefined if the mismatch concerns all of them. */
  readonly provider: Plan["provider"] | undefined
  /** The plan and id of the job, or what else the mismatch is about. */
  readonly subject: string
  readonly aspect: string
  readonly observed: unknown
  readonly truth: unknown
}

/** Everything there is to compare at the end of the simulation. */
export interface Evidence {
  readonly waits: ReadonlyArray<WaitOutcome>
  readonly truths: ReadonlyArray<Truth>
  /** The requests sent to endpoints without a job, by their id in the truth. */
  readonly endpoints: Readonly<Record<string, Requests>>
  /** The ids in Mixpeek's list. */
  readonly listed: ReadonlyArray<string>
  /** All requests that were sent. */
  readonly sent: Requests
  /** How many requests the server received. */
  readonly received: number
  /** How many webhooks arrived at each path of the inbox. */
  readonly posts: Readonly<Record<string, number>>
}

/** Compares everything that the waits found with what the server recorded. */
export const judge = (evidence: Evidence): ReadonlyArray<Mismatch> => {
  const truths = new Map(evidence.truths.map((truth) => [truth.id, truth]))
  const watched = new Set(evidence.waits.map(({ id }) => id))
  return [
    ...evidence.waits.flatMap((wait) => ofJob(wait, truths.get(wait.id))),
    ...evidence.truths.filter(({ id }) => !watched.has(id)).flatMap((truth) => ofUnwatched(truth, evidence)),
    ...ofList(evidence),
    ...ofPosts(evidence),
    ...(agree(evidence.sent, evidence.received)
      ? []
      : [differ(undefined, "all providers", "request count", evidence.sent, evidence.received)])
  ]
}

/** The value that a wait must succeed with, from the result that the server recorded. */
export const valueOf = ({ id, kind, provider, result }: Truth): unknown => {
  if (provider === "EventPlatform" && kind === "package") return { id, url: result }
  if (provider === "GenerationApi") return hasProperty(result, "resultUrls") ? result.resultUrls : result
  return result
}

/** The failure that a wait must end with, from the one that the server recorded. */
export const failureOf = ({ failure, provider }: Truth): string =>
  failure === undefined ? "Unknown error" : provider === "GenerationApi" ? coded(failure) : failure.message

// ---- internal ----

const ofJob = (wait: WaitOutcome, truth: Truth | undefined): ReadonlyArray<Mismatch> => {
  const { ending, id, plan } = wait
  const found: Array<Mismatch> = []
  const differs = (aspect: string, ours: unknown, theirs: unknown) =>
    found.push(differ(plan.provider, `${plan.name} ${id}`, aspect, ours, theirs))

  if (truth === undefined) {
    differs("job", "watched", "unknown to the server")
    return found
  }
  const ended = truth.endedAt !== undefined && truth.endedAt <= wait.detectedAt ? truth.outcome : undefined
  if (ending.kind !== plan.ending) {
    differs("ending", `${ending.kind}: ${ending.message ?? ""}`, `${ended ?? "not ended"}, planned as ${plan.ending}`)
  } else {
    switch (ending.kind) {
      case "succeeded":
      case "failed":
      case "canceled":
      case "expired":
        if (ended !== ending.kind) differs("ending", ending.kind, ended ?? "not ended")
        break
      case "timedOut":
      case "stalled":
        if (ended !== undefined) differs("ending", ending.kind, ended)
        break
      case "rejected":
        if (truth.faultsServed === 0 && typeof truth.result !== "string") {
          differs("ending", ending.message, "every response was well-formed")
        }
        break
      case "notFound":
      case "broken":
    }
  }
  if (ending.kind === "succeeded" && !isDeepStrictEqual(ending.value, valueOf(truth))) {
    differs("result", ending.value, valueOf(truth))
  }
  if (ending.kind === "failed" && String(ending.value) !== failureOf(truth)) {
    differs("failure", String(ending.value), failureOf(truth))
  }
  if (!agree(wait.requests, truth.requests)) differs("request count", wait.requests, truth.requests)
  if (repeatsWithinCheck(plan) ? wait.checks > wait.requests.sent : wait.checks !== wait.requests.sent) {
    differs("check count", wait.checks, wait.requests)
  }
  const late =
    wait.requests.sent > wait.sentAtEnd || ((truth.lastRequestAt ?? 0) > wait.detectedAt && wait.requests.aborted === 0)
  if (late) differs("check after the end of the wait", { at: wait.detectedAt, sent: wait.sentAtEnd }, truth)
  if (wait.actionError !== undefined) differs("kill or signal", wait.actionError, truth.outcome)
  return found
}

/** Jobs without a wait are earlier runs of a campaign, and are never checked. */
const ofUnwatched = (truth: Truth, { endpoints, waits }: Evidence): ReadonlyArray<Mismatch> => {
  const counts = endpoints[truth.id]
  if (counts !== undefined) {
    return agree(counts, truth.requests)
      ? []
      : [differ(truth.provider, truth.id, "request count", counts, truth.requests)]
  }
  const isEarlierRun = waits.some(({ plan }) => plan.work.type === "campaign" && plan.name === truth.ids["eid"])
  return isEarlierRun && truth.requests === 0
    ? []
    : [differ(truth.provider, truth.id, "job", "not watched", `${truth.requests} requests`)]
}

const ofList = ({ listed, truths }: Evidence): ReadonlyArray<Mismatch> => {
  const expected = truths.filter((truth) => truth.listed > 0).map(({ id }) => id)
  return isDeepStrictEqual(listed.toSorted(), expected.toSorted())
    ? []
    : [differ("Mixpeek", "list", "tasks in the list", listed, expected)]
}

/** Every task calls its target once; the other paths get one webhook per end that was subscribed to. */
const ofPosts = ({ posts, waits }: Evidence): ReadonlyArray<Mismatch> =>
  Object.entries(Pushes.expected(waits.map(({ plan }) => plan))).flatMap(([path, expected]) =>
    (posts[path] ?? 0) === expected
      ? []
      : [differ(path === "/callback" ? "GenerationApi" : "AsyncQueue", `webhooks to ${path}`, "count", posts, expected)]
  )

/** An aborted request may or may not have arrived; every other one has. */
const agree = ({ aborted, sent }: Requests, received: number): boolean => received <= sent && received >= sent - aborted

/** Whether one check may send several requests. */
const repeatsWithinCheck = ({ work }: Plan): boolean => work.type === "generation" && work.strategy === "resilient"

const coded = ({ code, message }: Failure): string => `${code}: ${message}`

const differ = (
  provider: Mismatch["provider"],
  subject: string,
  aspect: string,
  observed: unknown,
  truth: unknown
): Mismatch => ({
  provider,
  subject,
  aspect,
  observed,
  truth
})
