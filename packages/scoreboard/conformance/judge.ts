import { type Adapter, features } from "./adapter.ts"
import { type Case, Lab } from "./case.ts"
import type { VirtualClock } from "./clock.ts"

/** A poller and its verdicts. */
export interface Judged {
  readonly name: string
  readonly how: string
  readonly packages: ReadonlyArray<string>
  readonly outcomes: Outcomes
}

/** The verdicts on one poller, by the name of the case. */
export type Outcomes = Record<string, Outcome>

/** The outcome of one case. */
export interface Outcome {
  readonly verdict: "pass" | "fail" | "not applicable"
  readonly seen: string
}

/** Runs cases against a poller, each with a fresh clock; by the name of the case. */
export const judgeAll = async (
  adapter: Adapter,
  cases: ReadonlyArray<Case>,
  clock: VirtualClock
): Promise<Outcomes> => {
  const outcomes: Outcomes = {}
  for (const one of cases) {
    clock.reset()
    const missing = one.needs.find((feature) => !adapter.features.has(feature))
    outcomes[one.name] =
      missing === undefined
        ? await judged(one, new Lab(adapter, clock))
        : { verdict: "not applicable", seen: `needs a poller that ${features[missing]}` }
    await clock.quiet()
  }
  return outcomes
}

// ---- internal ----

/** A case that throws is a fail: the poller did not get as far as what the case checks. */
const judged = async (one: Case, lab: Lab): Promise<Outcome> => {
  try {
    return await one.run(lab)
  } catch (error) {
    return { verdict: "fail", seen: `the case threw: ${String(error)}` }
  }
}
