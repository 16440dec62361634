// A receiver of webhooks and signals on loopback, under honest and hostile posts at once.
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import * as NetAddress from "effect/net/NetAddress"
import * as Redacted from "effect/Redacted"
import * as References from "effect/References"
import * as Schema from "effect/Schema"
import type { Scope } from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Job from "effect-poll/Job"
import * as Poller from "effect-poll/Poller"
import * as Signal from "effect-poll/Signal"
import * as SignalStore from "effect-poll/SignalStore"
import * as Status from "effect-poll/Status"
import * as StatusSchema from "effect-poll/StatusSchema"
import * as Strategy from "effect-poll/Strategy"
import * as Wakes from "effect-poll/Wakes"
import * as Deliveries from "@effect-poll/http/Deliveries"
import * as Push from "@effect-poll/http/Push"
import * as Webhook from "@effect-poll/http/Webhook"
import type { Verify } from "@effect-poll/http/WebhookDelivery"
import type * as Mac from "effect/crypto/Mac"
import type * as Signature from "effect/crypto/Signature"
import { execFile } from "node:child_process"
import { createServer } from "node:http"
import { fileURLToPath } from "node:url"
import { bytesInUse } from "../fleet/heap.ts"
import type { Figures } from "../fleet/row.ts"
import { Silence } from "../fleet/silence.ts"
import type { Order, Seen } from "./client.ts"
import { forgedResult, honestResult, type Keys, paths, type Plan, postsOf, secrets } from "./posts.ts"

export interface Size {
  /** Hostile posts in the run with honest ones, and then alone in two halves; without those the growth of the heap is not known. */
  readonly hostile: number
  readonly hostileAlone: number
  /** Jobs that honest senders end, three times each: two in five by each kind of webhook, one in five by a signal. */
  readonly honest: number
  /** How long a body may take. */
  readonly bodyTimeoutMillis: number
}

export const full: Size = { hostile: 10_000, hostileAlone: 10_000, honest: 10_000, bodyTimeoutMillis: 1_000 }

type VerifyServices = Mac.Mac | Signature.Signature

/** The parts of a receiver. Tests replace them by bad ones. */
export interface Receiver {
  readonly verify: (verify: Verify<VerifyServices>) => Verify<VerifyServices>
  readonly deliveries: Layer.Layer<Deliveries.Deliveries>
}

export const ours: Receiver = { verify: (verify) => verify, deliveries: Deliveries.layerMemory() }

export const measure = (receiver: Receiver, size: Size): Promise<Figures> =>
  Effect.runPromise(
    Effect.scoped(attacked(receiver, size)).pipe(
      Effect.provide([SignalStore.layerMemory(), Wakes.layer()]),
      // What is rejected is logged.
      Effect.provideService(References.MinimumLogLevel, "None")
    )
  )

// ---- internal ----

const Answer = StatusSchema.fromField(
  Schema.Struct({ status: Schema.Literals(["pending", "completed"]), result: Schema.optionalKey(Schema.String) }),
  "status",
  { pending: Status.pending(), completed: ({ result = "" }) => Status.succeeded(result) }
)

const Ended = Push.make(Answer, {
  key: (body) => {
    const { id } = body as { readonly id?: unknown }
    return typeof id === "string" ? id : undefined
  }
})

// Polling would find no end: only posts can end these jobs.
const pending = (_key: string) => Effect.succeed<Status.Status<string>>(Status.pending())
const Renders = Job.make("render", { check: pending })
const Builds = Job.make("build", { check: pending })
const Payments = Job.make("payment", { check: pending }).pipe(Job.withCodecs({ success: Schema.String }))

const keysOf = (honest: number): Keys => {
  const keys = (name: string, share: number) =>
    Array.from({ length: Math.round(honest * share) }, (_, index) => `${name}-${index}`)
  return { standard: keys("render", 0.4), github: keys("build", 0.4), signals: keys("payment", 0.2) }
}

