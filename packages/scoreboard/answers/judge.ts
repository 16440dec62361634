// Runs cases and says what is wrong with them.
import type { VirtualClock } from "../conformance/clock.ts"
import type { Case, Complaint } from "./case.ts"
import { Lab } from "./lab.ts"
import type { Handler } from "./server.ts"

/** The complaint of each case by its id; null if it is right. */
export type Verdicts = Readonly<Record<string, string | null>>

/**
 * Judges cases one after the other, each with a fresh clock. With `instead`, every server answers by that: a case that is
 * content with it cannot fail.
 */
export const judge = async (cases: ReadonlyArray<Case>, clock: VirtualClock, instead?: Handler): Promise<Verdicts> => {
  const verdicts: Record<string, string | null> = {}
  for (const one of cases) {
    clock.reset()
    verdicts[one.id] = (await complaintOf(one, new Lab(clock, instead))) ?? null
    if (one.where === "clock") await clock.quiet()
  }
  return verdicts
}

// ---- internal ----

/** A case that throws is wrong: an option that does not exist yet, for instance. */
const complaintOf = async (one: Case, lab: Lab): Promise<Complaint> => {
  try {
    return await one.run(lab)
  } catch (error) {
    return `the case threw: ${error instanceof Error ? error.message : String(error)}`
  }
}
