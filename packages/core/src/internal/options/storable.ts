import * as validate from "../validate.ts"
import type { Policy } from "./policy.ts"

/** Refuses schedules whose state no token holds, so that they would start over with each call. Throws a RangeError. */
export const storable = (name: string, policy: Policy): Policy => {
  const { delays, retry } = policy.errors
  const steppers = { strategy: policy.strategy, "checkErrors.schedule": delays, "checkErrors.retry": retry }
  for (const [option, stepper] of Object.entries(steppers)) {
    if (stepper === undefined || stepper.plan !== undefined) continue
    validate.refuse(
      `${name}: ${option}`,
      "made by Strategy, since no token holds the state of another Schedule",
      stepper.schedule
    )
  }
  return policy
}
