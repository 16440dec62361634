import * as Fault from "@effect-poll/testing/Fault"
import * as JobScript from "@effect-poll/testing/JobScript"
import type { Submission } from "@effect-poll/testing/Submission"
import { hasProperty } from "effect/Predicate"
import type { EndingKind, Plan, Work } from "./plan.ts"

/** Makes the jobs of a demo: the templates in turn, each time with other figures. The same count gives the same jobs. */
export const make = (count: number): ReadonlyArray<Plan> =>
  Array.from({ length: count }, (_, index): Plan => {
    const { make, provider } = templates[index % templates.length]!
    const round = Math.floor(index / templates.length)
    const [work, script, ending] = make(seconds(index), round)
    return { name: `${provider}-${index + 1}`, provider, work, script, ending: ending ?? script.outcome }
  })

/** The script that a submission is to follow: every submission of the demo says in its own way which plan it is of. */
export const scriptOf = (plans: ReadonlyArray<Plan>): ((submission: Submission) => JobScript.JobScript) => {
  const scripts = new Map<unknown, JobScript.JobScript>()
  for (const { name, script, work } of plans) {
    scripts.set(name, script)
    if (work.lane === "campaign") scripts.set(previousName(name), work.previous)
  }
  return (submission) => {
    const name = nameIn(submission)
    const script = scripts.get(name)
    if (script === undefined) throw new Error(`a submission to ${submission.provider} names no plan: ${String(name)}`)
    return script
  }
}

/** What the run before the one that is watched is submitted as. */
export const previousName = (name: string): string => `${name}-previous`

// ---- internal ----

/** Draws a whole number of nominal seconds between two bounds. */
type Seconds = (least: number, most: number) => number

type Template = (
  seconds: Seconds,
  round: number
) => readonly [work: Work, script: JobScript.JobScript, ending?: EndingKind]

/** Evenly spread and the same in every run: multiples of the golden ratio, modulo one. */
const seconds =
  (index: number): Seconds =>
  (least, most) =>
    least + Math.round((most - least) * ((index * 0.618_033_988_75) % 1))

const nameIn = ({ body, params }: Submission): unknown => {
  if (params["plan"] !== undefined) return params["plan"]
  if (hasProperty(body, "plan")) return body.plan
  if (hasProperty(body, "payload") && hasProperty(body.payload, "plan")) return body.payload.plan
  return hasProperty(body, "input") && hasProperty(body.input, "prompt") ? body.input.prompt : undefined
}

const succeeded = (after: number, options?: Parameters<typeof JobScript.succeeded>[1]) =>
  JobScript.succeeded({ seconds: after }, options)

const failed = (after: number, code: string, message: string, faults: ReadonlyArray<Fault.Fault> = []) =>
  JobScript.failed({ seconds: after }, { failure: { code, message }, faults })

const busy = Fault.tooManyRequests(2, "1 second")

const jobStatus: ReadonlyArray<Template> = [
  (s, n) => [{ lane: "job" }, succeeded(s(5, 35), { result: { file: `report-${n}.pdf` } })],
  (s) => [{ lane: "job" }, failed(s(5, 30), "E42", "the disk is full")],
  (s) => [{ lane: "job" }, succeeded(s(8, 30), { faults: [Fault.serverError(2), Fault.drop(3)] })],
  (s) => [{ lane: "job" }, JobScript.failed({ seconds: s(5, 25) })],
  (s) => [
    { lane: "job" },
    succeeded(s(10, 30), { faults: [Fault.badGateway(1), Fault.html(2), Fault.badBody(3)], result: [1, 2, 3] })
  ],
  () => [{ lane: "job" }, JobScript.endless({ progress: "frozen" }), "timedOut"],
  (s) => [{ lane: "job" }, succeeded(s(5, 30), { faults: [busy] })],
  (s) => [
    { lane: "job" },
    succeeded(s(5, 30), { faults: [Fault.latency(2, "8 seconds"), Fault.latency(3, "5 seconds")] })
  ]
]

const eventPlatform: ReadonlyArray<Template> = [
  (s, n) => [{ lane: "task" }, succeeded(s(5, 300), { result: { guests: 100 + n } })],
  (s) => [{ lane: "task" }, succeeded(s(5, 400))],
  (s) => [
    { lane: "campaign", previous: succeeded(0, { result: "of the run before" }) },
    succeeded(s(30, 240), { result: "published", staleFor: "12 seconds" })
  ],
  (s) => [{ lane: "package" }, succeeded(s(10, 450))],
  (s) => [{ lane: "task" }, failed(s(5, 200), "E1", "no such event", [Fault.drop(1), Fault.badGateway(3)])],
  (s) => [
    { lane: "campaign", previous: failed(0, "E2", "of the run before") },
    succeeded(s(20, 60), { staleFor: "8 seconds", faults: [Fault.serverError(2)] })
  ],
  (s, n) => [{ lane: "tasteClusters" }, succeeded(s(10, 300), { result: { clusters: 3 + n } })],
  (s) => [{ lane: "task" }, JobScript.canceled({ seconds: s(5, 200) })],
  (s) => [{ lane: "package" }, failed(s(10, 300), "E3", "a file is missing")],
  (s) => [{ lane: "package" }, JobScript.expired({ seconds: s(20, 300) })],
  (s) => [{ lane: "tasteClusters" }, failed(s(10, 200), "E4", "too few guests")],
  () => [{ lane: "task", stallAfter: 60 }, JobScript.endless({ progress: "frozen" }), "stalled"],
  (s) => [{ lane: "task" }, succeeded(s(20, 300), { faults: [busy], retryAfter: "1 second" })]
]

