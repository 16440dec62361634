import * as Fault from "@effect-poll/testing/Fault"
import * as JobScript from "@effect-poll/testing/JobScript"
import type { Submission } from "@effect-poll/testing/Submission"
import { hasProperty } from "effect/Predicate"
import { type EndingKind, type Lane, lanes, type Plan, type Work } from "./plan.ts"

/**
 * Plans a number of jobs from the templates in turn, each time with other durations. Deterministic. Another batch has
 * jobs of the same kinds with other durations.
 */
export const make = (count: number, batch = 0): ReadonlyArray<Plan> =>
  Array.from({ length: count }, (_, position): Plan => {
    const index = position + batch * templates.length * Math.ceil(count / templates.length)
    const { make, provider } = templates[index % templates.length]!
    const round = Math.floor(index / templates.length)
    const [work, script, ending] = make(seconds(index), round)
    return { name: `${provider}-${index + 1}`, provider, work, script, ending: ending ?? script.outcome }
  })

/** Finds the script of a submission by the name of its plan, which every submission of the simulation contains. */
export const scriptOf = (plans: ReadonlyArray<Plan>): ((submission: Submission) => JobScript.JobScript) => {
  const scripts = new Map<unknown, JobScript.JobScript>()
  for (const { name, script, work } of plans) {
    scripts.set(name, script)
    if (work.type === "campaign") scripts.set(previousName(name), work.previous)
  }
  return (submission) => {
    const name = nameIn(submission)
    const script = scripts.get(name)
    if (script === undefined) throw new Error(`a submission to ${submission.provider} names no plan: ${String(name)}`)
    return script
  }
}

/** The name of the run before the one that is watched, for plans of campaigns. */
export const previousName = (name: string): string => `${name}-previous`

// ---- internal ----

/** Returns a number of nominal seconds between two bounds, as an integer. */
type Seconds = (minimum: number, maximum: number) => number

type Template = (
  seconds: Seconds,
  round: number
) => readonly [work: Work, script: JobScript.JobScript, ending?: EndingKind]

/** Evenly spread and the same in every run: multiples of the golden ratio modulo one. */
const seconds =
  (index: number): Seconds =>
  (minimum, maximum) =>
    minimum + Math.round((maximum - minimum) * ((index * 0.618_033_988_75) % 1))

const nameIn = ({ body, params }: Submission): unknown => {
  if (params["plan"] !== undefined) return params["plan"]
  if (hasProperty(body, "plan")) return body.plan
  if (hasProperty(body, "payload") && hasProperty(body.payload, "plan")) return body.payload.plan
  return hasProperty(body, "input") && hasProperty(body.input, "prompt") ? body.input.prompt : undefined
}

const succeeded = (seconds: number, options?: Parameters<typeof JobScript.succeeded>[1]) =>
  JobScript.succeeded({ seconds }, options)

const failed = (seconds: number, code: string, message: string, faults: ReadonlyArray<Fault.Fault> = []) =>
  JobScript.failed({ seconds }, { failure: { code, message }, faults })

const busy = Fault.tooManyRequests(2, "1 second")

const jobStatus: ReadonlyArray<Template> = [
  (s, n) => [{ type: "job" }, succeeded(s(5, 35), { result: { file: `report-${n}.pdf` } })],
  (s) => [{ type: "job" }, failed(s(5, 30), "E42", "the disk is full")],
  (s) => [{ type: "job" }, succeeded(s(8, 30), { faults: [Fault.serverError(2), Fault.drop(3)] })],
  (s) => [{ type: "job" }, JobScript.failed({ seconds: s(5, 25) })],
  (s) => [
    { type: "job" },
    succeeded(s(10, 30), { faults: [Fault.badGateway(1), Fault.html(2), Fault.badBody(3)], result: [1, 2, 3] })
  ],
  () => [{ type: "job" }, JobScript.endless({ progress: "frozen" }), "timedOut"],
  (s) => [{ type: "job" }, succeeded(s(5, 30), { faults: [busy] })],
  (s) => [
    { type: "job" },
    succeeded(s(5, 30), { faults: [Fault.latency(2, "8 seconds"), Fault.latency(3, "5 seconds")] })
  ]
]

