// Random worlds. The same seed and index always make the same world.
import { Rng } from "../answers/random.ts"
import type {
  Act,
  Answer,
  CancelAnswer,
  Confirm,
  ErrorPolicy,
  Found,
  Limit,
  OfJob,
  Options,
  Plan,
  Server,
  Stretch,
  Terminal,
  World
} from "./world.ts"

/** The world of an index; `draw` counts the worlds that were discarded before it. */
export const worldOf = (seed: number, index: number, draw = 0): World => {
  const rng = new Rng(Math.imul(seed, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b) ^ Math.imul(draw, 0xc2b2ae35))
  for (let skip = 0; skip < 4; skip++) rng.next()
  const scale = rng.pick([1, 1, 3, 10])
  const options = optionsOf(rng, scale)
  const deadline = options.deadline === "unbounded" ? 60_000 * scale : options.deadline
  const server = serverOf(rng, scale, options, deadline)
  return { seed, index, key: `job-${rng.int(1, 99)}`, server, options, acts: actsOf(rng, deadline) }
}

// ---- internal ----

const chance = <A>(rng: Rng, probability: number, make: () => A): A | undefined =>
  rng.chance(probability) ? make() : undefined

/** A time in whole milliseconds, mostly round. */
const time = (rng: Rng, least: number, most: number): number => {
  const value = rng.int(least, most)
  const step = rng.weigh([
    [3, 1],
    [4, 10],
    [3, 100]
  ])
  return Math.max(least, Math.round(value / step) * step)
}

// -- options --

const optionsOf = (rng: Rng, scale: number): Options => {
  const deadline = rng.chance(0.95) ? time(rng, 500, 40_000 * scale) : ("unbounded" as const)
  const bound = deadline === "unbounded" ? 60_000 * scale : deadline
  return {
    deadline,
    strategy: strategyOf(rng, scale, bound),
    checkTimeout: chance(rng, 0.5, () =>
      rng.pick([400, 900, 2_500, deadline === "unbounded" ? 5_000 : ("unbounded" as const)])
    ),
    maxHint: chance(rng, 0.2, () => time(rng, 0, 3_000)),
    since: chance(rng, 0.12, () => 5),
    stall: chance(rng, 0.15, () => ({ after: time(rng, 200, bound), report: rng.chance(0.6) })),
    unknownState: unknownStateOf(rng, scale),
    missing: chance(rng, 0.6, () => ({
      grace: rng.chance(0.5) ? 0 : time(rng, 0, 8_000),
      times: rng.pick([1, 1, 2, 3, 6]),
      fallback: rng.pick(["has", "byState", "lacks", undefined, undefined] as const),
      gone: chance(rng, 0.3, () => rng.pick(["pending", ...terminals] as const))
    })),
    errors: rng.chance(0.1) ? "unbounded" : errorsOf(rng, scale),
    onTimeout: rng.chance(0.45) ? "cancelRemote" : "leave",
    cancelTimeout: chance(rng, 0.8, () => time(rng, 100, 8_000 * scale)),
    confirm: chance(rng, 0.45, () => confirmOf(rng, bound)),
    stateLimits: chance(rng, 0.4, () =>
      Object.fromEntries(words.filter(() => rng.chance(0.6)).map((word) => [word, time(rng, 200, bound)]))
    ),
    minInterval: chance(rng, 0.25, () => time(rng, 0, 3_000)),
    zeroDelay: undefined,
    onAction: chance(rng, 0.5, () => rng.pick(["report", "fail", { takes: time(rng, 10, 5_000) }] as const)),
    ofJob: ofJob.filter(() => rng.chance(0.3))
  }
}

const ofJob: ReadonlyArray<OfJob> = [
  "strategy",
  "unknownState",
  "errors",
  "checkTimeout",
  "stall",
  "confirm",
  "stateLimits",
  "minInterval",
  "onAction"
]

const terminals: ReadonlyArray<Terminal> = ["succeeded", "failed", "canceled", "expired"]

const planOf = (rng: Rng, scale: number, most: number): Plan => {
  const kind = rng.pick(["spaced", "spaced", "linear", "exponential"] as const)
  const initial = time(rng, 20, most)
  const growth = kind === "exponential" ? rng.pick([1, 1.3, 1.5, 2, 3]) : time(rng, 10, 1_000 * scale)
  return {
    kind,
    initial,
    growth,
    cap: chance(rng, 0.4, () => initial + time(rng, 0, 4_000 * scale)),
    firstWait: 0,
    maxAttempts: undefined,
    maxRecurrences: undefined,
    maxDuration: undefined,
    jitter: chance(rng, 0.3, () => ({
      kind: rng.pick(["equal", "full", 150] as const),
      seed: `s${rng.int(1, 9)}`
    })),
    skipNearDeadline: undefined
  }
}

