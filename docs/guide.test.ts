import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import * as Job from "effect-poll/Job"
import * as Poll from "effect-poll/Poll"
import * as PollError from "effect-poll/PollError"
import * as Quorum from "effect-poll/Quorum"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import * as SubmitError from "effect-poll/SubmitError"
// Without it, the options of what tells a wait are refused for another reason.
import "effect-poll/Told"
import { anchors, classesOf, codeOf, membersOf, prose, table, unionOf } from "../scripts/docs.ts"

// The tables of the guides list what the sources declare, and nothing else.

const read = (file: string): string => readFileSync(join(import.meta.dirname, "..", file), "utf8")
const guide = (name: string): string => read(`docs/guide/${name}.md`)
const core = (module: string): string => read(`packages/core/src/${module}.ts`)

describe("options of a wait", () => {
  const page = guide("10-options")
  const rows = table(page, "option", "type", "default", "what it does", "also in", "rule")
  const names = rows.map(({ option }) => codeOf(option!))
  const fields = membersOf(core("PollOptions"), "PollOptions")
  const nested = {
    checkErrors: membersOf(core("Job"), "CheckErrorPolicy"),
    confirm: membersOf(core("Job"), "ConfirmPolicy"),
    stall: membersOf(core("Job"), "StallPolicy")
  }

  it("table - has each field of PollOptions", () => {
    const found = new Set(names.map((name) => name.split(".")[0]!))
    assert.sameMembers([...found], [...fields])
  })

  it.each(Object.entries(nested))("table - has each field of %s", (option, members) => {
    const found = names.filter((name) => name.startsWith(`${option}.`))
    assert.sameMembers(
      found,
      members.map((member) => `${option}.${member}`)
    )
  })

  it("also in - names Job and PollDefaults where they have the option", () => {
    const job = new Set(membersOf(core("Job"), "Options"))
    const defaults = new Set(membersOf(core("PollDefaults"), "PollDefaults"))
    for (const row of rows) {
      const name = codeOf(row["option"]!).split(".")[0]!
      const where = [...(job.has(name) ? ["`Job`"] : []), ...(defaults.has(name) ? ["`PollDefaults`"] : [])]
      assert.strictEqual(row["also in"], where.join(", "), row["option"])
    }
  })

  it("table of what tells a wait - has each field of ToldOptions", () => {
    const told = table(page, "told by", "type", "default", "what it does", "rule").map((row) => codeOf(row["told by"]!))
    assert.sameMembers(told, [...membersOf(core("PollOptions"), "ToldOptions")])
    assert.sameMembers(told, [...membersOf(core("PollOptions"), "ToldByKeyOptions")])
  })

  it("options of one function - are in the second table", () => {
    const others = table(page, "function", "option", "type", "default", "what it does")
    const source = core("Poll").replaceAll(/\/\*\*[^]*?\*\//g, "")
    const body = (name: string) => source.slice(source.indexOf(`export const ${name}`)).split("\nexport const ")[0]!
    const submitOptions = membersOf(core("PollOptions"), "SubmitOptions")
    for (const { function: from, option } of others) {
      const name = codeOf(option!)
      const where = submitOptions.includes(name) ? "SubmitOptions" : `readonly ${name}?:`
      assert.include(body(codeOf(from!).replace("Poll.", "")), where, `${from} ${option}`)
    }
    const inline = `${body("run")}\n${body("promise")}`.matchAll(/readonly (\w+)\?:/g)
    const declared = [...inline].map(([, option]) => option!).concat(submitOptions)
    assert.sameMembers(
      others.map(({ option }) => codeOf(option!)),
      [...new Set(declared)]
    )
  })

  it("settings of the program - are those of PollDefaults that no wait has", () => {
    const own = membersOf(core("PollDefaults"), "PollDefaults").filter((name) => !fields.includes(name))
    for (const name of own) assert.include(page, `\`${name}\` (`)
  })

  it("configuration - has each key", () => {
    const keys = table(page, "key", "sets").map(({ key }) => codeOf(key!))
    assert.sameMembers(keys, [...new Set(core("PollDefaults").match(/EFFECT_POLL_\w+/g))])
  })
})

describe("events", () => {
  const page = guide("11-events")
  const source = core("PollEvent")
  const events = table(page, "event", "when", "fields")

  it("table - has each event, and Started", () => {
    assert.sameMembers(
      events.map(({ event }) => codeOf(event!)),
      ["Started", ...unionOf(source, "PollEvent")]
    )
  })

  it("table - has the fields of each event", () => {
    for (const { event, fields } of events) {
      const name = codeOf(event!)
      const members = membersOf(name === "Started" ? core("Observer") : source, name)
      const listed = [...fields!.matchAll(/`(\w+)`/g)].map(([, field]) => field)
      assert.sameMembers(["_tag", ...listed], [...members], name)
    }
  })

  it("table - has each reason of Waiting", () => {
    const reasons = table(page, "reason", "the wait sleeps because").map(({ reason }) => codeOf(reason!))
    assert.sameMembers(reasons, [...unionOf(source, "WaitReason")])
  })
})

describe("telemetry", () => {
  it("table - has each metric", () => {
    const metrics = table(guide("13-telemetry"), "metric", "kind", "attributes").map(({ metric }) => codeOf(metric!))
    const declared = [...core("PollMetrics").matchAll(/Metric\.\w+\("(\w+)"/g)].map(([, name]) => name!)
    assert.sameMembers(metrics, declared)
  })

  it("span - has each attribute, in the table or in the text", () => {
    const source = core("internal/telemetry") + core("internal/single/host")
    for (const [attribute] of source.matchAll(/"poll\.[\w.]+"/g)) {
      assert.include(guide("13-telemetry"), `\`${attribute.slice(1, -1)}\``)
    }
  })

  it("table - has each entry of the journal", () => {
    const entries = table(guide("13-telemetry"), "entry", "has, besides job, key and time")
    const declared = [...core("PollJournal").matchAll(/TaggedStruct\("(\w+)"/g)].map(([, name]) => name!)
    assert.sameMembers(
      entries.map(({ entry }) => codeOf(entry!)),
      declared
    )
  })
})

describe("errors", () => {
  const details: PollError.Details = {
    job: "render",
    key: "a",
    attempts: 3,
    elapsed: Duration.seconds(2),
    lastStatus: Status.pending({ state: "BUSY" }),
    lastCheckError: undefined,
    unknownStates: {},
    hints: { clamped: 0, unreadable: 0 },
    history: []
  }
  const timeout = {
    ...details,
    state: undefined,
    limit: undefined,
    unconfirmed: undefined,
    cancel: undefined,
    floorAt: undefined
  }
  const exhausted = { ...details, error: "reset", errorCount: 2, outage: Duration.seconds(31) } as const
  const samples: ReadonlyArray<Error & { readonly _tag: string }> = [
    new PollError.JobFailed({ ...details, failure: "no disk" }),
    new PollError.JobCanceled({ ...details, reason: "no credits", partial: undefined }),
    new PollError.JobExpired({ ...details, reason: "too old", partial: undefined }),
    new PollError.JobNotFound(details),
    new PollError.ResultMissing({ ...details, state: "done", issue: "no url" }),
    new PollError.PollTimeout({ ...timeout, reason: "deadline" }),
    new PollError.PollTimeout({ ...timeout, reason: "strategy" }),
    new PollError.PollTimeout({ ...timeout, reason: "state", state: "QUEUED", limit: Duration.minutes(10) }),
    new PollError.JobStalled({ ...details, unchangedFor: Duration.minutes(1) }),
    new PollError.ActionRequired({ ...details, action: { id: "1", kind: "approval" } }),
    new PollError.UnknownState({ ...details, state: "PAUSED" }),
    new PollError.CheckRejected({ ...details, error: "401" }),
    new PollError.CheckErrorsExhausted({ ...exhausted, budget: "maxConsecutive" }),
    new PollError.CheckErrorsExhausted({ ...exhausted, budget: "maxTotal" }),
    new PollError.CheckErrorsExhausted({ ...exhausted, budget: "maxThrottled" }),
    new PollError.CheckTimeout({ checkTimeout: Duration.minutes(1) }),
    new SubmitError.SubmitTimeout({ job: "render", submitTimeout: Duration.minutes(5) }),
    new SubmitError.ReceiptTimeout({
      job: "render",
      key: "a",
      receiptTimeout: Duration.seconds(10),
      token: undefined as never
    }),
    new PollError.ResumeTokenError({ reason: "malformed", detail: "it is not JSON" }),
    new PollError.CancelFailed({ job: "render", key: "a", reason: "unsupported", error: undefined }),
    new Quorum.QuorumFailed({ needed: 2, succeeded: 0, total: 3, causes: [] })
  ]

  const page = guide("15-troubleshooting")
  const entries = new Map(
    prose(page)
      .split(/^## /m)
      .flatMap((section) => section.split(/^### /m).slice(1))
      .map((entry) => [codeOf(entry), entry.slice(entry.indexOf("\n"))] as const)
  )

  /** The messages that an entry lists, as patterns: `<...>` is any text. */
  const patterns = (entry: string): ReadonlyArray<RegExp> =>
    [...entry.matchAll(/^`(.*)`$/gm)].map(([, message]) => matching(message!))

  const matching = (message: string): RegExp => {
    const parts = message.split(/<\w+>/).map((text) => text.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&"))
    return new RegExp(`^${parts.join("(?:.|\\n)+")}$`)
  }

  it("table of the errors guide - has each PollError", () => {
    const tags = table(guide("04-errors"), "error", "what happened", "is the job over?").map(({ error }) =>
      codeOf(error!).replace(/<.*>/, "")
    )
    assert.sameMembers(tags, [...unionOf(core("PollError"), "PollError")])
  })

  it("troubleshooting - has an entry for each error class", () => {
    const classes = ["PollError", "SubmitError", "Quorum"].flatMap((module) => classesOf(core(module)))
    assert.sameMembers([...entries.keys()], classes)
  })

  it.each(samples.map((error) => [error.message, error] as const))("%s - is listed", (message, { _tag }) => {
    const listed = patterns(entries.get(_tag)!)
    assert.isTrue(
      listed.some((pattern) => pattern.test(message)),
      `${message} is none of ${listed.join(", ")}`
    )
  })

  it("troubleshooting - lists only messages of errors", () => {
    for (const [tag, entry] of entries) {
      for (const pattern of patterns(entry)) {
        assert.isTrue(
          samples.some((error) => error._tag === tag && pattern.test(error.message)),
          String(pattern)
        )
      }
    }
  })

  const check = Effect.succeed(Status.pending())
  const noSubmit = Job.make("render", { check: () => check })
  const bad: ReadonlyArray<readonly [string, () => unknown]> = [
    ["deadline", () => Poll.until(check, { deadline: 0 })],
    ["stall", () => Poll.until(check, { deadline: 1, stall: { after: 0 } })],
    ["maxHint", () => Poll.until(check, { deadline: 1, maxHint: -1 })],
    ["times", () => Poll.until(check, { deadline: 1, unknownState: { times: 0 } })],
    ["key", () => Poll.until(noSubmit, "", { deadline: 1 })],
    ["confirm", () => Poll.until(check, { deadline: 1, confirm: { success: { for: 1 } } })],
    ["unknown word", () => Poll.until(check, { deadline: 1, onTimeout: "cancel" as never })],
    ["strategy", () => Poll.until(check, { deadline: 1, strategy: "1 second" as never })],
    ["both", () => Poll.until(check, { deadline: 1, confirm: { success: { times: 2, for: 1 } as never } })],
    ["no option", () => Poll.until(check, { deadline: 1, unknownStatus: "continue" } as never)],
    ["behind", () => Poll.until(check, { deadline: 1, behind: Strategy.spaced(1) })],
    ["onTimeout", () => Poll.until(noSubmit, "a", { deadline: 1, onTimeout: "cancelRemote" })],
    ["submit", () => Poll.run(noSubmit, undefined as never, { deadline: 1 })]
  ]
  const listed = table(page, "message", "what to do").map(({ message }) => codeOf(message!))

  it.each(bad)("RangeError for %s - is listed", (_, call) => {
    assert.throws(call, RangeError)
    try {
      call()
    } catch (error) {
      const { message } = error as RangeError
      assert.isTrue(
        listed.some((each) => matching(each).test(message)),
        `${message} is not listed`
      )
    }
  })

  it("listed RangeErrors - are all thrown by a call", () => {
    const messages = bad.map(([, call]) => {
      try {
        return String(call())
      } catch (error) {
        return (error as RangeError).message
      }
    })
    for (const each of listed)
      assert.isTrue(
        messages.some((message) => matching(each).test(message)),
        each
      )
  })

  it("anchors - are the tags in lower case, so that a tool can link an entry", () => {
    assert.includeMembers(
      [...anchors(page)],
      [...entries.keys()].map((tag) => tag.toLowerCase())
    )
  })
})
