import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Pull from "effect/Pull"
import * as Schedule from "effect/Schedule"
import type { CheckResult } from "../../CheckResult.ts"
import * as Gate from "../../Gate.ts"
import type { Observation } from "../../Observation.ts"
import type { Decision } from "../../Strategy.ts"
import { observationOf } from "../machine/checkError.ts"
import { contextOf, foreignStep, isForced, otherSource, sourceOf, type Wait } from "../machine/wait.ts"
import type { Stepper } from "../options/policy.ts"

// The calls of user code that the machine asks a host for: check, gate, cancel and the step of a foreign schedule.

/**
 * The check of a wait: of the job itself, of its fallback once the job's own record is gone, or of the other source that
 * confirms its end.
 */
export const check = (wait: Wait): Effect.Effect<CheckResult<unknown, unknown>, unknown, unknown> => {
  const { policy } = wait.setting
  const source = sourceOf(wait)
  try {
    const context = contextOf(wait)
    if (source === undefined) return policy.check(wait.rawKey, context)
    return source === otherSource
      ? policy.confirm!.check!(wait.rawKey, context)
      : policy.missing.checkFallback!(source, context)
  } catch (defect) {
    return Effect.die(defect)
  }
}

/** Asks the gate of a wait, which must have one. */
export const askGate = ({ key, setting: { policy } }: Wait): Effect.Effect<Gate.Answer, never, unknown> =>
  Effect.suspend(() => policy.gate!.ask({ job: policy.job, key }))

/** Asks the gate of a wait, if there is one and the check is not forced. */
export const askGateIfAny = (wait: Wait): Effect.Effect<Gate.Answer, never, unknown> =>
  Effect.suspend(() =>
    wait.setting.policy.gate === undefined || isForced(wait) ? Effect.succeed(Gate.open) : askGate(wait)
  )

/** Asks the server to stop the job of a wait; its job must have a `cancel`. */
export const cancelRemote = ({ rawKey, setting: { policy } }: Wait): Effect.Effect<void, unknown, unknown> =>
  Effect.suspend(() => policy.cancel!(rawKey))

/** Steps the foreign schedule that the machine waits for. */
export const stepForeign = (wait: Wait): Effect.Effect<Decision, never, unknown> =>
  Effect.suspend(() => {
    const { isFirst, stepper } = foreignStep(wait)
    const begun = isFirst ? undefined : steps.get(wait)?.get(stepper)
    const step: Effect.Effect<Step, never, unknown> =
      begun === undefined ? Schedule.toStep(stepper.schedule) : Effect.succeed(begun)
    return Effect.flatMap(step, (run) => {
      const known = steps.get(wait) ?? new Map<Stepper, Step>()
      steps.set(wait, known.set(stepper, run))
      const { base, now } = wait.setting.time
      return Pull.matchEffect(run(base + now, observationOf(wait)), {
        onSuccess: ([, delay]) => Effect.succeed<Decision>(Duration.toMillis(delay)),
        onDone: () => Effect.succeed<Decision>("end"),
        onFailure: Effect.failCause
      })
    })
  })

// ---- internal ----

type Step = (now: number, input: Observation) => Pull.Pull<[unknown, Duration.Duration], never, unknown, unknown>

/** A schedule without a plan keeps its state to itself, so each wait has one of its own. */
const steps = new WeakMap<Wait, Map<Stepper, Step>>()
