// A15-A17: where a state stands, and of what type it is.
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import * as Poll from "effect-poll/Poll"
import * as Status from "effect-poll/Status"
import * as StatusSchema from "effect-poll/StatusSchema"
import * as HttpCheck from "@effect-poll/http/HttpCheck"
import { type Case, type Expected, wait } from "../case.ts"
import { type Reply, script } from "../server.ts"
import { eachSecond, url } from "./kit.ts"

const json = (value: unknown): Reply => ({ json: value })

const reads = <A, F>(
  id: string,
  name: string,
  schema: () => StatusSchema.StatusSchema<A, F>,
  answers: ReadonlyArray<unknown>,
  ends: Expected,
  unknownState: "fail" | "continue" = "fail"
): Case =>
  wait(id, name, {
    server: script(...answers.map(json)),
    program: () => Poll.until(HttpCheck.get(url, schema()), { ...eachSecond, deadline: "2 minutes", unknownState }),
    ends
  })

const Done = Schema.Struct({ done: Schema.Boolean, file: Schema.optionalKey(Schema.String) })

const doneStatus = () =>
  StatusSchema.fromField(Done, "done", {
    false: Status.pending(),
    true: ({ file }) => Status.succeeded(file)
  })

const ended = () =>
  StatusSchema.fromField(Schema.Struct({ exitCode: Schema.NullOr(Schema.Literals([0, 1])) }), "exitCode", {
    null: Status.pending(),
    "0": Status.succeeded("ended well"),
    "1": Status.failed("ended badly")
  })

const numbered = () =>
  StatusSchema.fromField(Schema.Struct({ status: Schema.Literals([-1, 0, 1]) }), "status", {
    "-1": Status.failed("rejected"),
    "0": Status.pending(),
    "1": Status.succeeded("approved")
  })

const optional = () =>
  StatusSchema.fromField(
    Schema.Struct({ phase: Schema.optionalKey(Schema.Literals(["Succeeded", "Failed"])) }),
    "phase",
    { undefined: Status.pending(), Succeeded: Status.succeeded("ready"), Failed: Status.failed("crashed") }
  )

const texts = () =>
  StatusSchema.fromField(Schema.Struct({ retcode: Schema.Literals(["-1", "0", "2"]) }), "retcode", {
    "-1": Status.failed("no such order"),
    "0": Status.succeeded("delivered"),
    "2": Status.pending()
  })

const Record = Schema.Struct({ id: Schema.Int, state: Schema.Literals(["PENDING", "READY"]) })

const recordStatus = () =>
  StatusSchema.fromField(Record, "state", { PENDING: Status.pending(), READY: ({ id }) => Status.succeeded(id) })

const inArray = () => StatusSchema.within(recordStatus(), ["jobs", 0])

const deep = () => StatusSchema.within(recordStatus(), ["response", "items", 0, "job"])

const Crawl = Schema.Struct({ complete: Schema.Boolean, results: Schema.Array(Schema.String) })

const crawlStatus = () =>
  StatusSchema.fromPayload(Crawl, ({ complete, results }) =>
    complete && results.length > 0
      ? Status.succeeded(results)
      : complete
        ? Status.failed("nothing was found")
        : Status.pending({ state: "crawling" })
  )

const Inner = Schema.Struct({
  operation: Schema.Struct({
    state: Schema.Literals(["ACTIVE", "SUCCEEDED", "FAILED"]),
    error: Schema.optionalKey(Schema.String)
  }),
  output: Schema.optionalKey(Schema.String)
})

const innerStatus = () =>
  StatusSchema.fromField(Inner, ["operation", "state"], {
    ACTIVE: Status.pending(),
    SUCCEEDED: ({ output }) => Status.succeeded(output),
    FAILED: ({ operation }) => Status.failed(operation.error)
  })

const Flat = Schema.Struct({
  state: Inner.fields.operation.fields.state,
  error: Schema.optional(Schema.String),
  output: Schema.optional(Schema.String)
})

/** The same in one level, as a view of what the server sends. */
const View = Inner.pipe(
  Schema.decodeTo(Flat, {
    decode: SchemaGetter.transform(({ operation, output }: typeof Inner.Type) => ({
      state: operation.state,
      error: operation.error,
      output
    })),
    encode: SchemaGetter.forbidden(() => "a view is only read")
  })
)

const viewStatus = () =>
  StatusSchema.fromField(
    View,
    "state",
    {
      ACTIVE: Status.pending(),
      SUCCEEDED: ({ output }) => Status.succeeded(output),
      FAILED: ({ error }) => Status.failed(error)
    },
    { encodedField: ["operation", "state"] }
  )

