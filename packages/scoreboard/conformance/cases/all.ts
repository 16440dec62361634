import type { Case } from "../case.ts"
import { abort } from "./abort.ts"
import { deadline } from "./deadline.ts"
import { errors } from "./errors.ts"
import { gaps } from "./gaps.ts"
import { hints } from "./hints.ts"
import { holds } from "./holds.ts"
import { leaving } from "./leaving.ts"
import { many } from "./many.ts"
import { objects } from "./objects.ts"
import { outages } from "./outages.ts"
import { pace } from "./pace.ts"
import { stateLimits } from "./stateLimits.ts"
import { told } from "./told.ts"
import { words } from "./words.ts"

/** Every case, in the order of the table. */
export const cases: ReadonlyArray<Case> = [
  ...deadline,
  ...hints,
  ...words,
  ...holds,
  ...stateLimits,
  ...errors,
  ...outages,
  ...abort,
  ...pace,
  ...gaps,
  ...objects,
  ...told,
  ...leaving,
  ...many
]
