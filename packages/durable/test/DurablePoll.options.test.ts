import { assert, describe, it } from "@effect/vitest"
import * as DurablePoll from "@effect-poll/durable/DurablePoll"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Job from "effect-poll/Job"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import * as Told from "effect-poll/Told"
import { hour, makeServer } from "./support/jobs.ts"

const { job } = makeServer()
const bare = Job.make("bare", { check: (_: string) => Effect.succeed(Status.succeeded("x")) })
const submitting = Job.make("submitting", {
  check: (_: string) => Effect.succeed(Status.succeeded("x")),
  submit: (_: string) => Effect.succeed({ key: "a" })
}).pipe(Job.withCodecs({ success: Schema.String }))
const input = { schema: Schema.String, withIdempotencyKey: (some: string) => some }

const make = (options: unknown, of: unknown = job) => DurablePoll.make(of as typeof job, options as typeof hour)

describe("options of a DurablePoll", () => {
  const refused: ReadonlyArray<readonly [name: string, call: () => unknown, message: string]> = [
    ["the job without Schemas", () => make(hour, bare), "DurablePoll.make: the job must be a Job with Schemas"],
    ["the job that is none", () => make(hour, {}), "the job must be"],
    [
      "deadline",
      () => make({ deadline: 0 }),
      'DurablePoll.make: deadline must be a positive finite duration or "unbounded"'
    ],
    ["deadline that is missing", () => make({}), "DurablePoll.make: deadline"],
    ["retention", () => make({ ...hour, retention: -1 }), "DurablePoll.make: retention"],
    ["buckets", () => make({ ...hour, buckets: 0 }), "DurablePoll.make: buckets must be an integer >= 1, got 0"],
    ["affinity", () => make({ ...hour, affinity: 5 }), "DurablePoll.make: affinity must be a function, got 5"],
    ["onEnded", () => make({ ...hour, onEnded: 5 }), "DurablePoll.make: onEnded must be a function, got 5"],
    ["one that there is not", () => make({ ...hour, dedline: 5 }), "DurablePoll.make: there is no option dedline"],
    ["wait.deadline", () => make({ ...hour, wait: hour }), "there is no option wait.deadline"],
    ["wait.since", () => make({ ...hour, wait: { since: { run: "r" } } }), "there is no option wait.since"],
    ["wait.onClose", () => make({ ...hour, wait: { onClose: "leave" } }), "there is no option wait.onClose"],
    [
      "wait.strategy",
      () => make({ ...hour, wait: { strategy: 5 } }),
      "DurablePoll.make: wait.strategy must be a Schedule"
    ],
    ["wait.checkTimeout", () => make({ ...hour, wait: { checkTimeout: -1 } }), "DurablePoll.make: wait.checkTimeout"],
    ["wait.odd", () => make({ ...hour, wait: { odd: 1 } }), "DurablePoll.make: wait.there is no option odd"],
    ["wait.signal", () => make({ ...hour, wait: { signal: Stream.never } }), "wait.signal must be a function"],
    ["wait.behind alone", () => make({ ...hour, wait: { behind: Strategy.spaced(5) } }), "wait.behind needs"],
    ["wait.cancelTimeout", () => make({ ...hour, wait: { cancelTimeout: 0 } }), "wait.cancelTimeout"],
    ["input without a submit", () => make({ ...hour, input }), "DurablePoll.make: input needs a job with a submit"],
    [
      "input.schema",
      () => make({ ...hour, input: { ...input, schema: {} } }, submitting),
      "input.schema must be a Schema"
    ],
    [
      "input.withIdempotencyKey",
      () => make({ ...hour, input: { schema: Schema.String } }, submitting),
      "input.withIdempotencyKey must be a function"
    ],
    ["input.onUnknown", () => make({ ...hour, input: { ...input, onUnknown: "no" } }, submitting), "input.onUnknown"],
    [
      "input.submitTimeout",
      () => make({ ...hour, input: { ...input, submitTimeout: 0 } }, submitting),
      "submitTimeout"
    ],
    ["input.odd", () => make({ ...hour, input: { ...input, odd: 1 } }, submitting), "there is no option input.odd"],
    ["submit: deadline", () => make(hour).submit(["a"], { deadline: -5 }), "DurablePoll.submit: deadline"],
    ["submit: delay", () => make(hour).submit(["a"], { delay: -5 }), "DurablePoll.submit: delay"],
    [
      "submit: tags",
      () => make(hour).submit(["a"], { tags: Array.from({ length: 17 }, String) }),
      "at most 16 strings"
    ],
    ["submit: a tag", () => make(hour).submit(["a"], { tags: ["x".repeat(201)] }), "at most 200 characters"],
    ["submit: an empty tag", () => make(hour).submit(["a"], { tags: [""] }), "non-empty strings"],
    ["submit: odd", () => make(hour).submit(["a"], { odd: 1 } as never), "DurablePoll.submit: there is no option odd"],
    ["submit: the key", () => make(hour).submit([""]), "DurablePoll.submit: key must be a non-empty string"],
    ["submit: idempotencyKey", () => make(hour).submit(["a"], { idempotencyKey: () => "" }), "idempotencyKey"],
    ["ref", () => make(hour).ref(""), "DurablePoll.ref: idempotencyKey"],
    ["results: after", () => make(hour).results({ after: -1 }), "DurablePoll.results: after"]
  ]
  for (const [name, call, message] of refused) {
    it(`${name} - is a RangeError`, () => {
      assert.throws(call, RangeError, message)
    })
  }

  it("all documented options - are accepted", () => {
    DurablePoll.make(job, {
      deadline: "unbounded",
      retention: "forever",
      buckets: 64,
      affinity: (key) => key,
      onEnded: () => Effect.void,
      wait: {
        strategy: Strategy.spaced("1 second"),
        checkTimeout: "10 seconds",
        onTimeout: "cancelRemote",
        signal: () => Stream.succeed(Told.ended(Status.succeeded("x"))),
        push: () => Stream.succeed(Told.wake),
        behind: Strategy.spaced("1 minute")
      }
    })
    DurablePoll.make(submitting, { ...hour, input: { ...input, onUnknown: "fail", submitTimeout: "unbounded" } })
  })
})
