import * as Digest from "effect/crypto/Digest"
import * as Mac from "effect/crypto/Mac"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type { CheckResult } from "effect-poll/CheckResult"
import type { BodyParser } from "../../BodyParser.ts"
import { json } from "../../BodyParser.ts"
import { type Begun, Deliveries, type Key } from "../../Deliveries.ts"
import type { Push } from "../../Push.ts"
import type { Delivery, Verify } from "../../WebhookDelivery.ts"
import { WebhookPushes } from "../../WebhookPushes.ts"
import * as validate from "../validate.ts"
import { type Answer, type Facts, problem, received } from "./answer.ts"
import * as Body from "./body.ts"
import * as Keys from "./keys.ts"
import * as Route from "./route.ts"
import * as Sink from "./sink.ts"
import * as Utf8 from "./utf8.ts"

/** The statement that a route takes requests that nobody signed. */
export interface Unsigned {
  readonly _tag: "Unsigned"
  /** The secret last segments of the path; none if there is no such segment. */
  readonly secrets: ReadonlyArray<Redacted.Redacted>
}

export const unsigned = (secretPath: Keys.Keys | undefined): Unsigned => ({
  _tag: "Unsigned",
  secrets:
    secretPath === undefined
      ? []
      : Keys.list("Webhook.unsigned: secretPath", secretPath).map((secret) => {
          if (typeof secret !== "string" || !/^[A-Za-z0-9_-]{16,128}$/.test(secret)) {
            throw new RangeError(
              "Webhook.unsigned: secretPath must have 16 to 128 characters of A-Z, a-z, 0-9, - and _"
            )
          }
          return Redacted.make(secret, { label: "secretPath" })
        })
})

/** The options of a route, without their types. */
export interface Options<R> extends Body.BodyOptions {
  readonly verify: Verify<R> | Unsigned
  readonly push: Schema.Codec<Push<unknown, unknown, unknown>, unknown, R>
  readonly jobs: ReadonlyArray<Sink.RoutedJob<never>>
  readonly isAbout?: ((push: never, key: never) => boolean) | undefined
  readonly trust?: "verified" | undefined
  readonly reusedKeys?: boolean | undefined
  readonly onPush?: ((push: never, delivery: Delivery) => Effect.Effect<unknown, unknown, R>) | undefined
  readonly onUndecodable?: "reject" | "accept" | undefined
  readonly parseBody?: BodyParser | undefined
  readonly tolerance?: Duration.Input | undefined
  readonly remember?: Duration.Input | undefined
}

/**
 * Takes the options of a route without their types: the signature of `Webhook.route` has made sure that the jobs, the schema
 * and the handler agree on the types of keys and pushes.
 */
export const erase = <R>(options: object): Options<R> => options as Options<R>

type AnyPush = Push<unknown, unknown, unknown>

/** A verified request, or one that need not be. */
interface Received {
  readonly bytes: Uint8Array
  readonly verified: boolean
  readonly isIdSigned: boolean
  readonly delivery: Delivery
}