const attacked = Effect.fnUntraced(function* (receiver: Receiver, size: Size) {
  const keys = keysOf(size.honest)
  /** How often the handler of a webhook was called, and with what each wait ended, by key. */
  const handled = new Map<string, number>()
  const ended = new Map<string, Array<string | undefined>>()

  const note = (key: string): void => void handled.set(key, (handled.get(key) ?? 0) + 1)
  const { bodyTimeoutMillis } = size
  const url = yield* serve(receiver, bodyTimeoutMillis, note)
  const signals = new Map<string, Signal.Signal<string, string>>()
  for (const key of keys.signals)
    signals.set(key, yield* Signal.make(Payments, key, { maxWaitTime: "1 day", interval: "1 minute" }))

  const poller = yield* Poller.make()
  const options = { deadline: "1 day", strategy: Strategy.spaced("1 hour") } as const
  const collect = (results: Stream.Stream<Poller.Settled<string, string>>) =>
    Effect.forkScoped(
      Stream.runForEach(results, ({ exit, key }) =>
        Effect.sync(() => {
          const value = Exit.isSuccess(exit) ? exit.value : undefined
          ended.set(key, [...(ended.get(key) ?? []), value])
        })
      ),
      { startImmediately: true }
    )
  yield* collect(poller.results(Renders, keys.standard, options))
  yield* collect(poller.results(Builds, keys.github, options))
  const { strategy: behind, ...others } = options
  yield* collect(
    poller.results(Payments, keys.signals, { ...others, behind, signal: (key) => signals.get(key)!.events })
  )
  yield* Effect.sleep("100 millis")

  const tokens = Object.fromEntries(Array.from(signals, ([key, { token }]) => [key, Redacted.value(token)]))
  const plan = { keys, tokens, seed: 1, hostile: size.hostile, honest: true }
  const send = (own: Partial<Plan>) =>
    client({ url, patienceMillis: 2 * bodyTimeoutMillis, posts: postsOf({ ...plan, ...own }, Date.now()) })
  const peak = yield* watchPeak
  const silence = new Silence()
  const before = bytesInUse()
  silence.start()
  peak.reset()
  const mixed = yield* send({})
  const delays = silence.read()
  silence.stop()
  const arrays = peak.read()
  // After this time the last slow bodies are let go of.
  const settled = Effect.andThen(Effect.sleep(3 * bodyTimeoutMillis), Effect.sync(bytesInUse))
  const mid = yield* settled
  // In two halves, so that what the first one warms up is not counted.
  const halves: Array<{ readonly seen: Seen; readonly bytes: number }> = []
  for (const seed of size.hostileAlone === 0 ? [] : [2, 3]) {
    const seen = yield* send({ seed, hostile: size.hostileAlone / 2, honest: false })
    halves.push({ seen, bytes: yield* settled })
  }
  const all = [mixed, ...halves.map(({ seen }) => seen)]

  const isOnce = (key: string, applied: number | undefined): boolean => {
    const values = ended.get(key) ?? []
    return applied === 1 && values.length === 1 && values[0] === honestResult(key)
  }
  const webhooks = [...keys.standard, ...keys.github].filter((key) => isOnce(key, handled.get(key)))
  const bySignal = keys.signals.filter((key) => isOnce(key, mixed.signals[key]))
  const believed = Array.from(ended.values())
    .flat()
    .filter((value) => value === forgedResult)
  const growth = (halves[1]?.bytes ?? Number.NaN) - (halves[0]?.bytes ?? Number.NaN)
  const sum = (numbers: ReadonlyArray<number>): number => numbers.reduce((total, each) => total + each, 0)
  return {
    posts: size.hostile,
    accepted: sum(all.flatMap(({ accepted }) => Object.values(accepted))) + believed.length,
    honest: size.honest,
    honestOnce: webhooks.length + bySignal.length,
    postsInAll: sum(all.map(({ posts }) => posts)),
    heapBytesPerPost: growth / (size.hostileAlone / 2),
    mixedHeapGrowthBytes: mid - before,
    peakArrayBufferBytes: arrays,
    largeBytesSent: sum(all.map(({ largeBytes }) => largeBytes)),
    delayP99Millis: delays.p99Millis,
    delayMaxMillis: delays.maxMillis
  }
})

/** Serves the routes, and yields the URL. */
const serve = (
  { deliveries, verify }: Receiver,
  bodyTimeout: number,
  note: (key: string) => void
): Effect.Effect<string, never, SignalStore.SignalStore | Scope> =>
  Effect.gen(function* () {
    const common = {
      push: Ended,
      trust: "verified",
      bodyTimeout,
      onPush: ({ key }: Push.Push<string, string>) => Effect.sync(() => note(key ?? "?"))
    } as const
    const routes = [
      Webhook.route(paths.standard, { ...common, verify: verify(Webhook.standard(secrets.standard)), jobs: [Renders] }),
      Webhook.route(paths.github, { ...common, verify: verify(Webhook.github(secrets.github)), jobs: [Builds] }),
      Webhook.signals(paths.signals, [Payments], { bodyTimeout })
    ]
    const node = createServer()
    const server = yield* NodeHttpServer.make(() => node, {
      host: "127.0.0.1",
      port: 0,
      disablePreemptiveShutdown: true
    })
    const store = Layer.succeed(SignalStore.SignalStore, yield* SignalStore.SignalStore)
    const wakes = Layer.succeed(Wakes.Wakes, yield* Wakes.Wakes)
    const app = Webhook.layer(routes).pipe(
      Layer.provide(Layer.mergeAll(deliveries, Webhook.layerWebCrypto, store, wakes))
    )
    yield* Layer.build(
      HttpRouter.serve(app, { disableListenLog: true, disableLogger: true }).pipe(
        Layer.provide(Webhook.layerUntraced(routes)),
        Layer.provide(Layer.succeed(HttpServer.HttpServer, server))
      )
    )
    yield* Effect.addFinalizer(() => Effect.sync(() => node.close().closeAllConnections()))
    return NetAddress.formatUrlUnsafe(server.address)
  }).pipe(Effect.orDie)

/** Runs the client, which ends when all of its posts are answered or given up. */
const client = (order: Order): Effect.Effect<Seen> =>
  Effect.callback((resume) => {
    const path = fileURLToPath(new URL("client.ts", import.meta.url))
    const child = execFile(process.execPath, [path], { maxBuffer: 2 ** 26 }, (error, stdout) =>
      resume(error === null ? Effect.sync(() => JSON.parse(stdout) as Seen) : Effect.die(error))
    )
    child.stdin?.end(JSON.stringify(order))
    return Effect.sync(() => void child.kill())
  })

/** The most memory that array buffers, and so bodies, had at a time. */
const watchPeak = Effect.gen(function* () {
  let most = 0
  let base = 0
  const look = (): void => void (most = Math.max(most, process.memoryUsage().arrayBuffers))
  const timer = setInterval(look, 20)
  yield* Effect.addFinalizer(() => Effect.sync(() => clearInterval(timer)))
  return {
    reset: (): void => {
      base = process.memoryUsage().arrayBuffers
      most = base
    },
    read: (): number => most - base
  }
})
