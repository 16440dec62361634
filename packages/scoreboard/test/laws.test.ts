import { assert, describe, it } from "@effect/vitest"
import type { ResumeToken } from "effect-poll/ResumeToken"
import { holds, type Board, summary } from "../laws/board.ts"
import { cutsOf, differs, draw, judge } from "../laws/court.ts"
import type { Tamper } from "../laws/cut.ts"
import { worldOf } from "../laws/generate.ts"
import { hosts } from "../laws/hosts.ts"
import { linesOf } from "../laws/compare.ts"
import { simulate } from "../laws/reference.ts"
import { session } from "../laws/session.ts"
import { shrink } from "../laws/shrink.ts"
import type { World } from "../laws/world.ts"

const timeout = 120_000

const start = hosts.find(({ name }) => name === "Poll.start")!
const seed = 11

/** The first world of the seed that a reference with a wrong rule takes another course in. */
const firstWorld = (wrong: ReadonlySet<string>): World | undefined => {
  for (let index = 0; index < 6_000; index++) {
    const world = draw(seed, index)
    const right = linesOf(simulate(world, "single", world.acts)).join("\n")
    if (linesOf(simulate(world, "single", world.acts, wrong)).join("\n") !== right) return world
  }
  return undefined
}

/** Whether a cut of the first worlds of the seed differs once something happens to its tokens. */
const isNoticed = (tamper: Tamper, isAbout: (world: World) => boolean): boolean => {
  let touched = 0
  for (let index = 0; index < 12_000 && touched < 4_000; index++) {
    const world = draw(seed, index)
    if (!isAbout(world)) continue
    for (const cut of cutsOf(world)) {
      let changes = false
      const watched: Tamper = (token) => {
        const tampered = tamper(token)
        changes ||= JSON.stringify(tampered) !== JSON.stringify(token)
        return tampered
      }
      const difference = differs(world, { cut }, undefined, watched)
      if (changes) touched++
      if (changes && difference !== undefined && differs(world, { cut }) === undefined) return true
    }
  }
  return false
}

const hasMaxTotal = ({ options }: World): boolean =>
  options.errors !== "unbounded" && typeof options.errors.maxTotal === "number"

/** A token without a field, at any depth. */
const without =
  (...path: ReadonlyArray<string>): Tamper =>
  (token) => {
    const copy = structuredClone(token) as unknown as Record<string, unknown>
    let inner: Record<string, unknown> | undefined = copy
    for (const name of path.slice(0, -1)) inner = inner?.[name] as Record<string, unknown> | undefined
    if (inner !== undefined) delete inner[path.at(-1)!]
    return copy as unknown as ResumeToken
  }

/** Tokens that forget something, and the worlds in which it matters, where those are few. */
const forgetful = (
  [
    ["its rows of failed checks", without("rows", "errors")],
    ["its rows of throttled checks", without("rows", "throttled")],
    ["its rows of permanent errors", without("rows", "rejected")],
    ["its rows of missing jobs", without("rows", "missing")],
    ["its rows of unknown states", without("rows", "unknown")],
    ["its rows of ends without a result", without("rows", "resultMissing")],
    ["how many checks failed", (token) => ({ ...token, totalErrors: 0 }), hasMaxTotal],
    ["when its strategy began", (token) => ({ ...token, strategyStartedAt: token.strategyStartedAt - 997 })],
    ["its last status", without("status")],
    ["since when a state holds", (token) => ({ ...token, status: token.status && { ...token.status, stateAt: 0 } })],
    ["when the job changed", (token) => ({ ...token, status: token.status && { ...token.status, changedAt: 0 } })],
    [
      "whether a stall was reported",
      without("status", "stallReported"),
      ({ options }) => options.stall?.report === true
    ],
    ["its hold", without("hold")],
    [
      "since when an end is held",
      (token) => ({ ...token, hold: token.hold && { ...token.hold, at: token.writtenAt! } })
    ],
    ["where its fallback is", without("located"), ({ options }) => options.missing?.fallback === "byState"],
    ["how long checks take", without("checkMillis")],
    ["when the newest check began", without("checkedAt")],
    ["its retries", without("retries")],
    ["that a check alone completes the attempt", without("alone")],
    ["that the next check is the last", without("last")],
    ["the longest throttled delay", without("throttledMillis")],
    ["its timeout", without("timeout")],
    ["what the cancel brought", without("timeout", "cancel")],
    ["which actions were handled", without("actions")],
    ["its cursor", without("cursor")],
    ["its floor", (token) => ({ ...token, floorAt: 0 })]
  ] as ReadonlyArray<readonly [string, Tamper, ((world: World) => boolean)?]>
).map(([what, tamper, isAbout]) => ({ what, tamper, isAbout }))

