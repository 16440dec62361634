import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Logger from "effect/Logger"
import * as References from "effect/References"
import * as Schema from "effect/Schema"
import * as CheckError from "effect-poll/CheckError"
import * as Job from "effect-poll/Job"
import * as KeyCodec from "effect-poll/KeyCodec"
import * as Poll from "effect-poll/Poll"
import type * as Observer from "effect-poll/Observer"
import * as PollDefaults from "effect-poll/PollDefaults"
import * as Status from "effect-poll/Status"
import { hosts } from "./support/hosts.ts"
import { runFor } from "./support/runs.ts"

interface Secret {
  readonly id: number
  readonly token: string
}

const codec = (show?: (key: Secret) => string) =>
  KeyCodec.fromSchema(Schema.fromJsonString(Schema.Struct({ id: Schema.Int, token: Schema.String })), { show })
const secret: Secret = { id: 7, token: "SECRET" }

describe.each(hosts)("$name", (host) => {
  describe("KeyCodec", () => {
    it.effect("show - stands in errors and in what observers receive, for every ending", () =>
      Effect.gen(function* () {
        const endings = [
          Effect.succeed(Status.failed("f")),
          Effect.succeed(Status.canceled()),
          Effect.fail({ [CheckError.kind]: CheckError.permanent() })
        ]
        for (const check of endings) {
          const keys: Array<string> = []
          const observer: Observer.Observer = { observe: ({ key }) => Effect.sync(() => keys.push(key)) }
          const job = Job.make("shown", { key: codec(({ id }) => `#${id}`), check: () => check })
          const { exit } = yield* runFor(
            host.until(job, secret, { deadline: "1 minute", observers: [observer] }),
            "1 minute"
          )
          assert(exit !== "running")
          const error = Exit.findErrorOption(exit)
          assert(error._tag === "Some")
          assert.strictEqual((error.value as { readonly key: string }).key, "#7")
          assert.notInclude(`${(error.value as Error).message} ${JSON.stringify(error.value)}`, "SECRET")
          assert.deepStrictEqual([...new Set(keys)], ["#7"])
        }
      })
    )

    it.effect("show - the encoded key stands in its place if there is none", () =>
      Effect.gen(function* () {
        const job = Job.make("plain", { key: codec(), check: () => Effect.succeed(Status.canceled()) })
        const { exit } = yield* runFor(host.until(job, secret, { deadline: "1 minute" }), "1 minute")
        assert(exit !== "running")
        const error = Exit.findErrorOption(exit)
        assert(error._tag === "Some")
        assert.strictEqual((error.value as { readonly key: string }).key, '{"id":7,"token":"SECRET"}')
      })
    )

    it.effect("show - one that throws hides the key instead of ending the wait with a defect", () =>
      Effect.gen(function* () {
        const show = (): never => {
          throw new Error("bug")
        }
        const job = Job.make("thrower", { key: codec(show), check: () => Effect.succeed(Status.canceled()) })
        const { exit } = yield* runFor(host.until(job, secret, { deadline: "1 minute" }), "1 minute")
        assert(exit !== "running")
        const error = Exit.findErrorOption(exit)
        assert(error._tag === "Some")
        assert.include((error.value as Error).message, "a key that cannot be shown")
      })
    )
  })
})

describe("KeyCodec", () => {
  it.effect("show - stands in logs, and the encoded key in the token", () =>
    Effect.gen(function* () {
      const lines: Array<string> = []
      const job = Job.make("shown", {
        key: codec(({ id }) => `#${id}`),
        check: () => Effect.succeed(Status.failed("broken"))
      })
      yield* Poll.until(job, secret, { deadline: "1 minute" }).pipe(
        Effect.exit,
        Effect.provide(
          Logger.layer([
            Logger.map(Logger.formatJson, (line) => {
              lines.push(line)
            })
          ])
        ),
        Effect.provideService(References.MinimumLogLevel, "All"),
        Effect.provide(PollDefaults.layer({ logs: true }))
      )
      assert.isAbove(lines.length, 0)
      assert.include(lines.join(), "#7")
      assert.notInclude(lines.join(), "SECRET")

      const pending = Job.make("shown", { key: job.key, check: () => Effect.succeed(Status.pending()) })
      const handle = yield* Poll.start(pending, secret, { deadline: "1 minute" })
      assert.include((yield* handle.token).key, "SECRET")
      const canceled = yield* Effect.flip(handle.cancel)
      assert.strictEqual(canceled.key, "#7")
    })
  )

  it.effect("show - stands in the span of a wait", () =>
    Effect.gen(function* () {
      const shown: Array<unknown> = []
      const job = Job.make("shown", {
        key: codec(({ id }) => `#${id}`),
        check: () =>
          Effect.map(Effect.currentParentSpan, (span) => {
            if (span._tag === "Span") shown.push(span.attributes.get("poll.key"))
            return Status.succeeded("done")
          })
      })
      yield* Poll.until(job, secret, { deadline: "1 minute" })
      assert.deepStrictEqual(shown, ["#7"])
    })
  )
})
