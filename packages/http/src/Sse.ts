/**
 * Tells waits what server-sent events say: the `push` of a job, with polling behind it.
 *
 * **Details**
 *
 * | the server | the wait |
 * |---|---|
 * | sends an event with a status | takes it as the answer to a check |
 * | sends an event that cannot be decoded | checks |
 * | sends other events, comments, or nothing for a while | waits |
 * | closes the stream, or breaks it | checks, and opens the stream again |
 * | sends nothing at all for `idleTimeout`, or a larger event than `maxEventSize` | as for a stream that broke |
 * | answers 204, or sends the event that `done` describes | checks, and from then on only polls |
 * | answers with another status code or content type | polls, and opens the stream again later |
 *
 * - A stream that broke is opened again as `Told.Source` describes: after 1 second, doubling each time up to 1 minute.
 *   The `retry` field of the server, and a `Retry-After` of a refusal, are minima, up to 1 hour.
 * - The id of the last event is sent as `Last-Event-ID`, if the URL is the same, unless it has control characters or
 *   more than 1,024 characters.
 * - Requests are those of `HttpCheck`: the rules of `RequestOptions` apply to redirects and credentials, and errors,
 *   spans and logs contain nothing of headers and bodies. A single event has a maximum size, the body of an event
 *   stream has none.
 * - When the wait ends, the connection is closed.
 *
 * For events about many jobs, or without a Schema, make a source of your own with `Told.fromStream`.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Stream from "effect/Stream"
import type * as CheckResult from "effect-poll/CheckResult"
import type { StatusSchema } from "effect-poll/StatusSchema"
import * as Told from "effect-poll/Told"
import type { HttpCheckError } from "./HttpCheckError.ts"
import type { Request } from "./HttpCheckOptions.ts"
import { failFor } from "./internal/request/httpRequest.ts"
import * as requestPolicy from "./internal/request/requestPolicy.ts"
import * as Connection from "./internal/sse/connection.ts"
import * as Slot from "./internal/sse/slot.ts"
import * as Tell from "./internal/sse/tell.ts"
import * as validate from "./internal/validate.ts"
import type { RequestOptions } from "./RequestOptions.ts"
import type { SseError } from "./SseError.ts"

/**
 * An event that a server sent.
 *
 * @category models
 * @since 0.1.0
 */
export interface Event {
  /** The name of the event; `"message"` if the server gave none. */
  readonly event: string
  /** The last id that the server gave on this connection; `undefined` if it gave none. */
  readonly id: string | undefined
  /** The text of the event. Its lines are separated by `"\n"`. */
  readonly data: string
}

/**
 * The options of `checks`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options extends Omit<RequestOptions, "maxBody"> {
  /**
   * What an event tells: `"report"` makes its status count as the answer to a check, `"wake"` makes it a reason to check
   * whose data is not read. Use `"wake"` if the events are less reliable than the answers to checks. Default: `"report"`.
   */
  readonly as?: "report" | "wake" | undefined
  /**
   * The names of the events that are about the job. Other events are ignored. Default: `"message"`, which is also the name
   * of an event without one.
   */
  readonly event?: string | ReadonlyArray<string> | undefined
  /**
   * Returns what the Schema decodes of an event, or `undefined` for an event that says nothing about the job. If it throws,
   * a check is requested. Default: the data, parsed as JSON, or by the option `parse`.
   */
  readonly read?: ((event: Event) => unknown) | undefined
  /**
   * Reads the run of the job from what the Schema decodes, if one key is used for several runs (see the option `since` of
   * a wait). If it throws, a check is requested. Default: none.
   */
  readonly run?: ((body: unknown) => CheckResult.Run | undefined) | undefined
  /**
   * The last event, by its data (`"[DONE]"`) or by a function, whatever its name: a check is requested, the connection is
   * closed, and the stream is not opened again. Default: none.
   */
  readonly done?: string | ((event: Event) => boolean) | undefined
  /**
   * What a stream tells when it is opened: `"wake"` asks for a check, so that nothing is lost between the check before and
   * the opening. `"nothing"` saves that check if the server sends the status of the job, or what was missed, whenever a
   * stream is opened. Default: `"wake"`.
   */
  readonly onOpen?: "wake" | "nothing" | undefined
  /**
   * The maximum time without any byte, and until the server answers, after which the stream is broken. Comments that keep
   * a connection alive count. A positive finite duration or `"unbounded"`. Default: 45 seconds.
   */
  readonly idleTimeout?: Duration.Input | "unbounded" | undefined
  /**
   * The maximum size of one event, in characters (UTF-16 code units); an integer >= 1. A stream with a larger event is
   * broken. Default: 1,048,576.
   */
  readonly maxEventSize?: number | undefined
}

