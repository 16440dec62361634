import * as Effect from "effect/Effect"
import * as Duration from "effect/Duration"
import * as Logger from "effect/Logger"
import * as References from "effect/References"
import * as Tracer from "effect/Tracer"
import * as Observer from "effect-poll/Observer"
import type { PollEvent } from "effect-poll/PollEvent"

/** An observer that records what it is notified of; with `takes`, each notification takes it that long. */
export const recordEvents = (takes?: Duration.Input) => {
  const notifications: Array<Observer.Notification> = []
  const observer = Observer.make((notification) => {
    const record = Effect.sync(() => void notifications.push(notification))
    return takes === undefined ? record : Effect.delay(record, takes)
  })
  return {
    observer,
    notifications,
    tags: () => notifications.map(({ event }) => event._tag),
    events: () => notifications.flatMap(({ event }) => (event._tag === "Started" ? [] : [event]))
  }
}

/** The delays of a wait with their reasons, in words: "gate 3000 offline". */
export const delaysOf = (events: ReadonlyArray<PollEvent<unknown, unknown, unknown>>) =>
  events.flatMap((event) =>
    event._tag === "Waiting"
      ? [`${event.reason} ${Duration.toMillis(event.delay)} ${event.gateReason ?? ""}`.trim()]
      : []
  )

/** A tracer that records its spans. */
export const recordSpans = () => {
  const spans: Array<Tracer.NativeSpan> = []
  const tracer = Tracer.make({
    span: (options) => {
      const span = new Tracer.NativeSpan(options)
      spans.push(span)
      return span
    }
  })
  return { spans, tracer }
}

/** A logger that records its lines; `within` gives an effect this logger, from Debug on. */
export const recordLogs = () => {
  const lines: Array<readonly [level: string, message: string, annotations: Readonly<Record<string, unknown>>]> = []
  const logger = Logger.make(({ fiber, logLevel, message }) => {
    const texts = (Array.isArray(message) ? message : [message]).map(String)
    lines.push([logLevel, texts.join(" "), fiber.getRef(References.CurrentLogAnnotations)])
  })
  const within = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    effect.pipe(
      Effect.provide(Logger.layer([logger])),
      Effect.provideService(References.MinimumLogLevel, "Debug" as const)
    )
  return { lines, within }
}

/** Starts a fiber that yields all the time; yields how often it has run since. */
export const countTurns = Effect.gen(function* () {
  let turns = 0
  const count = Effect.andThen(
    Effect.sync(() => turns++),
    Effect.yieldNow
  )
  yield* Effect.forkScoped(Effect.forever(count, { disableYield: true }))
  return () => turns
})
