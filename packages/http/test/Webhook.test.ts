import { assert, describe, it, vi } from "@effect/vitest"
import * as Deliveries from "@effect-poll/http/Deliveries"
import * as Push from "@effect-poll/http/Push"
import * as Webhook from "@effect-poll/http/Webhook"
import * as WebhookSender from "@effect-poll/testing/WebhookSender"
import { type Delivery, NotVerified } from "@effect-poll/http/WebhookDelivery"
import * as WebhookPushes from "@effect-poll/http/WebhookPushes"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Redacted from "effect/Redacted"
import * as Ref from "effect/Ref"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import * as Job from "effect-poll/Job"
import * as Poll from "effect-poll/Poll"
import * as Status from "effect-poll/Status"
import * as StatusSchema from "effect-poll/StatusSchema"
import * as Strategy from "effect-poll/Strategy"
import * as Wakes from "effect-poll/Wakes"
import { basics, recording, send, serve } from "./webhookServer.ts"

const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
const other = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"

const RenderStatus = StatusSchema.fromField(
  Schema.Struct({ id: Schema.String, state: Schema.Literals(["busy", "done", "broken"]) }),
  "state",
  { busy: Status.pending(), done: ({ id }) => Status.succeeded(`${id}.png`), broken: Status.canceled() }
)
const RenderChanged = Push.make(RenderStatus, {
  key: (body) => Schema.decodeUnknownSync(Schema.Struct({ id: Schema.String }))(body).id
})
const Renders = Job.make("render", { check: (_: string) => Effect.succeed(Status.succeeded("x.png")) })
const Thumbs = Job.make("thumb", { check: (_: string) => Effect.succeed(Status.succeeded("x.png")) })

const done = (id: string) => ({ id, state: "done" })
const dead = { url: "http://127.0.0.1:9", scheme: WebhookSender.standard(secret) }

/** Sockets need real time, on a busy machine more of it. */
vi.setConfig({ testTimeout: 60_000 })

