/**
 * The stream of server-sent events of a job.
 *
 * @since 0.1.0
 */
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as Stream from "effect/Stream"
import type { EventConnection, Recorded } from "../EventConnection.ts"
import * as Job from "./job.ts"
import type { JobStore } from "./jobStore.ts"
import * as Wire from "./wire.ts"

/** Opens a connection to the events of a job. */
export const open = (
  store: JobStore,
  job: Job.Job | undefined,
  request: HttpServerRequest.HttpServerRequest,
  bodyOf: (job: Job.Job, now: number) => unknown
): Effect.Effect<Wire.Response> =>
  Effect.sync(() => {
    if (job === undefined) return Wire.notFound("job")
    const { connection, recorded } = record(store, job, request)
    const { contentType = "text/event-stream", splitBytes, status = 200 } = connection
    if (status !== 200) return HttpServerResponse.empty({ status })
    const { socket } = NodeHttpServerRequest.toIncomingMessage(request)
    const text = textOf(store, job, recorded.lastEventId, connection, bodyOf, () => socket.destroy())
    const bytes = Stream.encodeText(text)
    recorded.isOpen = true
    const body = Stream.ensuring(
      splitBytes === true ? Stream.flatMap(bytes, singly) : bytes,
      Effect.sync(() => {
        recorded.isOpen = false
      })
    )
    return HttpServerResponse.stream(body, { contentType, headers: { "cache-control": "no-cache" } })
  })

// ---- internal ----

type Mutable = { -readonly [K in keyof Recorded]: Recorded[K] }

const record = (
  { eventConnections }: JobStore,
  { id, script }: Job.Job,
  { headers }: HttpServerRequest.HttpServerRequest
): { readonly connection: EventConnection; readonly recorded: Mutable } => {
  const before = eventConnections.filter((each) => each.id === id).length
  const recorded: Mutable = {
    id,
    lastEventId: headers["last-event-id"],
    authorization: headers["authorization"],
    isOpen: false
  }
  eventConnections.push(recorded)
  return { connection: script.events[before] ?? {}, recorded }
}

/** Each byte in a write of its own. */
const singly = (chunk: Uint8Array): Stream.Stream<Uint8Array> =>
  Stream.rechunk(Stream.fromArray(Array.from(chunk, (byte) => Uint8Array.of(byte))), 1)

const textOf = (
  store: JobStore,
  job: Job.Job,
  lastEventId: string | undefined,
  { breakAfter, hangAfter, loseAfter = Infinity, retry }: EventConnection,
  bodyOf: (job: Job.Job, now: number) => unknown,
  destroy: () => void
): Stream.Stream<string> => {
  const known = Number(lastEventId ?? 0)
  const limit = Math.min(breakAfter ?? Infinity, hangAfter ?? Infinity)
  const times = [Effect.succeed(job.submittedAt), Effect.succeed(Job.startOf(job)), ended(store, job)]
  const all = times.slice(known).map((time, index) => ({ time, id: known + index + 1 }))
  const events = Stream.mapEffect(Stream.rechunk(Stream.fromArray(all.slice(0, limit)), 1), ({ id, time }) =>
    Effect.gen(function* () {
      const at = yield* time
      const now = yield* Clock.currentTimeMillis
      if (at > now) yield* Effect.raceFirst(Effect.sleep(at - now), store.awaitEnd(job))
      return `id: ${id}\ndata: ${JSON.stringify(bodyOf(job, Math.max(at, now)))}\n\n`
    })
  ).pipe(Stream.map((text, index) => (index < loseAfter ? text : ": lost\n\n")))
  const first = retry === undefined ? ": hello\n\n" : `retry: ${Duration.toMillis(Duration.fromInputUnsafe(retry))}\n\n`
  const comments = Stream.fromEffectRepeat(
    Effect.as(Effect.sleep(store.scale(Duration.seconds(15))), ": still here\n\n")
  )
  const rest =
    limit >= all.length
      ? Stream.empty
      : breakAfter === limit
        ? Stream.fromEffectDrain(Effect.andThen(Effect.sync(destroy), Effect.never))
        : Stream.never
  const sent = Stream.concat(Stream.succeed(first), events)
  return limit <= all.length && limit === hangAfter
    ? Stream.concat(sent, Stream.never)
    : Stream.concat(Stream.merge(sent, comments, { haltStrategy: "left" }), loseAfter < all.length ? comments : rest)
}

const ended = (store: JobStore, job: Job.Job): Effect.Effect<number> =>
  Effect.map(store.awaitEnd(job), ({ endedAt }) => endedAt)
