/**
 * Calls that must not compile, and what their messages must name: `compilers.test.ts` compares.
 *
 * A comment `//! A, B; C` stands before each call: the first line of its message contains `A` and `B`, the whole message
 * also `C`. Each call has a message, and none says that something is not assignable to `never`.
 */
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as HttpCheck from "@effect-poll/http/HttpCheck"
import * as Job from "effect-poll/Job"
import * as Poll from "effect-poll/Poll"
import type * as Poller from "effect-poll/Poller"
import * as Status from "effect-poll/Status"
import * as StatusSchema from "effect-poll/StatusSchema"

interface Refused {
  readonly _tag: "Refused"
}

declare const check: Effect.Effect<Status.Status<string, number>, Refused>
declare const poller: Poller.Service
declare const promise: Promise<Status.Status<string>>
declare const scenes: { readonly load: () => Promise<Status.Status<string>> }

const deadline = "1 minute"
const Payload = Schema.Struct({ status: Schema.Literals(["busy", "done"]), count: Schema.Finite })
const Inner = Schema.Struct({ id: Schema.String, job: Schema.Struct({ phase: Schema.String }) })
const PayloadStatus = StatusSchema.fromField(Payload, "status", {
  busy: Status.pending(),
  done: ({ count }) => Status.succeeded(count)
})
const Render = Job.make("render", {
  submit: (_scene: string) => Effect.succeed({ key: "a" }),
  check: (_id: string) => check
})
const Ready = Job.make("ready", { check: (_id: string) => check })

// ---- a check that yields no status ----

//! string, CheckResult
Poll.until(Effect.succeed("done"), { deadline })

//! CheckResult; 'string'
Effect.succeed("done").pipe(Poll.until({ deadline }))

//! CheckResult; 'undefined'
Poll.until(Effect.succeed(undefined), { deadline })

//! CheckResult; 'void'
Poll.until(Effect.void, { deadline })

//! Promise, CheckResult
Poll.until(
  Effect.sync(() => promise),
  { deadline }
)

//! Promise, CheckResult
Poll.until(Effect.succeed(scenes.load()), { deadline })

//! Promise, CheckResult
Poll.until(promise, { deadline })

//! CheckResult
Poll.until(() => check, { deadline })

//! CheckResult
Poll.until(async () => Status.pending(), { deadline })

//! StatusSchema, CheckResult
Poll.until(PayloadStatus, { deadline })

//! CheckResult
Poll.until(Payload, { deadline })

//! CheckResult; Pending
Poll.until(Effect.succeed(Status.pending), { deadline })

//! CheckResult; 'string'
Poll.until(
  Effect.map(check, (status) => (status._tag === "Pending" ? "wait" : status)),
  { deadline }
)

//! CheckResult; 'boolean'
Poll.events(Effect.succeed(true), { deadline })

//! CheckResult; 'null'
Poll.start(Effect.succeed(null), { deadline })

//! CheckResult; 'number'
void Poll.promise(Effect.succeed(7), { deadline })

//! CheckResult; 'string'
Job.make("render", { check: (_id: string) => Effect.succeed("done") })

//! Promise, CheckResult
Job.make("render", { check: (_id: string) => promise })

// ---- a job in place of a check, and a check in place of a job ----

//! Job, CheckResult
Poll.until(Ready, { deadline })

//! Watchable; Job
Poll.until(check, "a", { deadline })

//! Watchable; Job
poller.until(check, "a", { deadline })

// ---- jobs ----

//! submit
Poll.run(Ready, "forest", { deadline })

//! submit
Poll.run(Ready, undefined, { deadline })

//! 'string'
Poll.run(Render, 7, { deadline })

//! KeyCodec
Job.make("render", { check: (_id: number) => check })

//! KeyCodec
Job.make("render", { check: (_id: { readonly model: string }) => check })

//! KeyCodec
Job.make("render", { check: (_id: "a" | "b") => check })

//! key
Job.make("render", {
  check: (_id: string) => check,
  missing: { fallback: { locate: (key: number) => `old-${key}`, check: () => check } }
})

//! 'number', 'string'
Job.make("render", {
  check: (_id: string) => check,
  missing: { fallback: { locate: () => 7, check: () => check } }
})

//! cancle
Job.make("render", { check: (_id: string) => check, cancle: () => Effect.void })

//! Receipt
Job.make("render", { check: (_id: string) => check, submit: (_scene: string) => Effect.succeed({ id: "a" }) })

//! Receipt
Job.make("render", { check: (_id: string) => check, submit: (_scene: string) => Effect.succeed({ key: 7 }) })

// ---- options ----

//! PollOptions; deadline
Poll.until(check, {})

//! PollOptions; deadline
Poll.until(Ready, "a", { strategy: Schedule.spaced("1 second") })

//! PollOptions; deadline
poller.until(Ready, "a", {})

//! interval, PollOptions
Poll.until(check, { deadline, interval: "1 second" })

//! timeout, PollOptions
Poll.until(Ready, "a", { deadline, timeout: "1 second" })

//! "10 minuts"
Poll.until(check, { deadline: "10 minuts" })

//! Schedule, Observation
Poll.until(check, { deadline, checkErrors: { retry: Schedule.identity<number>() } })

//! Schedule, Observation
Poll.until(Ready, "a", { deadline, strategy: Schedule.identity<number>() })

//! string, Schedule, Observation
Poll.until(check, { deadline, strategy: "1 second" })

//! Refused, string
Poll.until(check, { deadline, checkErrors: { kindOf: (_error: string) => ({ _tag: "Permanent" as const }) } })

// ---- schemas of a status ----

//! StatusSchema
HttpCheck.get("https://api.example.com/1", Payload)

//! StatusSchema
HttpCheck.get("https://api.example.com/1", Schema.Struct({ status: Schema.String }))

//! dnoe
StatusSchema.fromField(Payload, "status", { busy: Status.pending(), dnoe: Status.succeeded() })

//! "state", FieldOf
StatusSchema.fromField(Payload, "state", { busy: Status.pending(), done: Status.succeeded() })

//! "state", FieldOf
StatusSchema.fromField(Payload, "state", { busy: () => Status.pending(), done: () => Status.succeeded() })

//! "state", FieldOf
StatusSchema.fromField(Payload, "state", { busy: Status.pending() }, { orElse: () => Status.pending() })

//! the payload has no field state
StatusSchema.fromField(Inner, ["job", "state"], { busy: Status.pending(), done: Status.succeeded() })

//! words of count, orElse
StatusSchema.fromField(Payload, "count", { busy: Status.pending(), done: Status.succeeded() })

//! words of count, orElse
StatusSchema.fromField(Payload, "count", { 1: Status.pending(), 2: Status.succeeded() })

//! words of phase, orElse
StatusSchema.fromField(Inner, ["job", "phase"], { busy: Status.pending(), done: Status.succeeded() })

//! words of phase, orElse
StatusSchema.fromField(Inner, ["job", "phase"], { busy: Status.pending(), done: ({ id }) => Status.succeeded(id) })

//! words of phase, orElse
StatusSchema.fromField(Inner, ["job", "phase"], {})

//! orElse
StatusSchema.fromField(Inner, ["job", "phase"], { busy: Status.pending() }, { encodedField: "phase" })

//! the Schema lists no state dnoe
StatusSchema.fromField(Payload, "status", { dnoe: Status.succeeded() }, { orElse: () => Status.pending() })

//! done
StatusSchema.fromField(Payload, "status", { busy: Status.pending() })

//! Case
StatusSchema.fromField(Payload, "status", { busy: Status.pending(), done: "done" })
