// The rows of the table, in order.
import * as addCost from "./addCost.ts"
import * as close from "./close.ts"
import * as closingCost from "./closingCost.ts"
import * as gateQuestions from "./gateQuestions.ts"
import * as hungGate from "./hungGate.ts"
import * as hungNeighbour from "./hungNeighbour.ts"
import * as lastChecks from "./lastChecks.ts"
import * as leaveCost from "./leaveCost.ts"
import * as list from "./list.ts"
import * as observerCost from "./observerCost.ts"
import * as observers from "./observers.ts"
import * as rateLimited from "./rateLimitedRow.ts"
import type { Row } from "./row.ts"
import * as storm from "./storm.ts"
import * as tenants from "./tenants.ts"

export const rows: Readonly<Record<string, Row>> = Object.fromEntries(
  [
    lastChecks,
    hungNeighbour,
    hungGate,
    storm,
    close,
    list,
    rateLimited,
    tenants,
    observers,
    observerCost,
    closingCost,
    leaveCost,
    gateQuestions,
    addCost
  ].map(({ row }) => [row.name, row])
)
