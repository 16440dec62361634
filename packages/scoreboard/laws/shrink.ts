// Shrinks a world that differs, as long as it still differs in the same place.
import { type Case, differs, type Difference, isSound, type Wrong } from "./court.ts"
import { type Cut, type Place, placesOf } from "./cut.ts"
import { simulate } from "./reference.ts"
import type { Answer, Options, Source, Stretch, World } from "./world.ts"

/** The smallest difference that was found within some steps. */
export const shrink = (world: World, one: Case, wrong?: Wrong): Difference => {
  let least = differs(world, one, wrong)!
  let left = mostSteps
  for (let found = true; found && left > 0;) {
    found = false
    for (const smaller of smallerThan(least.world)) {
      if (left-- <= 0) break
      const still = stillDiffers(smaller, one, wrong)
      if (still === undefined) continue
      least = still
      found = true
      break
    }
  }
  return least
}

// ---- internal ----

const mostSteps = 2_000

const stillDiffers = (world: World, one: Case, wrong: Wrong | undefined): Difference | undefined => {
  try {
    if (!isSound(world)) return undefined
    if ("host" in one) return differs(world, one, wrong)
    for (const places of placesLike(world, one.cut)) {
      const found = differs(world, { cut: { ...one.cut, places } }, wrong)
      if (found !== undefined) return found
    }
    return undefined
  } catch {
    // A combination that no generator makes, such as one whose options are out of range.
    return undefined
  }
}

/** Places in a smaller world that may be those of the cut. */
const placesLike = (world: World, { mode, places }: Cut): ReadonlyArray<ReadonlyArray<Place>> => {
  const all = placesOf(world, simulate(world, mode, world.acts))
  const same = places.flatMap(({ at }) => all.find((place) => place.at === at) ?? [])
  const others = places.length === 1 ? all.slice(0, 8).map((place) => [place]) : []
  return same.length === places.length ? [same, ...others] : others
}

function* smallerThan(world: World): Generator<World> {
  for (const [index] of world.acts.entries()) yield { ...world, acts: world.acts.toSpliced(index, 1) }
  for (const [name, plain] of Object.entries(plainest) as Array<[keyof Options, unknown]>)
    if (JSON.stringify(world.options[name]) !== JSON.stringify(plain))
      yield { ...world, options: { ...world.options, [name]: plain } }
  yield* smallerRecords(world)
  for (const source of ["own", "fallback", "confirm"] as const) yield* smallerSources(world, source)
  const { many } = world.server
  const plainMany = { lacks: [], lackingHint: undefined, hint: undefined, failsWhole: false }
  for (const [name, plain] of Object.entries(plainMany) as Array<[keyof typeof many, never]>)
    if (JSON.stringify(many[name]) !== JSON.stringify(plain))
      yield { ...world, server: { ...world.server, many: { ...many, [name]: plain } } }
}

const plainest: Partial<Options> = {
  checkTimeout: undefined,
  maxHint: undefined,
  since: undefined,
  stall: undefined,
  unknownState: "continue",
  missing: undefined,
  onTimeout: "leave",
  cancelTimeout: undefined,
  confirm: undefined,
  stateLimits: undefined,
  minInterval: undefined,
  onAction: undefined,
  ofJob: []
}

/** Options that are records, without one of their fields. */
function* smallerRecords(world: World): Generator<World> {
  const { confirm, errors, missing, strategy } = world.options
  const withOptions = (some: Partial<Options>): World => ({ ...world, options: { ...world.options, ...some } })
  for (const name of ["maxAttempts", "maxRecurrences", "maxDuration", "jitter", "skipNearDeadline", "cap"] as const)
    if (strategy[name] !== undefined && !(name === "cap" && strategy.kind === "byProgress"))
      yield withOptions({ strategy: { ...strategy, [name]: undefined } })
  if (strategy.firstWait > 0) yield withOptions({ strategy: { ...strategy, firstWait: 0 } })
  if (strategy.kind !== "spaced")
    yield withOptions({ strategy: { ...strategy, kind: "spaced", initial: Math.max(1, strategy.initial) } })
  if (errors === "unbounded") return
  for (const name of Object.keys(errors) as Array<keyof typeof errors>)
    if (errors[name] !== undefined && errors[name] !== false)
      yield withOptions({ errors: { ...errors, [name]: name === "skip" ? false : undefined } })
  for (const name of ["success", "failure", "check"] as const)
    if (confirm?.[name]) yield withOptions({ confirm: { ...confirm, [name]: name === "check" ? false : undefined } })
  for (const name of ["fallback", "gone"] as const)
    if (missing?.[name] !== undefined) yield withOptions({ missing: { ...missing, [name]: undefined } })
}

function* smallerSources(world: World, source: Source): Generator<World> {
  const stretches = world.server[source]
  const withStretches = (some: ReadonlyArray<Stretch>): World => ({
    ...world,
    server: { ...world.server, [source]: some }
  })
  for (const [index] of stretches.entries()) if (index > 0) yield withStretches(stretches.toSpliced(index, 1))
  for (const [index, { answers, each, from }] of stretches.entries()) {
    const withAnswers = (some: ReadonlyArray<Answer>) =>
      withStretches(stretches.with(index, { from, each, answers: some }))
    if (answers.length > 1) for (const answer of answers) yield withAnswers([answer])
    for (const [place, answer] of answers.entries()) {
      const { cursor, hint, ...rest } = answer
      if (cursor !== undefined || hint !== undefined) yield withAnswers(answers.with(place, rest))
      if (answer.takes > 0) yield withAnswers(answers.with(place, { ...answer, takes: 0 }))
    }
  }
}
