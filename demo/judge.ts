import { isDeepStrictEqual } from "node:util"
import type { Failure } from "@effect-poll/testing/JobScript"
import type { Truth } from "@effect-poll/testing/Truth"
import { hasProperty } from "effect/Predicate"
import type { Plan } from "./plan.ts"
import * as Pushes from "./pushes.ts"
import type { Requests } from "./tally.ts"
import type { Seen } from "./watch.ts"

/** A difference between what we learned and what really happened. */
export interface Mismatch {
  /** Undefined where it is of all of them. */
  readonly provider: Plan["provider"] | undefined
  /** The job's plan and id, or what else it is about. */
  readonly of: string
  readonly what: string
  readonly seen: unknown
  readonly truth: unknown
}

/** What there is to judge at the end of a demo. */
export interface Evidence {
  readonly seen: ReadonlyArray<Seen>
  readonly truths: ReadonlyArray<Truth>
  /** What was sent to the endpoints that have no job, by the id that the truth has for them. */
  readonly endpoints: Readonly<Record<string, Requests>>
  /** The ids that Mixpeek's list answered. */
  readonly listed: ReadonlyArray<string>
  /** All requests: what we sent, and what the server received. */
  readonly sent: Requests
  readonly received: number
  /** How many posts came to each path of the inbox. */
  readonly posts: Readonly<Record<string, number>>
}

/** Compares everything that we learned with the truth of the server. */
export const judge = (evidence: Evidence): ReadonlyArray<Mismatch> => {
  const truths = new Map(evidence.truths.map((truth) => [truth.id, truth]))
  const watched = new Set(evidence.seen.map(({ id }) => id))
  return [
    ...evidence.seen.flatMap((seen) => ofJob(seen, truths.get(seen.id))),
    ...evidence.truths.filter(({ id }) => !watched.has(id)).flatMap((truth) => ofUnwatched(truth, evidence)),
    ...ofList(evidence),
    ...ofPosts(evidence),
    ...(agree(evidence.sent, evidence.received)
      ? []
      : [differ(undefined, "all providers", "request count", evidence.sent, evidence.received)])
  ]
}

/** What the wire makes of a job's result: what a success must have as its value. */
export const valueOf = ({ id, kind, provider, result }: Truth): unknown => {
  if (provider === "EventPlatform" && kind === "package") return { id, url: result }
  if (provider === "GenerationApi") return hasProperty(result, "resultUrls") ? result.resultUrls : result
  return result
}

/** What the wire makes of a job's failure. */
export const failureOf = ({ failure, provider }: Truth): string =>
  failure === undefined ? "Unknown error" : provider === "GenerationApi" ? coded(failure) : failure.message

// ---- internal ----

const ofJob = (seen: Seen, truth: Truth | undefined): ReadonlyArray<Mismatch> => {
  const { ending, id, plan } = seen
  const found: Array<Mismatch> = []
  const differs = (what: string, ours: unknown, theirs: unknown) =>
    found.push(differ(plan.provider, `${plan.name} ${id}`, what, ours, theirs))

  if (truth === undefined) {
    differs("job", "watched", "unknown to the server")
    return found
  }
  const ended = truth.endedAt !== undefined && truth.endedAt <= seen.knownAt ? truth.outcome : undefined
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
          differs("ending", ending.message, "every answer was well-formed")
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
  if (!agree(seen.requests, truth.requests)) differs("request count", seen.requests, truth.requests)
  if (repeatsWithinCheck(plan) ? seen.checks > seen.requests.sent : seen.checks !== seen.requests.sent) {
    differs("check count", seen.checks, seen.requests)
  }
  const late =
    seen.requests.sent > seen.sentByEnd || ((truth.lastRequestAt ?? 0) > seen.knownAt && seen.requests.cut === 0)
  if (late) differs("check after the end of the wait", { at: seen.knownAt, sent: seen.sentByEnd }, truth)
  if (seen.trouble !== undefined) differs("kill or signal", seen.trouble, truth.outcome)
  return found
}

/** Jobs that nobody watched are earlier runs of a campaign, and get no check of their own. */
const ofUnwatched = (truth: Truth, { endpoints, seen }: Evidence): ReadonlyArray<Mismatch> => {
  const counts = endpoints[truth.id]
  if (counts !== undefined) {
    return agree(counts, truth.requests)
      ? []
      : [differ(truth.provider, truth.id, "request count", counts, truth.requests)]
  }
  const isEarlierRun = seen.some(({ plan }) => plan.work.lane === "campaign" && plan.name === truth.ids["eid"])
  return isEarlierRun && truth.requests === 0
    ? []
    : [differ(truth.provider, truth.id, "job", "not watched", `${truth.requests} requests`)]
}

const ofList = ({ listed, truths }: Evidence): ReadonlyArray<Mismatch> => {
  const answered = truths.filter((truth) => truth.listed > 0).map(({ id }) => id)
  return isDeepStrictEqual(listed.toSorted(), answered.toSorted())
    ? []
    : [differ("Mixpeek", "list", "tasks in the list", listed, answered)]
}

/** A target is called for every task, at its creation; the others at the ends that were asked to be told of. */
const ofPosts = ({ posts, seen }: Evidence): ReadonlyArray<Mismatch> =>
  Object.entries(Pushes.expected(seen.map(({ plan }) => plan))).flatMap(([path, expected]) =>
    (posts[path] ?? 0) === expected
      ? []
      : [differ(path === "/callback" ? "GenerationApi" : "AsyncQueue", `posts to ${path}`, "count", posts, expected)]
  )

/** A request that we gave up may have arrived or not; every other one has. */
const agree = ({ cut, sent }: Requests, received: number): boolean => received <= sent && received >= sent - cut

/** There one check may be several requests. */
const repeatsWithinCheck = ({ work }: Plan): boolean => work.lane === "generation" && work.strategy === "resilient"

const coded = ({ code, message }: Failure): string => `${code}: ${message}`

const differ = (provider: Mismatch["provider"], of: string, what: string, seen: unknown, truth: unknown): Mismatch => ({
  provider,
  of,
  what,
  seen,
  truth
})