/**
 * Makes the `push` of a job, or of a wait, from a request for server-sent events and a status Schema.
 *
 * **Details**
 *
 * - `request` is a request, an Effect that makes one, or a function of the key that returns one of these or a URL for a GET
 *   request. With a function the result is the `push` of a `Job`, otherwise the option `push` of a wait.
 * - An Effect runs for each connection. Its error breaks the stream.
 * - A request without a URL is a RangeError at the call, and so is an option that is out of range.
 *
 * **Gotchas**
 *
 * - The request is sent for each connection, and again after each break: it must not start anything.
 * - The `gate` of a wait holds back checks, but not connections.
 * - A server may send an event before it stores what the event says. Then the check after a `"wake"` still finds the status
 *   of before; prefer `"report"`.
 *
 * **Example** (A job that is told, with polling behind it)
 *
 * ```ts
 * import * as Effect from "effect/Effect"
 * import * as HttpClient from "effect/http/HttpClient"
 * import * as HttpClientResponse from "effect/http/HttpClientResponse"
 * import * as Schema from "effect/Schema"
 * import * as Job from "effect-poll/Job"
 * import * as Poll from "effect-poll/Poll"
 * import * as Status from "effect-poll/Status"
 * import * as StatusSchema from "effect-poll/StatusSchema"
 * import * as HttpCheck from "@effect-poll/http/HttpCheck"
 * import * as Sse from "@effect-poll/http/Sse"
 *
 * const TaskStatus = StatusSchema.fromField(Schema.Struct({ state: Schema.Literals(["busy", "done"]) }), "state", {
 *   busy: Status.pending(),
 *   done: Status.succeeded("well")
 * })
 * const url = (id: string) => `https://api.example.com/tasks/${id}`
 * const Tasks = Job.make("task", {
 *   check: HttpCheck.check(url, TaskStatus),
 *   push: Sse.checks((id: string) => `${url(id)}/events`, TaskStatus)
 * })
 *
 * // A server that needs no network. Its checks say that the job is busy, its events that it is done.
 * const events = { headers: { "content-type": "text/event-stream" } }
 * const server = HttpClient.make((request) =>
 *   Effect.succeed(
 *     HttpClientResponse.fromWeb(
 *       request,
 *       request.url.endsWith("/events")
 *         ? new Response('data: { "state": "done" }\n\n', events)
 *         : Response.json({ state: "busy" })
 *     )
 *   )
 * )
 * await Effect.runPromise(
 *   Poll.until(Tasks, "1", { deadline: "1 minute" }).pipe(Effect.provideService(HttpClient.HttpClient, server))
 * ) // => "well"
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const checks: {
  /** Makes the `push` of a job from a function of the key that returns a URL, a request, or an Effect that makes one. */
  <K, A, F = never, RD = never, E = never, R = never>(
    request: (key: K) => string | Request<E, R>,
    schema: StatusSchema<A, F, RD>,
    options?: Options
  ): (key: K) => Stream.Stream<Told.Told<A, F>, HttpCheckError | SseError | E, HttpClient.HttpClient | RD | R>
  /** Makes the option `push` of a wait from a request, or from an Effect that makes one. */
  <A, F = never, RD = never, E = never, R = never>(
    request: Request<E, R>,
    schema: StatusSchema<A, F, RD>,
    options?: Options
  ): Stream.Stream<Told.Told<A, F>, HttpCheckError | SseError | E, HttpClient.HttpClient | RD | R>
} = <K, A, F, RD, E, R>(
  request: Request<E, R> | ((key: K) => string | Request<E, R>),
  schema: StatusSchema<A, F, RD>,
  options?: Options
): never => {
  const self = teller(schema, options)
  const ofMade = (made: string | Request<E, R>) =>
    Effect.isEffect(made)
      ? Stream.unwrap(Effect.map(made, (each) => self(each)))
      : self(typeof made === "string" ? HttpClientRequest.get(made) : made)
  if (typeof request === "function") return ((key: K) => Stream.suspend(() => ofMade(request(key)))) as never
  if (!Effect.isEffect(request)) validate.nonEmpty("Sse.checks: request.url", request.url)
  return ofMade(request) as never
}

