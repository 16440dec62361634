import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Pull from "effect/Pull"
import * as Schedule from "effect/Schedule"
import type { Observation } from "../../Observation.ts"
import type { Decision } from "../../Strategy.ts"
import type { Stepper } from "../options/policy.ts"
import { observe } from "../machine/outcome.ts"
import type { Wait } from "../machine/wait.ts"

type Step = (now: number, input: Observation) => Pull.Pull<[unknown, Duration.Duration], never, unknown, unknown>

/** The schedules without a plan that waits are stepping: they keep their state to themselves, and so once per wait. */
const steps = new WeakMap<Wait, Map<Stepper, Step>>()

/** Steps the schedule without a plan that the machine waits for. */
export const stepForeign = (wait: Wait): Effect.Effect<Decision, never, unknown> =>
  Effect.suspend(() => {
    const { stepCount, stepping } = wait.rare
    const begun = stepCount === 1 ? undefined : steps.get(wait)?.get(stepping!)
    const step: Effect.Effect<Step, never, unknown> =
      begun === undefined ? Schedule.toStep(stepping!.schedule) : Effect.succeed(begun)
    return Effect.flatMap(step, (run) => {
      const known = steps.get(wait) ?? new Map<Stepper, Step>()
      steps.set(wait, known.set(stepping!, run))
      const { base, now } = wait.setting.time
      return Pull.matchEffect(run(base + now, observe(wait)), {
        onSuccess: ([, delay]) => Effect.succeed<Decision>(Duration.toMillis(delay)),
        onDone: () => Effect.succeed<Decision>("end"),
        onFailure: Effect.failCause
      })
    })
  })
