import type { Case } from "../case.ts"
import { abort } from "./abort.ts"
import { deadline } from "./deadline.ts"
import { errors } from "./errors.ts"
import { hints } from "./hints.ts"
import { many } from "./many.ts"
import { objects } from "./objects.ts"
import { pace } from "./pace.ts"
import { words } from "./words.ts"

/** Every case, in the order of the table. */
export const cases: ReadonlyArray<Case> = [
  ...deadline,
  ...hints,
  ...words,
  ...errors,
  ...abort,
  ...pace,
  ...objects,
  ...many
]
