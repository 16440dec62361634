// The parts of the board that run in processes of their own.
import type { VirtualClock } from "../conformance/clock.ts"
import type { Place } from "./case.ts"
import type { Fuzzed } from "./fuzz.ts"
import type { Verdicts } from "./judge.ts"

export type Part =
  | { readonly kind: "fuzz"; readonly seed: number; readonly from: number; readonly to: number }
  /** Cases of one place whose id begins with `only`. */
  | { readonly kind: Place; readonly only: string }
  | { readonly kind: "peer"; readonly peer: string }

export const play = async (part: Part, clock: VirtualClock, realMillis: () => number): Promise<Fuzzed | Verdicts> => {
  if (part.kind === "fuzz") {
    const { fuzz } = await import("./fuzz.ts")
    const { ours } = await import("./subject.ts")
    return fuzz(clock, ours, { ...part, realMillis })
  }
  const { judge } = await import("./judge.ts")
  const { cases } = await import("./cases/all.ts")
  if (part.kind === "peer") return (await import("./peer.ts")).judgePeer(part.peer, cases, clock)
  return judge(
    cases.filter(({ id, where }) => where === part.kind && id.startsWith(part.only)),
    clock
  )
}
