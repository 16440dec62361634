import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as CheckResult from "effect-poll/CheckResult"
import * as Status from "effect-poll/Status"
import * as StatusSchema from "effect-poll/StatusSchema"
import * as Push from "@effect-poll/http/Push"

const TaskStatus = StatusSchema.fromField(
  Schema.Struct({ state: Schema.Literals(["busy", "done"]), n: Schema.Finite }),
  "state",
  { busy: Status.pending(), done: (task) => Status.succeeded(task.n) }
)
const decode = (schema: Schema.Codec<unknown, unknown>, body: unknown) =>
  Effect.runSync(Effect.result(Schema.decodeUnknownEffect(schema)(body)))

describe("Push", () => {
  it("make - decodes the status of a check, with the key and the run that the body names", () => {
    const schema = Push.make(TaskStatus, {
      key: (body) => (Schema.is(Schema.Struct({ id: Schema.String }))(body) ? body.id : undefined),
      run: (body) => (Schema.is(Schema.Struct({ run: Schema.Finite }))(body) ? { generation: body.run } : undefined)
    })
    const push = Schema.decodeSync(schema)({ id: "t1", state: "done", n: 7 })
    assert.strictEqual(push.key, "t1")
    assert.deepStrictEqual(push.result, Status.succeeded(7, { state: "done" }))
    const ofRun = Schema.decodeSync(schema)({ state: "busy", n: 7, run: 3 })
    assert.isUndefined(ofRun.key)
    assert.deepStrictEqual(ofRun.result, CheckResult.withRun(Status.pending({ state: "busy" }), { generation: 3 }))
    assert.deepStrictEqual(
      Schema.decodeSync(schema)({ id: "t1", state: "odd" }).result,
      CheckResult.unknownState("odd")
    )
  })

  it("make - fails with a Schema error when the body does not fit or an option throws", () => {
    const broken = Push.make(TaskStatus, {
      key: () => {
        throw new Error("no key here")
      }
    })
    const malformed = decode(Push.make(TaskStatus, { key: () => "k" }), { state: "done", n: "seven" })
    assert.include(malformed._tag === "Failure" ? malformed.failure.message : "", "Expected number")
    const thrown = decode(broken, { state: "done", n: 7 })
    assert.include(thrown._tag === "Failure" ? thrown.failure.message : "", "no key here")
  })

  it("wake - decodes to neither a key nor a result, and rejects any other body", () => {
    const schema = Push.wake(Schema.Struct({ event: Schema.Literal("written") }))
    assert.deepStrictEqual(Schema.decodeSync(schema)({ event: "written", task_id: "t1" }), {
      key: undefined,
      result: undefined
    })
    assert.strictEqual(decode(schema, { event: "other" })._tag, "Failure")
  })
})