const strategyOf = (rng: Rng, scale: number, bound: number): Plan => {
  const plan = planOf(rng, scale, 3_000 * scale)
  const kind = rng.weigh([
    [7, plan.kind],
    [1, "byProgress"],
    [2, "made"]
  ] as const)
  return {
    ...plan,
    kind,
    initial: kind === "made" && rng.chance(0.3) ? 0 : plan.initial,
    growth: kind === "made" ? rng.int(1, 3_000) : plan.growth,
    cap: kind === "byProgress" ? plan.initial + 4_000 : plan.cap,
    firstWait: rng.chance(0.6) ? 0 : time(rng, 1, 6_000),
    maxAttempts: chance(rng, 0.12, () => rng.int(1, 25)),
    maxRecurrences: chance(rng, 0.06, () => rng.int(1, 20)),
    maxDuration: chance(rng, 0.15, () => time(rng, 500, Math.round(bound * 1.3))),
    skipNearDeadline: chance(rng, 0.08, () => time(rng, 0, 2_000))
  }
}

const errorPlanOf = (rng: Rng, scale: number): Plan => ({
  ...planOf(rng, scale, 2_000),
  maxAttempts: chance(rng, 0.12, () => rng.int(1, 8)),
  maxRecurrences: chance(rng, 0.15, () => rng.int(1, 8)),
  maxDuration: chance(rng, 0.12, () => time(rng, 200, 10_000))
})

const limitOf = (rng: Rng, times: ReadonlyArray<number>, millis: () => number): Limit =>
  rng.chance(0.5) ? { times: rng.pick(times) } : { for: millis() }

const unknownStateOf = (rng: Rng, scale: number): Options["unknownState"] =>
  rng.weigh<() => Options["unknownState"]>([
    [2, () => "fail"],
    [3, () => "continue"],
    [3, () => limitOf(rng, [1, 2, 4], () => time(rng, 100, 6_000 * scale))],
    [2, () => ({ treatAs: rng.pick(["pending", ...terminals] as const) })]
  ])()

const errorsOf = (rng: Rng, scale: number): ErrorPolicy => ({
  schedule: chance(rng, 0.8, () => errorPlanOf(rng, scale)),
  retry: chance(rng, 0.25, () => ({ ...errorPlanOf(rng, 1), maxRecurrences: rng.int(0, 3) })),
  maxConsecutive: chance(rng, 0.55, () => rng.pick([0, 1, 2, 3, 5, "unbounded"] as const)),
  maxTotal: chance(rng, 0.2, () => rng.pick([0, 3, 8, "unbounded"] as const)),
  maxOutage: chance(rng, 0.4, () => rng.pick([0, time(rng, 100, 20_000), "unbounded"] as const)),
  maxThrottled: chance(rng, 0.3, () => rng.pick([time(rng, 100, 20_000), "unbounded"] as const)),
  rejectAfter: chance(rng, 0.6, () => limitOf(rng, [1, 2, 3], () => time(rng, 100, 5_000))),
  skip: rng.chance(0.25)
})

const confirmOf = (rng: Rng, bound: number): Confirm => {
  const limit = () => limitOf(rng, [1, 2, 3, 4], () => Math.min(bound - 1, time(rng, 100, 9_000)))
  return { success: chance(rng, 0.8, limit), failure: chance(rng, 0.7, limit), check: rng.chance(0.3) }
}

// -- the server --

const words = ["QUEUED", "RUNNING", "WAITING", "SAVING"]

const serverOf = (rng: Rng, scale: number, options: Options, deadline: number): Server => {
  const endsAt = time(rng, 0, Math.round(deadline * rng.pick([0.3, 0.7, 0.9, 1.2, 1.4])))
  const never = options.deadline !== "unbounded" && rng.chance(0.15)
  return {
    own: sourceOf(rng, scale, endsAt, never, true),
    fallback: sourceOf(rng, scale, endsAt, never, false),
    confirm: sourceOf(rng, scale, Math.round(endsAt * 0.8), never, false),
    cancel: cancelOf(rng, scale),
    many: {
      lacks: Array.from({ length: rng.pick([0, 0, 1, 2, 3]) }, () => {
        const from = time(rng, 0, deadline)
        return [from, from + time(rng, 100, 6_000)] as const
      }),
      lackingHint: chance(rng, 0.5, () => time(rng, 1, 3_000)),
      hint: chance(rng, 0.2, () => time(rng, 1, 4_000)),
      failsWhole: rng.chance(0.4)
    }
  }
}

const cancelOf = (rng: Rng, scale: number): CancelAnswer => ({
  takes: rng.chance(0.15) ? "hung" : time(rng, 0, 3_000),
  accepted: rng.chance(0.7),
  endsAfter: chance(rng, 0.6, () => time(rng, 0, 5_000 * scale))
})

