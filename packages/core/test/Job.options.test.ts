import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Job from "effect-poll/Job"
import type * as Poll from "effect-poll/Poll"
import * as PollDefaults from "effect-poll/PollDefaults"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { type Answer, done, pending, scripted } from "./support/checks.ts"
import { hosts } from "./support/hosts.ts"
import { every1s } from "./support/options.ts"
import { ending, runFor } from "./support/runs.ts"

type Options = Partial<Poll.Options<string>>

/** An option as a job has it, as a wait has it, and how a wait of 20 seconds ends with the one and with the other. */
interface Row {
  readonly name: string
  readonly answers: ReadonlyArray<Answer<string, string, string>>
  readonly inJob: Options
  readonly byJob: readonly [ending: unknown, at: number]
  readonly inWait: Options
  readonly byWait: readonly [ending: unknown, at: number]
}

const busy = Status.pending({ state: "BUSY" })
const approval = Status.pending({ action: { id: "1" } })
const once = { checkErrors: { maxConsecutive: 0 } }

const rows: ReadonlyArray<Row> = [
  {
    name: "checkTimeout",
    answers: [Effect.never],
    inJob: { checkTimeout: "5 seconds", ...once },
    byJob: ["CheckErrorsExhausted", 5000],
    inWait: { checkTimeout: "3 seconds" },
    byWait: ["CheckErrorsExhausted", 3000]
  },
  {
    name: "stall",
    answers: [busy],
    inJob: { stall: { after: "5 seconds" } },
    byJob: ["JobStalled", 5000],
    inWait: { stall: { after: "3 seconds" } },
    byWait: ["JobStalled", 3000]
  },
  {
    name: "stateLimits",
    answers: [busy],
    inJob: { stateLimits: { BUSY: "5 seconds" } },
    byJob: ["PollTimeout state", 5000],
    inWait: { stateLimits: { BUSY: "3 seconds" } },
    byWait: ["PollTimeout state", 3000]
  },
  {
    name: "stateLimits of other states",
    answers: [busy],
    inJob: { stateLimits: { BUSY: "5 seconds" } },
    byJob: ["PollTimeout state", 5000],
    inWait: { stateLimits: { QUEUED: "3 seconds" } },
    byWait: ["PollTimeout deadline", 20_000]
  },
  {
    name: "confirm",
    answers: [done],
    inJob: { confirm: { success: { times: 4 } } },
    byJob: ["done", 3000],
    inWait: { confirm: { success: { times: 2 } } },
    byWait: ["done", 1000]
  },
  {
    name: "confirm, field by field",
    answers: [Status.failed("no disk")],
    inJob: { confirm: { failure: { times: 4 } } },
    byJob: ["JobFailed", 3000],
    inWait: { confirm: { success: { times: 2 } } },
    byWait: ["JobFailed", 3000]
  },
  {
    name: "minInterval",
    answers: [pending, done],
    inJob: { minInterval: "5 seconds" },
    byJob: ["done", 5000],
    inWait: { minInterval: "3 seconds" },
    byWait: ["done", 3000]
  },
  {
    name: "onAction",
    answers: [approval],
    inJob: { onAction: "fail" },
    byJob: ["ActionRequired", 0],
    inWait: { onAction: "report" },
    byWait: ["PollTimeout deadline", 20_000]
  }
]

describe.each(hosts)("$name", (host) => {
  describe("options of a job [R39]", () => {
    const run = ({ answers, inJob }: Row, inWait: Options, defaults: Partial<PollDefaults.PollDefaults> = {}) => {
      const { check } = scripted<string, string, string>(...answers)
      const job = Job.make<string, string, string>("render", { check: () => check, strategy: every1s, ...inJob })
      const wait = Effect.provide(
        host.until(job, "a", { deadline: "20 seconds", ...inWait }),
        PollDefaults.layer(defaults)
      )
      return Effect.map(runFor(wait, "1 hour"), ({ at, exit }) => [ending(exit), at] as const)
    }

    it.effect.each(rows)("$name - holds for each wait of the job", (row) =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* run(row, {}), row.byJob)
      })
    )

    it.effect.each(rows)("$name - yields to the option of a wait", (row) =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* run(row, row.inWait), row.byWait)
      })
    )

    const defaults = {
      checkTimeout: "1 second",
      strategy: Strategy.spaced("7 seconds"),
      checkErrors: { maxConsecutive: 9 }
    } as const
    const [checkTimeout] = rows as readonly [Row, ...Array<Row>]

    it.effect("checkTimeout and checkErrors of a job - take precedence over the defaults", () =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* run(checkTimeout, {}, defaults), checkTimeout.byJob)
      })
    )

    it.effect("checkTimeout of the defaults - holds where the job has none", () =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* run({ ...checkTimeout, inJob: once }, {}, defaults), [
          "CheckErrorsExhausted",
          1000
        ])
      })
    )
  })
})
