import { describe, expectTypeOf, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as Status from "effect-poll/Status"
import * as StatusSchema from "effect-poll/StatusSchema"

const Render = Schema.Struct({
  status: Schema.Literals(["PENDING", "DONE", "FAILED"]),
  urls: Schema.Array(Schema.String)
})

describe("StatusSchema", () => {
  it("fromField - infers result and failure from its cases", () => {
    const schema = StatusSchema.fromField(Render, "status", {
      PENDING: Status.pending(),
      DONE: (render) => Status.succeeded(render.urls),
      FAILED: Status.failed("reason" as const)
    })
    expectTypeOf(schema).toEqualTypeOf<StatusSchema.StatusSchema<ReadonlyArray<string>, "reason">>()
  })

  it("fromField without a case for every state - does not compile", () => {
    StatusSchema.fromField(
      Render,
      "status",
      // @ts-expect-error FAILED has no case
      {
        PENDING: Status.pending(),
        DONE: Status.succeeded()
      }
    )
  })

  it("fromField with a case for an unknown state - does not compile", () => {
    StatusSchema.fromField(Render, "status", {
      PENDING: Status.pending(),
      DONE: Status.succeeded(),
      FAILED: Status.failed("x"),
      // @ts-expect-error PAUSED is no state of the Schema
      PAUSED: Status.pending()
    })
  })

  it("union - gives each case its own member", () => {
    const Task = Schema.Union([
      Schema.Struct({ state: Schema.Literal("busy") }),
      Schema.Struct({ state: Schema.Literal("ready"), result: Schema.Finite })
    ])
    const schema = StatusSchema.fromField(Task, "state", {
      busy: Status.pending(),
      ready: (task) => Status.succeeded(task.result)
    })
    expectTypeOf(schema).toEqualTypeOf<StatusSchema.StatusSchema<number>>()
  })
})