/** A route for the webhooks of a provider. */
export const make = <R>(
  name: string,
  path: string,
  options: Options<R>
): Route.Route<R | Deliveries | Digest.Digest> => {
  const limits = Body.limits(name, options)
  const toleranceMillis = validate.millis(`${name}: tolerance`, options.tolerance ?? "5 minutes")
  const keepMillis = validate.millis(
    `${name}: remember`,
    options.remember ?? Math.max(24 * 60 * 60 * 1000, 2 * toleranceMillis)
  )
  if (keepMillis < 2 * toleranceMillis) throw new RangeError(`${name}: remember must be at least twice the tolerance`)
  if (!Array.isArray(options.jobs)) throw new RangeError(`${name}: jobs must be an array`)
  const { verify } = options
  const secrets = "_tag" in verify ? verify.secrets.map((each) => Utf8.encode(Redacted.value(each))) : []
  if ("_tag" in verify && (options.trust !== undefined || options.onPush !== undefined)) {
    throw new RangeError(`${name}: trust and onPush need a verify that checks signatures: an unsigned push only wakes`)
  }
  const apply = applying(name, options)
  const decode = decoding(options)

  const verified = (request: HttpServerRequest, receivedAt: number): Effect.Effect<Received, Answer, R> =>
    Effect.gen(function* () {
      const bytes = yield* Body.read(request, limits)
      const size = bytes.length
      const delivery = (id?: string, at?: number): Delivery => ({ route: path, id, at, receivedAt })
      if ("_tag" in verify) return { bytes, verified: false, isIdSigned: false, delivery: delivery() }
      const found = yield* Effect.mapError(verify({ headers: request.headers, bytes, now: receivedAt }), ({ reason }) =>
        problem(401, reason, { size })
      )
      if (found.at !== undefined && !(Math.abs(receivedAt - found.at) <= toleranceMillis)) {
        return yield* Effect.fail(problem(401, "the timestamp is too far from now", { size }))
      }
      return { bytes, verified: true, isIdSigned: found.isIdSigned !== false, delivery: delivery(found.id, found.at) }
    })

  const handle = (request: HttpServerRequest, receivedAt: number) =>
    Effect.gen(function* () {
      if (!isAddressed(secrets, path, request.url)) return yield* Effect.fail(problem(404, "the secret path is wrong"))
      const got = yield* verified(request, receivedAt)
      const facts: Facts = { verified: got.verified, id: got.delivery.id, size: got.bytes.length }
      const decoded = decode(got.bytes, facts)
      if (!got.verified) return yield* Effect.flatMap(decoded, (push) => apply(push, got.delivery, "wake", facts))
      const digest = yield* Digest.Digest.use((service) => service.digestHex(Digest.sha256, got.bytes)).pipe(
        Effect.orDie
      )
      // An id that is not signed can be replaced by anybody: the body identifies the delivery.
      const id = got.isIdSigned ? got.delivery.id : undefined
      const key: Key = { route: path, id: id ?? digest, digest }
      return yield* once(key, keepMillis, facts, (begun) => {
        // Without an id, equal bodies may be a retry or another event. A wake is right for both.
        const mode = begun === "new" ? "full" : begun === "copy" ? "noEnd" : "wake"
        return begun === "repeat" && id !== undefined
          ? Effect.succeed(received("repeat", facts))
          : Effect.flatMap(decoded, (push) => apply(push, got.delivery, mode, facts, digest))
      })
    })

  return Route.make(path, secrets.length > 0, (request, receivedAt) =>
    Effect.catch(handle(request, receivedAt), (answer) => Effect.succeed(answer))
  )
}

/** Whether a URL ends with one of the secrets. All are compared, each in constant time. */
const isAddressed = (secrets: ReadonlyArray<Uint8Array>, path: string, url: string): boolean => {
  if (secrets.length === 0) return true
  const given = Utf8.encode(Route.below(path, url) ?? "")
  return secrets.filter((secret) => Mac.timingSafeEqual(secret, given)).length > 0
}

/** Applies a delivery between `begin` and `done`. What is not applied is abandoned, so that it can come again. */
const once = <R>(
  key: Key,
  keepMillis: number,
  facts: Facts,
  use: (begun: Begun) => Effect.Effect<Answer, Answer, R>
): Effect.Effect<Answer, Answer, R | Deliveries> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const deliveries = yield* Deliveries
      const begun = yield* deliveries.begin(key, keepMillis)
      if (begun === "conflict") return problem(409, "another body came with this id", facts)
      if (begun === "inFlight") return problem(503, "the delivery is being applied", facts)
      if (begun === "repeat") return yield* restore(use(begun))
      const answer = yield* Effect.onError(restore(use(begun)), () => Effect.ignore(deliveries.abandon(key)))
      yield* deliveries.done(key)
      return answer
    })
  ).pipe(
    Effect.catchTag("DeliveriesError", () =>
      Effect.succeed(problem(503, "the store of deliveries cannot answer", facts))
    )
  )

/** Decodes a body. It has been verified by then. */
const decoding = <R>(options: Options<R>) => {
  const parse = options.parseBody ?? json
  const decode = Schema.decodeUnknownEffect(options.push)
  return (bytes: Uint8Array, facts: Facts): Effect.Effect<AnyPush, Answer, R> =>
    Effect.suspend(() => {
      const text = Utf8.decode(bytes)
      let body: unknown
      try {
        if (text === undefined) return Effect.fail(problem(400, "the body is not UTF-8", facts))
        body = parse(text)
      } catch {
        return Effect.fail(problem(400, "the body cannot be parsed", facts))
      }
      return Effect.mapError(decode(body), () =>
        facts.verified === true && options.onUndecodable === "accept"
          ? received("nothing", { ...facts, reason: "the body does not fit the schema" })
          : problem(400, "the body does not fit the schema", facts)
      )
    })
}