const board = (some: Partial<Board>): Board => ({
  worlds: 20_000,
  comparisons: 1,
  differences: 0,
  resumes: 1,
  cut: { inRow: 500, inHold: 500, atLimit: 500, throttled: 500, inCancel: 500 },
  shown: [],
  ...some
})

describe("laws", () => {
  it(
    "300 worlds - are as the reference says, in every host and when they are cut",
    () => {
      const judged = session({ seed, from: 0, to: 300 })
      assert.deepStrictEqual(
        judged.shown.map(({ what, where, world }) => `world ${world.index}, ${where}: ${what}`),
        []
      )
      assert.strictEqual(judged.differences, 0)
      assert.strictEqual(judged.worlds, 300)
      assert.isAbove(judged.comparisons, 300 * hosts.length)
      assert.isTrue(holds(judged), JSON.stringify(summary(judged)))
    },
    timeout
  )

  it.each([
    "hints are no floors",
    "the last check does not fit",
    "the last check has no margin",
    "error schedules count from the start",
    "an outage counts by number alone",
    "throttled checks are failed checks",
    "errors before an answer are remembered",
    "one more check for a result",
    "runs are not distinguished",
    "a delay of 0 stays",
    "no minimum interval",
    "limits are not kept",
    "ends need not hold",
    "holds are not reset",
    "ends are all alike",
    "no other source confirms",
    "actions are handled again"
  ])(
    "a reference by which %s - is detected",
    (rule) => {
      const wrong = new Set([rule])
      const world = firstWorld(wrong)
      assert(world !== undefined, "no world is about this rule")
      const difference = differs(world, { host: start }, wrong)
      assert(difference !== undefined)
      assert.notDeepEqual(difference.expected, difference.actual)
    },
    timeout
  )

  it.each(forgetful)(
    "a token without $what - is detected",
    ({ isAbout, tamper }) => assert.isTrue(isNoticed(tamper, isAbout ?? (() => true))),
    timeout
  )

  it.each([139, 1062, 1178, 5000, 7820, 8570, 8766, 17022, 17757, 18426, 18612, 19722])(
    "world %i of seed 1, which once differed - does not differ",
    (index) => assert.deepStrictEqual(judge(draw(1, index)).differing, []),
    timeout
  )

  it(
    "a difference - is shown by a world that is no larger",
    () => {
      const wrong = new Set(["hints are no floors"])
      const world = firstWorld(wrong)!
      const { actual, expected, what, world: small } = shrink(world, { host: start }, wrong)
      assert.isAtMost(JSON.stringify(small).length, JSON.stringify(world).length)
      assert.notDeepEqual(expected, actual)
      assert.match(what, /expected .* got /)
    },
    timeout
  )

  it("worlds - are the same for the same seed and index, and differ otherwise", () => {
    assert.deepStrictEqual(worldOf(3, 14), worldOf(3, 14))
    assert.notDeepEqual(worldOf(3, 14).options, worldOf(3, 15).options)
    assert.notDeepEqual(worldOf(3, 14).options, worldOf(4, 14).options)
  })

  it("the board - holds without differences, and if each state was cut often enough", () => {
    assert.isTrue(holds(board({})))
    assert.isFalse(holds(board({ differences: 1 })))
    for (const state of Object.keys(board({}).cut))
      assert.isFalse(holds(board({ cut: { ...board({}).cut, [state]: 499 } })), state)
    assert.isTrue(
      holds(board({ worlds: 2_000, cut: { inRow: 50, inHold: 50, atLimit: 50, throttled: 50, inCancel: 50 } }))
    )
  })
})