/** The life of a job: stretches of pending states with trouble in between, then an end, which may not hold at first. */
const sourceOf = (rng: Rng, scale: number, endsAt: number, never: boolean, isOwn: boolean): ReadonlyArray<Stretch> => {
  const flavor = flavorOf(rng)
  const stretches: Array<Stretch> = []
  const count = rng.int(1, isOwn ? 9 : 3)
  const cuts = Array.from({ length: count }, () => rng.int(0, endsAt)).toSorted((a, b) => a - b)
  for (const [at, from] of [0, ...cuts].entries()) stretches.push(stretch(rng, scale, from, flavor, at === 0))
  if (never) return stretches
  // A record that disappears.
  if (rng.chance(0.1))
    return [...stretches, { from: endsAt, each: 1_000, answers: [answerOf(rng, { is: "missing", times: 1 })] }]
  const flaps = rng.chance(0.4) ? rng.int(1, 5) : 0
  let at = endsAt
  for (let flap = 0; flap < flaps; flap++) {
    stretches.push(endStretch(rng, at, 0.25))
    at += time(rng, 200, 3_000 * scale)
    stretches.push(stretch(rng, scale, at, flavor, false))
    at += time(rng, 100, 3_000 * scale)
  }
  stretches.push(endStretch(rng, at, 0))
  return stretches
}

/** The weights of the kinds of answers of a server. */
type Flavor = ReadonlyArray<readonly [number, Found["is"]]>

const flavorOf = (rng: Rng): Flavor => {
  const weight = (base: number): number => (rng.chance(0.35) ? base * rng.int(1, 4) : 0)
  return [
    [14, "pending"],
    [weight(4), "transient"],
    [weight(3), "throttled"],
    [weight(1.5), "permanent"],
    [weight(3), "missing"],
    [weight(2), "unknown"],
    [weight(2), "lacking"],
    [weight(1), "hung"],
    [weight(1.5), "succeeded"],
    [weight(1), "failed"]
  ]
}

const stretch = (rng: Rng, scale: number, from: number, flavor: Flavor, first: boolean): Stretch => {
  const common = found(rng, rng.weigh(first ? [[2, "pending"], ...flavor] : flavor))
  const answers = Array.from({ length: rng.pick([1, 1, 2, 3, 5]) }, () =>
    answerOf(rng, rng.chance(0.6) ? common : found(rng, rng.weigh(flavor)))
  )
  return { from, each: time(rng, 50, 3_000 * scale), answers }
}

/** Ends, some of which do not hold. */
const endStretch = (rng: Rng, from: number, doubtful: number): Stretch => {
  const is = rng.pick(["succeeded", "succeeded", "failed", "canceled", "expired"] as const)
  const answers = Array.from({ length: rng.chance(0.6) ? 1 : 4 }, () => {
    if (rng.chance(doubtful))
      return answerOf(rng, found(rng, rng.pick(["pending", "transient", "throttled", "failed"] as const)))
    return answerOf(rng, { is })
  })
  return { from, each: time(rng, 50, 2_000), answers }
}

const found = (rng: Rng, is: Found["is"]): Found => {
  switch (is) {
    case "pending":
      return {
        is,
        state: rng.chance(0.85) ? rng.pick(words) : undefined,
        progress: chance(rng, 0.4, () => rng.int(0, 10) / 10),
        action: chance(rng, 0.12, () => `act-${rng.int(1, 3)}`)
      }
    case "missing":
      return { is, times: rng.pick([1, 1, 1, 2, 4]) }
    case "unknown":
      return { is, word: rng.pick(["PAUSED", "HELD", "RUNNING"]) }
    case "transient":
    case "throttled":
      return { is, retryAfter: chance(rng, 0.4, () => (rng.chance(0.1) ? "unreadable" : time(rng, 1, 6_000))) }
    case "succeeded":
    case "failed":
    case "canceled":
    case "expired":
      return { is, generation: chance(rng, 0.2, () => rng.pick([3, 5, 7])) }
    default:
      return { is }
  }
}

const answerOf = (rng: Rng, what: Found): Answer => {
  const isError = what.is === "transient" || what.is === "throttled" || what.is === "permanent"
  return {
    ...what,
    takes: rng.chance(0.25) ? 0 : time(rng, 1, rng.pick([100, 600, 2_000])),
    hint: isError ? undefined : chance(rng, 0.12, () => (rng.chance(0.1) ? "unreadable" : time(rng, 1, 6_000))),
    cursor: isError ? undefined : chance(rng, 0.1, () => `c${rng.int(1, 99)}`)
  }
}

// -- from outside --

const actsOf = (rng: Rng, deadline: number): ReadonlyArray<Act> => {
  const acts: Array<Act> = []
  if (!rng.chance(0.5)) return acts
  let at = 0
  for (let count = rng.int(1, 6); count > 0; count--) {
    at += rng.int(1, Math.max(2, Math.round(deadline / 3)))
    if (rng.chance(0.7)) acts.push({ at, does: rng.chance(0.4) ? "force" : "checkNow" })
    else {
      acts.push({ at, does: "pause" })
      at += rng.int(1, Math.max(2, Math.round(deadline / 4)))
      acts.push({ at, does: "unpause" })
    }
  }
  return acts
}
