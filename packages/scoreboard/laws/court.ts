// Checks a world: every host against the reference, and waits that are cut against those that are not.
import { Rng } from "../answers/random.ts"
import { differenceOf, linesOf } from "./compare.ts"
import { blurred, type Cut, joined, type Place, placesOf, runCut, type Tamper } from "./cut.ts"
import { worldOf } from "./generate.ts"
import { type Host, hosts } from "./hosts.ts"
import type { Span } from "./life.ts"
import { simulate, type Simulated } from "./reference.ts"
import type { Trace } from "./trace.ts"
import type { World } from "./world.ts"

/** The names of the rules that the reference gets wrong: none, except in tests of the board. */
export type Wrong = ReadonlySet<string>

/** How a world is run: whole in a host, or cut. */
export type Case = { readonly host: Host } | { readonly cut: Cut }

export interface Difference {
  readonly world: World
  readonly where: string
  readonly what: string
  readonly expected: ReadonlyArray<string>
  readonly actual: ReadonlyArray<string>
}

/** How often a wait was cut in each state. */
export interface Cuts {
  inRow: number
  inHold: number
  atLimit: number
  throttled: number
  inCancel: number
}

export interface Judged {
  readonly comparisons: number
  readonly resumes: number
  readonly cuts: ReadonlyArray<Span>
  /** The cases that differ. */
  readonly differing: ReadonlyArray<Case>
}

/** The world of an index: the first draw that ends in time and in which the order of all events is defined. */
export const draw = (seed: number, index: number): World => {
  for (let attempt = 0; ; attempt++) {
    const world = worldOf(seed, index, attempt)
    if (isSound(world)) return world
  }
}

export const isSound = (world: World): boolean =>
  (["single", "many"] as const).every((mode) =>
    [world.acts, []].every((acts) => {
      const { ending, tie } = simulate(world, mode, acts)
      return ending !== undefined && !tie
    })
  )

export const judge = (world: World, wrong?: Wrong): Judged => {
  const cuts = cutsOf(world)
  const cases: ReadonlyArray<Case> = [
    ...hosts.filter(({ runs }) => runs?.(world) ?? true).map((host) => ({ host })),
    ...cuts.map((cut) => ({ cut }))
  ]
  return {
    comparisons: cases.length,
    resumes: cuts.reduce((sum, { places }) => sum + places.length, 0),
    cuts: cuts.flatMap(({ places }) => places.map(({ span }) => span)),
    differing: cases.filter((one) => differs(world, one, wrong) !== undefined)
  }
}

/** How a case differs from the reference; undefined if it does not. */
export const differs = (world: World, one: Case, wrong?: Wrong, tamper?: Tamper): Difference | undefined => {
  const { actual, events, expected, where } =
    "host" in one ? whole(world, one.host, wrong) : parts(world, one.cut, wrong, tamper)
  // Without the outside events after a cut, a wait may have no end.
  if ("cut" in one && expected.ending === undefined) return undefined
  const what = differenceOf(expected, actual, { events })
  return what === undefined ? undefined : { world, where, what, expected: linesOf(expected), actual: linesOf(actual) }
}

/** The instants at which a wait is cut: a few of each world, mostly where the token has much to keep. */
export const cutsOf = (world: World): ReadonlyArray<Cut> => {
  const rng = new Rng(Math.imul(world.seed, 31) + world.index)
  const single = simulate(world, "single", world.acts)
  const first = pick(rng, placesOf(world, single))
  const second =
    first &&
    pick(
      rng,
      placesOf(world, single).filter(({ at }) => at > first.at)
    )
  const twice: ReadonlyArray<Place> = [first, rng.chance(0.5) ? second : undefined].filter(
    (place) => place !== undefined
  )
  const once = pick(rng, placesOf(world, single))
  const many = pick(rng, placesOf(world, simulate(world, "many", world.acts)))
  const cuts: ReadonlyArray<Cut> = [
    // Poll.resume has no handle, and so no token.
    {
      mode: "single",
      places: twice,
      hosts: [rng.pick(both), ...twice.slice(1).map(() => "Poller" as const), rng.pick(both)]
    },
    { mode: "single", places: once === undefined ? [] : [once], hosts: [rng.pick(both), rng.pick(both)] },
    { mode: "many", places: many === undefined ? [] : [many], hosts: ["Poller", "Poller"] }
  ]
  return cuts.filter(({ places }) => places.length > 0)
}

// ---- internal ----

const both = ["Poll", "Poller"] as const

const states = ["inRow", "inHold", "atLimit", "throttled", "inCancel"] as const

const pick = (rng: Rng, places: ReadonlyArray<Place>): Place | undefined => {
  const state = rng.pick(states)
  const wanted = places.filter(({ span }) => span[state])
  const rare = places.filter(({ span }) => states.some((one) => span[one]))
  const among = wanted.length > 0 ? wanted : rare.length > 0 && rng.chance(0.7) ? rare : places
  return among.length === 0 ? undefined : rng.pick(among)
}

/** How much longer than expected a wait may take. */
const patience = 600_000

interface Compared {
  readonly where: string
  readonly expected: Trace
  readonly actual: Trace
  readonly events: boolean
}

const whole = (world: World, host: Host, wrong: Wrong | undefined): Compared => {
  const expected = simulate(world, host.mode, host.hasHandle ? world.acts : [], wrong)
  const actual = host.run(world, until(expected))
  const compared =
    host.hasTokens === true ? { expected: blurred(expected, 0), actual: blurred(actual, 0) } : { expected, actual }
  return { ...compared, where: host.name, events: host.sees }
}

/** Poll.resume has no handle, so there are no outside events after it. */
const parts = (world: World, cut: Cut, wrong: Wrong | undefined, tamper: Tamper | undefined): Compared => {
  const { hosts, mode, places } = cut
  const acts = hosts.at(-1) === "Poll" ? world.acts.filter(({ at }) => at <= places.at(-1)!.at) : world.acts
  const expected = simulate(world, mode, acts, wrong)
  const actual = joined(runCut({ ...world, acts }, cut, until(expected), tamper), cut)
  const way = hosts.map((host, index) => (index === 0 ? host : `cut at ${places[index - 1]!.at}, ${host}`)).join(" ")
  const at = places[0]!.at
  return {
    where: `${way}${mode === "many" ? ", in requests for many" : ""}`,
    expected: blurred(expected, at),
    actual: blurred(actual, at),
    events: true
  }
}

const until = ({ ending }: Simulated): number => (ending?.at ?? 0) + patience