const eventPlatform: ReadonlyArray<Template> = [
  (s, n) => [{ type: "task" }, succeeded(s(5, 300), { result: { guests: 100 + n } })],
  (s) => [{ type: "task" }, succeeded(s(5, 400))],
  (s) => [
    { type: "campaign", previous: succeeded(0, { result: "of the previous run" }) },
    succeeded(s(30, 240), { result: "published", staleFor: "12 seconds" })
  ],
  (s) => [{ type: "package" }, succeeded(s(10, 450))],
  (s) => [{ type: "task" }, failed(s(5, 200), "E1", "no such event", [Fault.drop(1), Fault.badGateway(3)])],
  (s) => [
    { type: "campaign", previous: failed(0, "E2", "of the previous run") },
    succeeded(s(20, 60), { staleFor: "8 seconds", faults: [Fault.serverError(2)] })
  ],
  (s, n) => [{ type: "tasteClusters" }, succeeded(s(10, 300), { result: { clusters: 3 + n } })],
  (s) => [{ type: "task" }, JobScript.canceled({ seconds: s(5, 200) })],
  (s) => [{ type: "package" }, failed(s(10, 300), "E3", "a file is missing")],
  (s) => [{ type: "package" }, JobScript.expired({ seconds: s(20, 300) })],
  (s) => [{ type: "tasteClusters" }, failed(s(10, 200), "E4", "too few guests")],
  () => [{ type: "task", stallAfterSeconds: 60 }, JobScript.endless({ progress: "frozen" }), "stalled"],
  (s) => [{ type: "task" }, succeeded(s(20, 300), { faults: [busy], retryAfter: "1 second" })]
]

const generate = (
  model: string,
  strategy: Extract<Work, { type: "generation" }>["strategy"] = "adaptive",
  callback = false
): Work => ({ type: "generation", model, strategy, callback })

const generationApi: ReadonlyArray<Template> = [
  (s) => [generate("nano-banana"), succeeded(s(4, 50))],
  (s) => [generate("sora-2"), succeeded(s(70, 540))],
  (s, n) => [generate("flux-2", "fixed"), succeeded(s(5, 90), { result: [`https://files.example.com/${n}.png`] })],
  (s) => [generate("veo-3-1"), succeeded(s(50, 420), { faults: [Fault.drop(1)] })],
  (s) => [generate("kling-9"), succeeded(s(15, 120))],
  (s) => [generate("suno", "exponential"), succeeded(s(20, 500), { faults: [Fault.serverError(2), busy] })],
  (s) => [generate("nano-banana"), failed(s(4, 40), "451", "network policy refused the prompt")],
  (s) => [generate("flux-2", "resilient"), succeeded(s(10, 120), { faults: [1, 2, 3, 5].map(Fault.drop) })],
  (s) => [generate("flux-2"), succeeded(s(12, 90), { result: '{"resultUrls":' }), "rejected"],
  (s) => [generate("suno"), succeeded(s(40, 270))],
  () => [generate("nano-banana"), JobScript.endless(), "timedOut"],
  (s) => [generate("flux-2", "adaptive", true), succeeded(s(12, 90), { faults: [Fault.badGateway(2)] })],
  (s) => [generate("nano-banana", "many"), succeeded(s(5, 90), { faults: [Fault.latency(4, "6 seconds")] })],
  () => [generate("flux-2", "resilient"), JobScript.endless({ faults: [Fault.serverError(4)] }), "rejected"],
  (s) => [generate("sora-2", "resilient"), failed(s(10, 90), "E_NET", "network error while rendering")],
  () => [generate("veo-3-1", "fixed"), JobScript.endless(), "timedOut"],
  (_, n) => (n === 0 ? [generate("sora-2"), JobScript.endless(), "timedOut"] : [generate("suno"), succeeded(60)])
]