const generate = (
  model: string,
  strategy: Extract<Work, { lane: "generation" }>["strategy"] = "adaptive",
  callback = false
): Work => ({ lane: "generation", model, strategy, callback })

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
  (s, n) => [{ lane: "mixpeek", kind: "batch" }, succeeded(s(5, 400), { result: { documents: n * 10 } })],
  (s) => [
    { lane: "mixpeek", kind: "batch" },
    succeeded(s(20, 400), { recordTtl: { seconds: 8 }, recordTtlFrom: "submission", result: ["from the batch"] })
  ],
  (s) => [{ lane: "mixpeek", kind: "batch", killAfter: s(20, 200) }, JobScript.endless(), "canceled"],
  (s) => [{ lane: "mixpeek", kind: "cluster" }, succeeded(s(5, 300), { pendingState: "IN_PROGRESS" })],
  (s) => [{ lane: "mixpeek", kind: "taxonomy", killAfter: 5 }, succeeded(s(20, 300))],
  (s) => [{ lane: "mixpeek", kind: "cluster" }, failed(s(5, 300), "E5", "no vectors", [Fault.drop(2), Fault.drop(3)])],
  (s) => [
    { lane: "mixpeek", kind: "cluster" },
    succeeded(s(20, 300), { recordTtl: { seconds: 1 }, faults: [Fault.badGateway(4)] })
  ],
  (s) => [
    { lane: "mixpeek", kind: "taxonomy" },
    succeeded(s(60, 90), { recordTtl: { seconds: 6 }, recordTtlFrom: "submission" }),
    "notFound"
  ],
  (s) => [{ lane: "mixpeek", kind: "cluster", killAfter: s(30, 300) }, JobScript.endless(), "canceled"],
  (s) => [{ lane: "mixpeek", kind: "batch", watches: "resource" }, succeeded(s(20, 200), { faults: [busy] })],
  (s) => [{ lane: "mixpeek", kind: "batch" }, JobScript.canceled({ seconds: s(10, 300) })],
  (s) => [
    { lane: "mixpeek", kind: "batch" },
    succeeded(s(60, 90), { recordTtl: { seconds: 6 }, recordTtlFrom: "submission", fallback: "missing" }),
    "notFound"
  ],
  (s) => [{ lane: "mixpeek", kind: "taxonomy" }, failed(s(10, 300), "E6", "no such label")]
]

const asyncQueue: ReadonlyArray<Template> = [
  (s, n) => [{ lane: "queue", onComplete: true }, succeeded(s(3, 250), { result: { sent: n } })],
  (s, n) => [
    { lane: "signal", maxWaitTime: 3600, signal: { after: s(15, 300), status: "completed", result: { paid: n } } },
    JobScript.make()
  ],
  (s) => [{ lane: "queue" }, failed(s(3, 250), "E7", "the target answered 410", [Fault.badGateway(1), Fault.drop(2)])],
  (s) => [{ lane: "signal", maxWaitTime: s(30, 400) }, JobScript.make(), "expired"],
  (s) => [{ lane: "queue", maxWaitTime: s(20, 300), onComplete: true }, JobScript.endless(), "expired"],
  (s) => [
    {
      lane: "signal",
      maxWaitTime: 86_400,
      signal: { after: s(15, 300), status: "failed", result: { message: "the review says no" }, twice: true }
    },
    JobScript.make(),
    "failed"
  ],
  (s) => [{ lane: "queue" }, succeeded(s(3, 300), { faults: [busy] })],
  () => [{ lane: "queue", deadline: 120 }, JobScript.endless(), "timedOut"]
]

/** Dealt out evenly, so that a few jobs are already of all providers. */
const templates = [
  ...deal("JobStatus", jobStatus),
  ...deal("EventPlatform", eventPlatform),
  ...deal("GenerationApi", generationApi),
  ...deal("Mixpeek", mixpeek),
  ...deal("AsyncQueue", asyncQueue)
].toSorted((a, b) => a.place - b.place)

function deal(provider: Plan["provider"], own: ReadonlyArray<Template>) {
  return own.map((make, index) => ({ provider, make, place: index / own.length }))
}
