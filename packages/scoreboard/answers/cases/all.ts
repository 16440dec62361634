import type { Case } from "../case.ts"
import { accepted } from "./accepted.ts"
import { bodies } from "./bodies.ts"
import { caches } from "./caches.ts"
import { codes } from "./codes.ts"
import { credentials } from "./credentials.ts"
import { dialects } from "./dialects.ts"
import { limits } from "./limits.ts"
import { hints } from "./lists.ts"
import { operationLife } from "./operationLife.ts"
import { operations } from "./operations.ts"
import { reasons } from "./reasons.ts"
import { safety } from "./safety.ts"
import { schemas } from "./schemas.ts"
import { throttling } from "./throttling.ts"
import { transport } from "./transport.ts"
import { types } from "./types.ts"

export const cases: ReadonlyArray<Case> = [
  ...accepted,
  ...bodies,
  ...caches,
  ...codes,
  ...credentials,
  ...dialects,
  ...hints,
  ...limits,
  ...operations,
  ...operationLife,
  ...reasons,
  ...safety,
  ...schemas,
  ...throttling,
  ...transport,
  ...types
]