// ---- internal ----

/** Makes a function that makes the stream of a request. Options and Schema are prepared here. */
const teller = <A, F, RD>(schema: StatusSchema<A, F, RD>, options: Options = {}) => {
  const settings: Connection.Settings = {
    policy: requestPolicy.make("Sse.checks", options),
    idleTimeout: validate.millisOrUnbounded("Sse.checks: idleTimeout", options.idleTimeout ?? "45 seconds"),
    maxEventSize: validate.count("Sse.checks: maxEventSize", options.maxEventSize ?? 1_048_576, 1)
  }
  const { done, event = "message", onOpen = "wake" } = options
  const tell = Tell.make<A, F, RD>(
    {
      as: oneOf("as", ["report", "wake"], options.as ?? "report"),
      names: namesOf(event),
      isLast: typeof done === "function" ? done : ({ data }) => data === done,
      read: options.read,
      parse: options.parse,
      run: options.run
    },
    schema
  )
  const opening = oneOf("onOpen", ["wake", "nothing"], onOpen) === "wake" ? wakes : Stream.empty
  return (request: HttpClientRequest.HttpClientRequest) =>
    request.url === ""
      ? Stream.fail(failFor(request, options.shownUrl)({ _tag: "InvalidRequest", part: "url" }))
      : connected(settings, request, tell, opening)
}

const connected = <A, F, RD>(
  settings: Connection.Settings,
  request: HttpClientRequest.HttpClientRequest,
  tell: ReturnType<typeof Tell.make<A, F, RD>>,
  opening: Stream.Stream<Told.Wake>
): Stream.Stream<Told.Told<A, F>, HttpCheckError | SseError, HttpClient.HttpClient | RD> =>
  Stream.suspend(() => {
    let isOver = false
    const open = Effect.gen(function* () {
      const slot = yield* Slot.slot
      const connection = yield* Connection.open(settings, request, slot)
      if (connection === undefined) {
        isOver = true
        return wakes
      }
      const told = Stream.mapEffect(connection, (events) =>
        Effect.map(tell(events), (heard) => {
          const last = events.at(-1)
          if (last?.id !== undefined) slot.lastEventId = last.id
          isOver = heard.isOver
          return heard
        })
      ).pipe(
        Stream.takeUntil((heard) => heard.isOver),
        Stream.flatMap(({ all }) => Stream.fromArray(all))
      )
      return Stream.concat(opening, told)
    })
    // A stream that has nothing more to say stays open, since one that ends is opened again.
    return Stream.concat(
      Stream.unwrap(open),
      Stream.suspend(() => (isOver ? Stream.never : Stream.empty))
    )
  })

const wakes: Stream.Stream<Told.Wake> = /*#__PURE__*/ Stream.succeed(Told.wake)

const namesOf = (event: string | ReadonlyArray<string>): ReadonlySet<string> => {
  const names = typeof event === "string" ? [event] : event
  if (!Array.isArray(names) || names.length === 0) {
    throw new RangeError(`Sse.checks: event must be a name or a list of names, got ${validate.show(event)}`)
  }
  return new Set(names.map((name: string) => validate.nonEmpty("Sse.checks: event", name)))
}

const oneOf = <A extends string>(option: string, values: ReadonlyArray<A>, value: A): A => {
  if (!values.includes(value)) {
    throw new RangeError(
      `Sse.checks: ${option} must be ${values.map((each) => JSON.stringify(each)).join(" or ")}, got ${validate.show(value)}`
    )
  }
  return value
}