/** What a push may do: everything, everything but ending a job, or only wake. */
type Mode = "full" | "noEnd" | "wake"

/** Wakes the waits for a push or hands them its result, then calls the handler. */
const applying = <R>(name: string, options: Options<R>) => {
  const { isAbout, jobs } = options
  let isWarned = jobs.length === 0
  const reported = new Reported()
  return (
    push: AnyPush,
    delivery: Delivery,
    mode: Mode,
    facts: Facts,
    digest?: string
  ): Effect.Effect<Answer, Answer, R> =>
    Effect.gen(function* () {
      const { key } = push
      const id = `${delivery.id ?? ""} ${digest}`
      // A retry after a failed handler has told the waits already. To report it again would count it twice.
      const mayReport = options.trust === "verified" && mode !== "wake" && !reported.take(id)
      const result = mayReport ? reportable(push, mode, options) : undefined
      if (!isWarned && !(yield* Sink.finds)) {
        isWarned = true
        yield* Effect.logWarning(`${name} finds no waits: the service Wakes is not provided`)
      }
      if (key !== undefined && !jobs.every((job) => isKeyOf(job, key))) {
        return yield* Effect.fail(problem(400, "the key does not fit the job", facts))
      }
      // The types of the route say that its jobs have keys of the type that `isAbout` takes.
      const selects = isAbout === undefined ? undefined : (each: unknown) => isAbout(push as never, each as never)
      for (const job of jobs) {
        if (key === undefined) yield* Sink.wakeAll(job, selects)
        else if (result === undefined) yield* Sink.wake(job, key, facts.verified === true)
        else yield* Sink.report(job, key, result)
      }
      if (mode !== "wake") {
        if (options.onPush !== undefined) {
          // The types of the route say that the handler takes what its schema decodes.
          const handled = Effect.onError(options.onPush(push as never, delivery), () =>
            Effect.sync(() => options.trust === "verified" && reported.add(id))
          )
          yield* Effect.catch(handled, (error) =>
            Effect.andThen(
              Effect.logError(`onPush of ${delivery.route} failed`, error),
              Effect.fail(problem(500, "onPush failed", facts))
            )
          )
        }
        const pushes = yield* Effect.serviceOption(WebhookPushes)
        if (Option.isSome(pushes)) yield* pushes.value.publish({ push, delivery })
      }
      if (facts.verified === true && mode === "wake") return received("repeat", facts)
      return received(jobs.length === 0 ? "handled" : result === undefined ? "woke" : "reported", facts)
    })
}

/** Deliveries that the waits were told, and whose handler failed: those of this process, the newest of them. */
class Reported {
  private readonly ids = new Set<string>()

  take(id: string): boolean {
    return this.ids.delete(id)
  }

  add(id: string): void {
    this.ids.add(id)
    if (this.ids.size > mostReported) this.ids.delete(this.ids.values().next().value!)
  }
}

const mostReported = 1_000

const isKeyOf = (job: Sink.RoutedJob<never>, key: unknown): boolean => {
  try {
    // The types of the route say that its jobs have keys of this type.
    job.key.encode(key as never)
    return true
  } catch {
    return false
  }
}

/** The result that counts as an answer; undefined if the push may only wake. */
const reportable = <R>(
  { key, result }: AnyPush,
  mode: Mode,
  options: Options<R>
): CheckResult<unknown, unknown> | undefined => {
  if (key === undefined || result === undefined) return undefined
  const [bare, run] = result._tag === "Annotated" ? [result.result, result.run] : [result, undefined]
  const isEnd = ends.has(bare._tag)
  return isEnd && (mode === "noEnd" || (options.reusedKeys === true && run === undefined)) ? undefined : result
}

const ends: ReadonlySet<string> = /*#__PURE__*/ new Set(["Succeeded", "Failed", "Canceled", "Expired"])
