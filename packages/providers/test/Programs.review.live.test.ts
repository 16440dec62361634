import { assert, describe } from "@effect/vitest"
import * as SignalStoreSql from "@effect-poll/http/SignalStoreSql"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as Signal from "effect-poll/Signal"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { sqlite } from "../../http/test/sqlite.ts"
import { approve, decision, Documents, open, signals } from "./programs/review.ts"
import { clocked } from "./programs/running.ts"
import { ending, pass, receive } from "./programs/serving.ts"

/** A database of documents and signals on disk, and processes that use it one after the other. */
const setUp = Effect.gen(function* () {
  const directory = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "effect-poll-"))),
    (path) => Effect.sync(() => rmSync(path, { recursive: true }))
  )
  const store = Layer.orDie(Layer.provide(SignalStoreSql.layer(), sqlite(join(directory, "signals.db"))))
  const tokens = new Map<string, Redacted.Redacted>()
  const documents = Layer.succeed(Documents, {
    saveToken: (id, token) => Effect.sync(() => tokens.set(id, token)),
    tokenOf: (id) => Effect.orDie(Effect.fromNullishOr(tokens.get(id)))
  })
  const process = Effect.gen(function* () {
    const context = yield* Layer.build(Layer.merge(Layer.fresh(store), documents))
    const { log, url } = yield* receive([signals], Layer.succeedContext(context))
    const post = (token: string, body: unknown) =>
      HttpClient.execute(
        HttpClientRequest.bodyJsonUnsafe(HttpClientRequest.post(`${url}/v1/signals/${token}`), body)
      ).pipe(
        Effect.flatMap((response) => Effect.as(response.text, response.status)),
        Effect.orDie
      )
    return {
      log,
      post,
      open: (id: string) => Effect.provideContext(open(id), context),
      approve: (id: string, by: string) => Effect.provideContext(approve(id, by), context),
      list: Effect.provideContext(Signal.list({ tag: "review" }), context),
      decision: (id: string) =>
        Effect.forkScoped(Effect.provideContext(decision(id), context), { startImmediately: true })
    }
  })
  return { process, tokenOf: (id: string) => Redacted.value(tokens.get(id)!) }
})

describe("review", () => {
  clocked("approved - hours later and after a restart, by a person", () =>
    Effect.gen(function* () {
      const { process } = yield* setUp
      const first = yield* Scope.make()
      const before = yield* Scope.provide(process, first)
      yield* before.open("doc_456")
      yield* Scope.provide(before.decision("doc_456"), first)
      yield* pass(10)
      yield* Scope.close(first, Exit.void)
      yield* pass(300, 60)
      const after = yield* process
      const wait = yield* after.decision("doc_456")
      yield* pass(10)
      assert.strictEqual(wait.pollUnsafe(), undefined)
      assert.strictEqual(yield* after.approve("doc_456", "Ada"), "accepted")
      assert.strictEqual(yield* after.approve("doc_456", "Bob"), "alreadyEnded")
      yield* pass(1, 1)
      assert.deepStrictEqual(yield* ending(wait), { approvedBy: "Ada" })
      assert.deepStrictEqual(
        (yield* after.list).map(({ key, state }) => [key, state]),
        [["doc_456", "succeeded"]]
      )
    })
  )

  clocked("approved while no process waits - the next one learns of it at once", () =>
    Effect.gen(function* () {
      const { process } = yield* setUp
      const one = yield* process
      yield* one.open("doc_456")
      assert.strictEqual(yield* one.approve("doc_456", "Ada"), "accepted")
      const two = yield* process
      assert.deepStrictEqual(yield* ending(yield* two.decision("doc_456")), { approvedBy: "Ada" })
    })
  )

  clocked("by token over HTTP - once, in the process that does not wait, and a redelivery says so", () =>
    Effect.gen(function* () {
      const { process, tokenOf } = yield* setUp
      const waiting = yield* process
      yield* waiting.open("doc_456")
      const wait = yield* waiting.decision("doc_456")
      const other = yield* process
      const token = tokenOf("doc_456")
      assert.strictEqual(yield* other.post(token, { status: "completed" }), 400, "the result does not fit")
      assert.strictEqual(yield* other.post(token, { status: "failed", result: { reason: "unclear" } }), 200)
      assert.strictEqual(yield* other.post(token, { status: "completed", result: { approvedBy: "Eve" } }), 409)
      yield* pass(1, 1)
      const error = yield* Effect.flip(ending(wait))
      assert.deepStrictEqual(error._tag === "JobFailed" ? error.failure : error._tag, { reason: "unclear" })
      assert.notInclude(JSON.stringify(yield* other.log.entries), token)
    })
  )

  clocked("forged - a token that is guessed or derived is unknown, and the review stays open", () =>
    Effect.gen(function* () {
      const { process, tokenOf } = yield* setUp
      const { decision, list, open, post } = yield* process
      yield* open("doc_456")
      const wait = yield* decision("doc_456")
      const token = tokenOf("doc_456")
      const hash = Array.from(
        new Uint8Array(yield* Effect.promise(() => crypto.subtle.digest("SHA-256", new TextEncoder().encode(token)))),
        (byte) => byte.toString(16).padStart(2, "0")
      ).join("")
      for (const guess of ["doc_456", hash, `${token.slice(1)}A`, token.toLowerCase()]) {
        assert.strictEqual(yield* post(guess, { status: "completed", result: { approvedBy: "Eve" } }), 404)
      }
      assert.strictEqual(wait.pollUnsafe(), undefined)
      assert.strictEqual((yield* list)[0]?.state, "open")
    })
  )

  clocked("never - after two days the review expires, and a late approval is told so", () =>
    Effect.gen(function* () {
      const { process, tokenOf } = yield* setUp
      const { approve, decision, open, post } = yield* process
      yield* open("doc_456")
      // No process waits for most of that time.
      yield* pass(2 * 24 * 60 - 5, 24 * 60)
      const wait = yield* decision("doc_456")
      yield* pass(10)
      assert.strictEqual((yield* Effect.flip(ending(wait)))._tag, "JobExpired")
      assert.strictEqual((yield* Effect.flip(approve("doc_456", "Ada")))._tag, "SignalExpired")
      assert.strictEqual(yield* post(tokenOf("doc_456"), { status: "completed", result: { approvedBy: "Ada" } }), 410)
    })
  )
})