const active = { operation: { state: "ACTIVE" } }

export const schemas: ReadonlyArray<Case> = [
  reads("A15.a", "done is a boolean", doneStatus, [{ done: false }, { done: false }, { done: true, file: "a" }], {
    tag: "Succeeded",
    value: "a",
    requests: 3,
    states: ["false"]
  }),
  reads("A15.b", "the exit code is null while the process runs", ended, [{ exitCode: null }, { exitCode: 1 }], {
    tag: "JobFailed",
    error: { failure: "ended badly", "lastStatus.state": "1" },
    requests: 2,
    states: ["null"]
  }),
  reads("A15.c", "states are numbers, one of them negative", numbered, [{ status: 0 }, { status: -1 }], {
    tag: "JobFailed",
    error: { failure: "rejected", "lastStatus.state": "-1" },
    requests: 2
  }),
  reads("A15.d", "the phase is absent until there is one", optional, [{}, {}, { phase: "Succeeded" }], {
    tag: "Succeeded",
    value: "ready",
    requests: 3,
    states: [undefined]
  }),
  reads("A15.e", "numbers written as texts", texts, [{ retcode: "2" }, { retcode: "-1" }], {
    tag: "JobFailed",
    error: { failure: "no such order" },
    requests: 2
  }),
  reads("A15.f", "a number that is not listed is an unknown state", numbered, [{ status: 0 }, { status: 7 }], {
    tag: "UnknownState",
    error: { state: "7" },
    requests: 2
  }),

  reads(
    "A16.a",
    "the record is the first of an array",
    inArray,
    [{ jobs: [{ id: 7, state: "PENDING" }] }, { jobs: [{ id: 7, state: "READY" }] }],
    { tag: "Succeeded", value: 7, requests: 2 }
  ),
  reads(
    "A16.b",
    "two fields decide, and results may come without a state",
    crawlStatus,
    [
      { complete: false, results: [] },
      { complete: false, results: ["a"] },
      { complete: true, results: ["a", "b"] }
    ],
    { tag: "Succeeded", value: ["a", "b"], requests: 3, states: ["crawling"] }
  ),
  reads("A16.c", "complete, and there is nothing", crawlStatus, [{ complete: true, results: [] }], {
    tag: "JobFailed",
    error: { failure: "nothing was found" },
    requests: 1
  }),
  reads(
    "A16.d",
    "an unlisted word in an array follows the policy of the wait",
    inArray,
    [{ jobs: [{ id: 7, state: "PREEMPTED" }] }, { jobs: [{ id: 7, state: "READY" }] }],
    { tag: "Succeeded", value: 7, requests: 2, states: ["PREEMPTED"] },
    "continue"
  ),
  reads(
    "A16.e",
    "an envelope of four levels",
    deep,
    [
      { response: { items: [{ job: { id: 1, state: "PENDING" } }] } },
      { response: { items: [{ job: { id: 1, state: "PAUSED" } }] } }
    ],
    { tag: "UnknownState", error: { state: "PAUSED" }, requests: 2 }
  ),
  reads("A16.f", "an empty array is no success", inArray, [{ jobs: [] }], { tag: "CheckRejected", requests: 1 }),

  reads(
    "A17.a",
    "the state is inside and the result outside",
    innerStatus,
    [active, { operation: { state: "SUCCEEDED" }, output: "a.glb" }],
    { tag: "Succeeded", value: "a.glb", requests: 2, states: ["ACTIVE"] }
  ),
  reads(
    "A17.b",
    "the error is inside, seen through a view that flattens",
    viewStatus,
    [active, { operation: { state: "FAILED", error: "no mesh" } }],
    {
      tag: "JobFailed",
      error: { failure: "no mesh", "lastStatus.state": "FAILED" },
      requests: 2
    }
  ),
  reads(
    "A17.c",
    "an unlisted word inside is an unknown state",
    innerStatus,
    [active, { operation: { state: "ROLLING_BACK" } }],
    { tag: "UnknownState", error: { state: "ROLLING_BACK" }, requests: 2 }
  ),
  reads(
    "A17.d",
    "an unlisted word under a view follows the policy of the wait",
    viewStatus,
    [{ operation: { state: "ROLLING_BACK" } }, active, { operation: { state: "SUCCEEDED" }, output: "b.glb" }],
    { tag: "Succeeded", value: "b.glb", requests: 3, states: ["ROLLING_BACK", "ACTIVE"] },
    "continue"
  ),
  reads("A17.e", "an answer without the inner object is an error", innerStatus, [{ output: "c.glb" }], {
    tag: "CheckRejected",
    requests: 1
  })
]