describe("Webhook", () => {
  describe("route", () => {
    it.effect("R71: a verified push wakes the waits for its key, and is answered with 200 even if nobody waits", () =>
      Effect.scoped(
        Effect.gen(function* () {
          const sink = recording()
          const routes = [
            Webhook.route("/hooks/renders", {
              verify: Webhook.standard(secret),
              push: RenderChanged,
              jobs: [Renders, Thumbs]
            })
          ]
          const server = yield* serve(routes, Layer.merge(basics, sink.layer))
          const sender = yield* WebhookSender.make({
            url: `${server.url}/hooks/renders`,
            scheme: WebhookSender.standard(secret)
          })
          assert.isTrue((yield* sender.send(done("r1"))).delivered)
          assert.deepStrictEqual(sink.told, [
            { did: "wake", job: "render", key: "r1", verified: true },
            { did: "wake", job: "thumb", key: "r1", verified: true }
          ])
          const [entry] = yield* server.log.entries
          assert.deepStrictEqual(entry, {
            receivedAt: 0,
            route: "/hooks/renders",
            size: 26,
            id: "msg_1",
            verified: true,
            did: "woke",
            status: 200,
            reason: undefined
          })
        })
      )
    )

    it.effect("R71: a push without a key wakes the waits that it is about", () =>
      Effect.scoped(
        Effect.gen(function* () {
          const wakes = Layer.succeed(Wakes.Wakes, yield* Wakes.make())
          const asked: Array<string> = []
          const Docs = Job.make("docs", {
            check: (id: string) =>
              Effect.as(
                Effect.sync(() => asked.push(id)),
                Status.pending()
              )
          })
          const push = Push.from(Schema.Struct({ folder: Schema.optional(Schema.String) }), (body) => ({
            key: undefined,
            result: undefined,
            ...body
          }))
          const common = { verify: Webhook.unsigned(), push, jobs: [Docs] }
          const server = yield* serve(
            [
              Webhook.route("/some", {
                ...common,
                isAbout: ({ folder = "" }, key) => {
                  if (folder === "bad") throw new Error("no such folder")
                  return key.startsWith(`${folder}/`)
                }
              }),
              Webhook.route("/all", common)
            ],
            Layer.merge(basics, wakes)
          )
          for (const key of ["a/1", "a/2", "b/1"]) {
            const options = { deadline: "1 hour", strategy: Strategy.spaced("30 minutes") } as const
            yield* Effect.forkScoped(Effect.provide(Poll.until(Docs, key, options), wakes), { startImmediately: true })
          }
          yield* TestClock.adjust(1)
          const woken = (path: string, body: unknown) =>
            Effect.gen(function* () {
              asked.length = 0
              const { status } = yield* send(`${server.url}${path}`, { body: JSON.stringify(body) })
              yield* TestClock.adjust("1 second")
              return [status, ...asked.toSorted()]
            })
          assert.deepStrictEqual(yield* woken("/some", { folder: "a" }), [200, "a/1", "a/2"])
          assert.deepStrictEqual(yield* woken("/some", {}), [200])
          assert.deepStrictEqual(yield* woken("/some", { folder: "bad" }), [500])
          assert.deepStrictEqual(yield* woken("/all", {}), [200, "a/1", "a/2", "b/1"])
        })
      )
    )

    it.effect("R64: a delivery whose handler fails is reported once, however often it comes again", () =>
      Effect.scoped(
        Effect.gen(function* () {
          const sink = recording()
          let failures = 2
          const onPush = () => (failures-- > 0 ? Effect.fail("no mail today") : Effect.void)
          const server = yield* serve(
            [
              Webhook.route("/h", {
                verify: Webhook.standard(secret),
                push: RenderChanged,
                jobs: [Renders],
                trust: "verified",
                onPush
              })
            ],
            Layer.merge(basics, sink.layer)
          )
          const sender = yield* WebhookSender.make({ url: `${server.url}/h`, scheme: WebhookSender.standard(secret) })
          const request = yield* sender.sign(done("r1"))
          const statuses = yield* Effect.forEach([request, request, request, request], sender.post)
          assert.deepStrictEqual(statuses, [500, 500, 200, 200])
          assert.deepStrictEqual(
            sink.told.map(({ did }) => did),
            ["report", "wake", "wake"]
          )
          yield* sender.post(yield* sender.sign(done("r1")))
          assert.strictEqual(sink.told.at(-1)?.did, "wake", "equal bytes under another id end nothing")
          yield* sender.post(yield* sender.sign({ ...done("r1"), more: 1 }))
          assert.strictEqual(sink.told.at(-1)?.did, "report", "another delivery")
        })
      )
    )

    it.effect("a route that has jobs but no Wakes says so once, and answers as ever", () =>
      Effect.scoped(
        Effect.gen(function* () {
          const warnings: Array<unknown> = []
          const logger = Logger.make(({ logLevel, message }) => {
            if (logLevel === "Warn") warnings.push(message)
          })
          const verify = Webhook.standard(secret)
          const server = yield* serve(
            [
              Webhook.route("/h", { verify, push: RenderChanged, jobs: [Renders] }),
              Webhook.route("/none", { verify, push: RenderChanged, jobs: [] })
            ],
            basics,
            { around: Logger.layer([logger]) }
          )
          for (const path of ["h", "h", "none"]) {
            const sender = yield* WebhookSender.make({
              url: `${server.url}/${path}`,
              scheme: WebhookSender.standard(secret)
            })
            assert.strictEqual(
              yield* sender.post(yield* sender.sign(done("r1"), { id: `${path}_${warnings.length}` })),
              200
            )
          }
          assert.deepStrictEqual(warnings, [["Webhook.route /h finds no waits: the service Wakes is not provided"]])
          const did = (yield* server.log.entries).map((entry) => entry.did)
          assert.deepStrictEqual(did, ["woke", "woke", "handled"])
        })
      )
    )

    it.effect("R71: with trust its result is reported, and otherwise never", () =>
      Effect.scoped(
        Effect.gen(function* () {
          const sink = recording()
          const common = { verify: Webhook.standard([secret]), push: RenderChanged, jobs: [Renders] }
          const server = yield* serve(
            [
              Webhook.route("/trusted", { ...common, trust: "verified" }),
              Webhook.route("/reused", { ...common, trust: "verified", reusedKeys: true }),
              Webhook.route("/plain", common)
            ],
            Layer.merge(basics, sink.layer)
          )
          for (const path of ["trusted", "reused", "plain"]) {
            const sender = yield* WebhookSender.make({
              url: `${server.url}/${path}`,
              scheme: WebhookSender.standard(secret)
            })
            yield* sender.send(done("r1"))
            yield* sender.send({ id: "r1", state: "busy" })
          }
          assert.deepStrictEqual(
            sink.told.map(({ did }) => did),
            ["report", "report", "wake", "report", "wake", "wake"]
          )
          assert.deepStrictEqual(sink.told[0]?.result, Status.succeeded("r1.png", { state: "done" }))
        })
      )
    )

    it.effect("R71: on a reused key an end is reported with its run, and without one it only wakes", () =>
      Effect.scoped(
        Effect.gen(function* () {
          const sink = recording()
          const push = Push.make(RenderStatus, {
            key: () => "event-1",
            run: (body) => (Schema.is(Schema.Struct({ run: Schema.String }))(body) ? { run: body.run } : undefined)
          })
          const server = yield* serve(
            [
              Webhook.route("/h", {
                verify: Webhook.standard(secret),
                push,
                jobs: [Renders],
                trust: "verified",
                reusedKeys: true
              })
            ],
            Layer.merge(basics, sink.layer)
          )
          const sender = yield* WebhookSender.make({ url: `${server.url}/h`, scheme: WebhookSender.standard(secret) })
          yield* sender.send(done("r1"))
          yield* sender.send({ ...done("r1"), run: "run-2" })
          assert.deepStrictEqual(
            sink.told.map(({ did }) => did),
            ["wake", "report"]
          )
        })
      )
    )

    it.effect("R71: an unsigned route only wakes, under its secret path, and says that nothing was verified", () =>
      Effect.scoped(
        Effect.gen(function* () {
          const sink = recording()
          const verify = Webhook.unsigned({ secretPath: ["first-secret-0001", Redacted.make("second-secret-0002")] })
          const server = yield* serve(
            [
              Webhook.route("/mix", { verify, push: RenderChanged, jobs: [Renders] }),
              Webhook.route("/open", { verify: Webhook.unsigned(), push: RenderChanged, jobs: [Renders] })
            ],
            Layer.merge(basics, sink.layer)
          )
          const post = (path: string) =>
            Effect.map(send(`${server.url}${path}`, { body: JSON.stringify(done("r1")) }), ({ status }) => status)
          assert.strictEqual(yield* post("/mix/first-secret-0001"), 200)
          assert.strictEqual(yield* post("/mix/second-secret-0002"), 200)
          assert.strictEqual(yield* post("/open"), 200)
          assert.strictEqual(yield* post("/open"), 200)
          for (const wrong of [
            "/mix",
            "/mix/",
            "/mix/first-secret-000",
            "/mix/first-secret-0001/",
            "/mix//first-secret-0001"
          ]) {
            assert.strictEqual(yield* post(wrong), 404, wrong)
          }
          assert.deepStrictEqual(
            sink.told,
            Array.from({ length: 4 }, () => ({ did: "wake", job: "render", key: "r1", verified: false }))
          )
        })
      )
    )

    it.effect("R71: a push without a key wakes all waits for its jobs", () =>
      Effect.scoped(
        Effect.gen(function* () {
          const sink = recording()
          const push = Push.wake(Schema.Struct({ event: Schema.Literal("written") }))
          const routes = [Webhook.route("/h", { verify: Webhook.github("s"), push, jobs: [Renders] })]
          const server = yield* serve(routes, Layer.merge(basics, sink.layer))
          const sender = yield* WebhookSender.make({ url: `${server.url}/h`, scheme: WebhookSender.github("s") })
          yield* sender.send({ event: "written" })
          assert.deepStrictEqual(sink.told, [{ did: "wake", job: "render", key: undefined, verified: true }])
        })
      )
    )

    it.effect("R72: a retry has the same id, is answered with 200 and does nothing", () =>
      Effect.scoped(
        Effect.gen(function* () {
          const sink = recording()
          const handled = yield* Ref.make(0)
          const routes = [
            Webhook.route("/h", {
              verify: Webhook.standard(secret),
              push: RenderChanged,
              jobs: [Renders],
              onPush: () => Ref.update(handled, (n) => n + 1)
            })
          ]
          const server = yield* serve(routes, Layer.merge(basics, sink.layer))
          const sender = yield* WebhookSender.make({ url: `${server.url}/h`, scheme: WebhookSender.standard(secret) })
          for (let i = 0; i < 3; i++) {
            assert.isTrue((yield* sender.send(done("r1"), { id: "evt_1" })).delivered)
            yield* TestClock.adjust("1 hour")
          }
          assert.strictEqual(sink.told.length, 1)
          assert.strictEqual(yield* Ref.get(handled), 1)
          assert.deepStrictEqual(
            (yield* server.log.entries).map(({ did }) => did),
            ["woke", "repeat", "repeat"]
          )
          // After a day it is forgotten.
          yield* TestClock.adjust("1 day")
          yield* sender.send(done("r1"), { id: "evt_1" })
          assert.strictEqual(yield* Ref.get(handled), 2)
        })
      )
    )

    it.effect("R72: another body under a known id gets a 409 and does nothing", () =>
      Effect.scoped(
        Effect.gen(function* () {
          const sink = recording()
          const routes = [
            Webhook.route("/h", { verify: Webhook.standard(secret), push: RenderChanged, jobs: [Renders] })
          ]
          const server = yield* serve(routes, Layer.merge(basics, sink.layer))
          const sender = yield* WebhookSender.make({ url: `${server.url}/h`, scheme: WebhookSender.standard(secret) })
          const signed = (id: string) => sender.sign(done(id), { id: "evt_1" })
          assert.strictEqual(yield* sender.post(yield* signed("r1")), 200)
          assert.strictEqual(yield* sender.post(yield* signed("r2")), 409)
          assert.strictEqual(yield* sender.post(yield* signed("r1")), 200)
          assert.strictEqual(sink.told.length, 1)
        })
      )
    )

    it.effect("R72: equal bytes under another id do not end a job again, but still wake", () =>
      Effect.scoped(
        Effect.gen(function* () {
          const sink = recording()
          const handled: Array<string | undefined> = []
          const options = {
            push: RenderChanged,
            jobs: [Renders],
            trust: "verified" as const,
            onPush: (_: unknown, { id }: Delivery) => Effect.sync(() => handled.push(id))
          }
          const server = yield* serve(
            [
              Webhook.route("/github", { ...options, verify: Webhook.github("secret") }),
              Webhook.route("/standard", { ...options, verify: Webhook.standard(secret) })
            ],
            Layer.merge(basics, sink.layer)
          )
          // GitHub does not sign the id, so anybody who saw the request can send it under another one.
          const github = yield* WebhookSender.make({
            url: `${server.url}/github`,
            scheme: WebhookSender.github("secret")
          })
          const end = yield* github.sign(done("r1"), { id: "g1" })
          yield* github.post(end)
          assert.strictEqual(yield* github.post(WebhookSender.withId(end, "g2")), 200)
          // Under a signed id the same bytes are another delivery of the provider.
          const standard = yield* WebhookSender.make({
            url: `${server.url}/standard`,
            scheme: WebhookSender.standard(secret)
          })
          yield* standard.send(done("r1"), { id: "s1" })
          yield* standard.send(done("r1"), { id: "s2" })
          assert.deepStrictEqual(
            sink.told.map(({ did }) => did),
            ["report", "wake", "report", "wake"]
          )
          assert.deepStrictEqual(handled, ["g1", "s1", "s2"])
        })
      )
    )

    it.effect("R72: replays under ids that are not signed do not make the store forget other deliveries", () =>
      Effect.scoped(
        Effect.gen(function* () {
          const sink = recording()
          const handled: Array<string | undefined> = []
          const route = Webhook.route("/h", {
            verify: Webhook.github("secret"),
            push: RenderChanged,
            jobs: [Renders],
            onPush: (_: unknown, { id }: Delivery) => Effect.sync(() => handled.push(id))
          })
          const few = Deliveries.layerMemory({ capacity: 10 })
          const server = yield* serve([route], Layer.mergeAll(few, Webhook.layerWebCrypto, sink.layer))
          const sender = yield* WebhookSender.make({ url: `${server.url}/h`, scheme: WebhookSender.github("secret") })
          const old = yield* sender.sign(done("r1"), { id: "old" })
          const seen = yield* sender.sign(done("r2"), { id: "seen" })
          yield* sender.post(old)
          yield* sender.post(seen)
          for (let n = 0; n < 30; n++) yield* sender.post(WebhookSender.withId(seen, `replay-${n}`))
          yield* sender.post(old)
          assert.deepStrictEqual(handled, ["old", "seen"])
        })
      )
    )

    it.effect("R72: without ids equal bodies are one delivery, but each of them wakes", () =>
      Effect.scoped(
        Effect.gen(function* () {
          const sink = recording()
          const handled = yield* Ref.make(0)
          const routes = [
            Webhook.route("/h", {
              verify: Webhook.stripe("whsec_x"),
              push: RenderChanged,
              jobs: [Renders],
              trust: "verified",
              onPush: () => Ref.update(handled, (n) => n + 1)
            })
          ]
          const server = yield* serve(routes, Layer.merge(basics, sink.layer))
          const sender = yield* WebhookSender.make({ url: `${server.url}/h`, scheme: WebhookSender.stripe("whsec_x") })
          yield* sender.send(done("r1"))
          yield* TestClock.adjust("1 minute")
          yield* sender.send(done("r1"))
          assert.deepStrictEqual(
            sink.told.map(({ did }) => did),
            ["report", "wake"]
          )
          assert.strictEqual(yield* Ref.get(handled), 1)
        })
      )
    )

    it.effect("R72: a delivery whose handler failed is applied when it is sent again", () =>
      Effect.scoped(
        Effect.gen(function* () {
          const sink = recording()
          const tries = yield* Ref.make(0)
          const routes = [
            Webhook.route("/h", {
              verify: Webhook.standard(secret),
              push: RenderChanged,
              jobs: [Renders],
              onPush: () =>
                Effect.flatMap(
                  Ref.updateAndGet(tries, (n) => n + 1),
                  (n) => (n === 1 ? Effect.fail("no database") : n === 2 ? Effect.die(new Error("bug")) : Effect.void)
                )
            })
          ]
          const server = yield* serve(routes, Layer.merge(basics, sink.layer))
          const sender = yield* WebhookSender.make({ url: `${server.url}/h`, scheme: WebhookSender.standard(secret) })
          const request = yield* sender.sign(done("r1"))
          const statuses = yield* Effect.forEach([1, 2, 3, 4], () => sender.post(request))
          assert.deepStrictEqual(statuses, [500, 500, 200, 200])
          assert.strictEqual(yield* Ref.get(tries), 3)
        })
      )
    )

    it.effect("R72: a delivery that was interrupted between begin and done is new when it is sent again", () =>
      Effect.scoped(
        Effect.gen(function* () {
          const sink = recording()
          const entered = yield* Deferred.make<void>()
          const tries = yield* Ref.make(0)
          const routes = [
            Webhook.route("/h", {
              verify: Webhook.standard(secret),
              push: RenderChanged,
              jobs: [Renders],
              onPush: () =>
                Effect.flatMap(
                  Ref.updateAndGet(tries, (n) => n + 1),
                  (n) => (n === 1 ? Effect.andThen(Deferred.succeed(entered, undefined), Effect.never) : Effect.void)
                )
            })
          ]
          const server = yield* serve(routes, Layer.merge(basics, sink.layer))
          const sender = yield* WebhookSender.make({ url: `${server.url}/h`, scheme: WebhookSender.standard(secret) })
          const request = yield* sender.sign(done("r1"))
          const first = yield* Effect.forkChild(sender.post(request))
          yield* Deferred.await(entered)
          // While it is being applied, the same delivery is asked to come later.
          const meanwhile = yield* send(`${server.url}/h`, { headers: { ...request.headers }, body: request.body })
          assert.strictEqual(meanwhile.status, 503)
          assert.strictEqual(meanwhile.headers["retry-after"], "1")
          yield* Fiber.interrupt(first)
          const again = yield* sender
            .post(request)
            .pipe(
              Effect.repeat({ until: (status) => status !== 503, schedule: Schedule.spaced("10 millis") }),
              TestClock.withLive
            )
          assert.strictEqual(again, 200)
          assert.strictEqual(yield* Ref.get(tries), 2)
        })
      )
    )

    it.effect("R72: two receivers behind one store apply a delivery once", () =>
      Effect.scoped(
        Effect.gen(function* () {
          const sink = recording()
          const store = yield* Layer.build(Deliveries.layerMemory())
          const services = Layer.mergeAll(Layer.succeedContext(store), Webhook.layerWebCrypto, sink.layer)
          const routes = [
            Webhook.route("/h", { verify: Webhook.standard(secret), push: RenderChanged, jobs: [Renders] })
          ]
          const servers = [yield* serve(routes, services), yield* serve(routes, services)]
          const sender = yield* WebhookSender.make(dead)
          const requests = yield* Effect.forEach(Array.from({ length: 50 }), (_, n) => sender.sign(done(`r${n}`)))
          const all = yield* WebhookSender.shuffle(WebhookSender.duplicate(requests, 4))
          yield* Effect.forEach(
            all,
            ({ body, headers }, n) => send(`${servers[n % 2]!.url}/h`, { headers: { ...headers }, body }),
            { concurrency: 16 }
          )
          const keys = sink.told.map(({ key }) => key)
          assert.sameMembers(keys, [...new Set(keys)])
          assert.strictEqual(keys.length, 50)
        })
      )
    )

    it.effect("R72: the sender gets a 503 while the store of deliveries cannot answer", () =>
      Effect.scoped(
        Effect.gen(function* () {
          const sink = recording()
          const broken = Layer.succeed(Deliveries.Deliveries, {
            begin: () => Effect.fail(new Deliveries.DeliveriesError({ cause: "down" })),
            done: () => Effect.void,
            abandon: () => Effect.void
          })
          const routes = [
            Webhook.route("/h", { verify: Webhook.standard(secret), push: RenderChanged, jobs: [Renders] })
          ]
          const server = yield* serve(routes, Layer.mergeAll(broken, Webhook.layerWebCrypto, sink.layer))
          const sender = yield* WebhookSender.make({ url: `${server.url}/h`, scheme: WebhookSender.standard(secret) })
          assert.strictEqual(yield* sender.post(yield* sender.sign(done("r1"))), 503)
          assert.deepStrictEqual(sink.told, [])
        })
      )
    )

    it.effect("several keys - each of them verifies while keys are rotated", () =>
      Effect.scoped(
        Effect.gen(function* () {
          const sink = recording()
          const verify = Webhook.standard([Redacted.make(other), secret])
          const server = yield* serve(
            [Webhook.route("/h", { verify, push: RenderChanged, jobs: [Renders] })],
            Layer.merge(basics, sink.layer)
          )
          for (const scheme of [WebhookSender.standard(secret), WebhookSender.standard(other)]) {
            const sender = yield* WebhookSender.make({ url: `${server.url}/h`, scheme })
            assert.strictEqual(yield* sender.post(yield* sender.sign(done("r1"), { id: `${sink.told.length}` })), 200)
          }
          const sender = yield* WebhookSender.make({
            url: `${server.url}/h`,
            scheme: WebhookSender.standard("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
          })
          assert.strictEqual(yield* sender.post(yield* sender.sign(done("r1"))), 401)
          assert.strictEqual(sink.told.length, 2)
        })
      )
    )

    it.effect("onUndecodable - a verified body that cannot be decoded gets a 400, or a 200 without effect", () =>
      Effect.scoped(
        Effect.gen(function* () {
          const sink = recording()
          const common = { verify: Webhook.standard(secret), push: RenderChanged, jobs: [Renders] }
          const server = yield* serve(
            [Webhook.route("/a", common), Webhook.route("/b", { ...common, onUndecodable: "accept" })],
            Layer.merge(basics, sink.layer)
          )
          for (const [path, expected] of [
            ["a", 400],
            ["b", 200]
          ] as const) {
            const sender = yield* WebhookSender.make({
              url: `${server.url}/${path}`,
              scheme: WebhookSender.standard(secret)
            })
            assert.strictEqual(yield* sender.post(yield* sender.sign({ id: 7 })), expected)
            assert.strictEqual(yield* sender.post(yield* sender.sign("not json")), 400)
            assert.strictEqual(yield* sender.post(yield* sender.sign(new Uint8Array([0xff, 0xfe, 0x00]))), 400)
          }
          assert.deepStrictEqual(sink.told, [])
        })
      )
    )

    it.effect("verify - takes a custom scheme, with its services", () =>
      Effect.scoped(
        Effect.gen(function* () {
          class Password extends Context.Service<Password, string>()("test/Password") {}
          const sink = recording()
          const server = yield* serve(
            [
              Webhook.route("/h", {
                verify: ({ headers }) =>
                  Effect.flatMap(Password, (password) =>
                    headers["x-password"] === password
                      ? Effect.succeed({ id: headers["x-id"] })
                      : Effect.fail(new NotVerified({ reason: "the password is wrong" }))
                  ),
                push: RenderChanged,
                jobs: [Renders],
                trust: "verified"
              })
            ],
            Layer.mergeAll(basics, sink.layer, Layer.succeed(Password, "pw"))
          )
          const post = (headers: Record<string, string>) =>
            send(`${server.url}/h`, { headers, body: JSON.stringify(done("r1")) })
          assert.strictEqual((yield* post({ "X-Password": "pw", "X-Id": "1" })).status, 200)
          assert.strictEqual((yield* post({ "X-Password": "no", "X-Id": "2" })).status, 401)
          assert.strictEqual(sink.told.length, 1)
          assert.strictEqual((yield* server.log.entries)[1]?.reason, "the password is wrong")
        })
      )
    )

    it.effect("pushes - streams what was verified and applied", () =>
      Effect.scoped(
        Effect.gen(function* () {
          const sink = recording()
          const server = yield* serve(
            [
              Webhook.route("/h", { verify: Webhook.standard(secret), push: RenderChanged, jobs: [Renders] }),
              Webhook.route("/open", { verify: Webhook.unsigned(), push: RenderChanged, jobs: [Renders] })
            ],
            Layer.merge(basics, sink.layer)
          )
          const seen = yield* Webhook.pushes.pipe(
            Stream.take(2),
            Stream.runCollect,
            Effect.provideService(WebhookPushes.WebhookPushes, server.pushes),
            Effect.forkChild({ startImmediately: true })
          )
          const sender = yield* WebhookSender.make({ url: `${server.url}/h`, scheme: WebhookSender.standard(secret) })
          yield* sender.post(WebhookSender.tamper(yield* sender.sign(done("r0"))))
          yield* send(`${server.url}/open`, { body: JSON.stringify(done("r0")) })
          const first = yield* sender.sign(done("r1"))
          yield* sender.post(first)
          yield* sender.post(first)
          yield* sender.send(done("r2"))
          const found = yield* Fiber.join(seen)
          assert.deepStrictEqual(
            found.map(({ delivery, push }) => [push.key, delivery.route]),
            [
              ["r1", "/h"],
              ["r2", "/h"]
            ]
          )
        })
      )
    )

    it("options - invalid ones throw a RangeError", () => {
      const common = { verify: Webhook.standard(secret), push: RenderChanged, jobs: [Renders] }
      for (const path of ["", "h", "/", "/h/", "/h/:id", "/h/*", "/h//i", "/h/..", "/h?x=1", "/h%20"]) {
        assert.throws(() => Webhook.route(path, common), RangeError, "path", path)
      }
      assert.throws(() => Webhook.route("/h", { ...common, maxBody: 0 }), RangeError, "maxBody")
      assert.throws(() => Webhook.route("/h", { ...common, bodyTimeout: 0 }), RangeError, "bodyTimeout")
      assert.throws(() => Webhook.route("/h", { ...common, bodyTimeout: Infinity }), RangeError, "bodyTimeout")
      assert.throws(() => Webhook.route("/h", { ...common, tolerance: -1 }), RangeError, "tolerance")
      assert.throws(() => Webhook.route("/h", { ...common, remember: "9 minutes" }), RangeError, "remember")
      assert.throws(
        () => Webhook.layer([Webhook.route("/h", common), Webhook.route("/h", common)]),
        RangeError,
        "twice"
      )
      assert.throws(
        () => Webhook.route("/h", { ...common, verify: Webhook.unsigned(), trust: "verified" } as never),
        RangeError,
        "trust"
      )
      assert.throws(() => Webhook.unsigned({ secretPath: "short" }), RangeError, "secretPath")
      assert.throws(() => Webhook.unsigned({ secretPath: [] }), RangeError, "keys")
    })
  })
})