const mixpeek: ReadonlyArray<Template> = [
  (s, n) => [{ type: "mixpeek", kind: "batch" }, succeeded(s(5, 400), { result: { documents: n * 10 } })],
  (s) => [
    { type: "mixpeek", kind: "batch" },
    succeeded(s(20, 400), { recordTtl: { seconds: 8 }, recordTtlFrom: "submission", result: ["from the batch"] })
  ],
  (s) => [{ type: "mixpeek", kind: "batch", killAfterSeconds: s(20, 200) }, JobScript.endless(), "canceled"],
  (s) => [{ type: "mixpeek", kind: "cluster" }, succeeded(s(5, 300), { pendingState: "IN_PROGRESS" })],
  (s) => [{ type: "mixpeek", kind: "taxonomy", killAfterSeconds: 5 }, succeeded(s(20, 300))],
  (s) => [{ type: "mixpeek", kind: "cluster" }, failed(s(5, 300), "E5", "no vectors", [Fault.drop(2), Fault.drop(3)])],
  (s) => [
    { type: "mixpeek", kind: "cluster" },
    succeeded(s(20, 300), { recordTtl: { seconds: 1 }, faults: [Fault.badGateway(4)] })
  ],
  (s) => [
    { type: "mixpeek", kind: "taxonomy" },
    succeeded(s(60, 90), { recordTtl: { seconds: 6 }, recordTtlFrom: "submission" }),
    "notFound"
  ],
  (s) => [{ type: "mixpeek", kind: "cluster", killAfterSeconds: s(30, 300) }, JobScript.endless(), "canceled"],
  (s) => [{ type: "mixpeek", kind: "batch", watches: "resource" }, succeeded(s(20, 200), { faults: [busy] })],
  (s) => [{ type: "mixpeek", kind: "batch" }, JobScript.canceled({ seconds: s(10, 300) })],
  (s) => [
    { type: "mixpeek", kind: "batch" },
    succeeded(s(60, 90), { recordTtl: { seconds: 6 }, recordTtlFrom: "submission", fallback: "missing" }),
    "notFound"
  ],
  (s) => [{ type: "mixpeek", kind: "taxonomy" }, failed(s(10, 300), "E6", "no such label")]
]

const laneIn = (round: number): Lane => lanes[round % lanes.length]!

const asyncQueue: ReadonlyArray<Template> = [
  (s, n) => [{ type: "queue", onComplete: true }, succeeded(s(3, 250), { result: { sent: n } })],
  (s, n) => [
    {
      type: "signal",
      maxWaitSeconds: 3600,
      signal: { lane: laneIn(n), afterSeconds: s(15, 300), status: "completed", result: { paid: n } }
    },
    JobScript.make()
  ],
  (s) => [{ type: "queue" }, failed(s(3, 250), "E7", "the target answered 410", [Fault.badGateway(1), Fault.drop(2)])],
  (s) => [{ type: "signal", maxWaitSeconds: s(30, 400) }, JobScript.make(), "expired"],
  (s) => [{ type: "queue", maxWaitSeconds: s(20, 300), onComplete: true }, JobScript.endless(), "expired"],
  (s, n) => [
    {
      type: "signal",
      maxWaitSeconds: 86_400,
      signal: {
        lane: laneIn(n + 2),
        lost: laneIn(n + 2) === "both" && n % 2 === 0,
        afterSeconds: s(15, 300),
        status: "failed",
        result: { message: "the review says no" },
        twice: true
      }
    },
    JobScript.make(),
    "failed"
  ],
  (s) => [{ type: "queue" }, succeeded(s(3, 300), { faults: [busy] })],
  () => [{ type: "queue", deadlineSeconds: 120 }, JobScript.endless(), "timedOut"]
]

/** Interleaved, so that even a few jobs include all providers. */
const templates = [
  ...spread("JobStatus", jobStatus),
  ...spread("EventPlatform", eventPlatform),
  ...spread("GenerationApi", generationApi),
  ...spread("Mixpeek", mixpeek),
  ...spread("AsyncQueue", asyncQueue)
].toSorted((a, b) => a.position - b.position)

function spread(provider: Plan["provider"], own: ReadonlyArray<Template>) {
  return own.map((make, index) => ({ provider, make, position: index / own.length }))
}
