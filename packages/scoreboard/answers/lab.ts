// What a case runs in: scripted servers, and a program that is watched with all that it logs, traces and reports.
import { inspect } from "node:util"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as References from "effect/References"
import * as Tracer from "effect/Tracer"
import type { Notification } from "effect-poll/Observer"
import * as PollDefaults from "effect-poll/PollDefaults"
import type { VirtualClock } from "../conformance/clock.ts"
import { type Asked, type Handler, Server } from "./server.ts"

/** How a program ended, and all that it showed. */
export interface Observed {
  /** The tag of the error, or `Succeeded`, `Defect`, `Interrupted`, or `no end`. */
  readonly tag: string
  readonly value: unknown
  readonly error: unknown
  /** The ending in a line. */
  readonly summary: string
  /** When it ended, in milliseconds since the start. */
  readonly at: number
  readonly events: ReadonlyArray<Notification>
  readonly logs: ReadonlyArray<{ readonly level: string; readonly text: string }>
  readonly spans: ReadonlyArray<Tracer.NativeSpan>
  /** Errors, log lines, spans and events as text. Results are left out. */
  readonly shown: string
  readonly server: Asked
}

/** The program of a case. */
export type Program<A = unknown, E = unknown> = Effect.Effect<A, E, HttpClient.HttpClient>

export class Lab {
  readonly clock: VirtualClock
  readonly #instead: Handler | undefined

  /** With `instead`, every server answers by it: a case that is content with that cannot fail. */
  constructor(clock: VirtualClock, instead?: Handler) {
    this.clock = clock
    this.#instead = instead
  }

  /** With `follows`, its fetch follows redirects whatever it is asked to do. */
  server(handler: Handler, follows = false): Server {
    return new Server(this.clock, this.#instead ?? handler, follows)
  }

  /** Runs a program against a server until it ends, but no longer than `until` milliseconds (default: two days). */
  async observe(server: Server, program: Program, until: number = 172_800_000): Promise<Observed> {
    const watch = new Watch()
    let exit: Exit.Exit<unknown, unknown> | undefined
    let at = Number.NaN
    const controller = new AbortController()
    void Effect.runPromiseExit(watch.over(program, server), { signal: controller.signal }).then((ended) => {
      exit = ended
      at = this.clock.now
    })
    await this.clock.advance(this.clock.now + until, () => exit !== undefined)
    controller.abort()
    return observed(exit, at, watch, server)
  }
}

/** All that a program says beside its result. */
export class Watch {
  readonly events: Array<Notification> = []
  readonly logs: Array<{ readonly level: string; readonly text: string }> = []
  readonly spans: Array<Tracer.NativeSpan> = []

  /** The program with its logs, spans and events recorded, over the fetch of the server. */
  over(program: Program, server: Server): Effect.Effect<unknown, unknown> {
    return this.recorded(program).pipe(
      Effect.provide(FetchHttpClient.layer),
      Effect.provideService(FetchHttpClient.Fetch, server.fetch as typeof globalThis.fetch)
    )
  }

  recorded<A, E, R>(program: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
    const tracer = Tracer.make({
      span: (given) => {
        const span = new Tracer.NativeSpan(given)
        this.spans.push(span)
        return span
      }
    })
    const logger = Logger.make(({ cause, logLevel, message }) => {
      const line = [message, ...(cause.reasons.length === 0 ? [] : [cause])].flat()
      this.logs.push({
        level: logLevel,
        text: line.map((part) => (typeof part === "string" ? part : text(part))).join(" ")
      })
    })
    const observers = [{ observe: (event: Notification) => Effect.sync(() => void this.events.push(event)) }]
    return program.pipe(
      Effect.withTracer(tracer),
      Effect.provide(Layer.merge(Logger.layer([logger]), PollDefaults.layer({ observers }))),
      Effect.provideService(References.MinimumLogLevel, "All")
    )
  }
}

/** Reads an exit. */
export const observed = (
  exit: Exit.Exit<unknown, unknown> | undefined,
  at: number,
  watch: Watch,
  server: Asked
): Observed => {
  const error = exit === undefined || Exit.isSuccess(exit) ? undefined : Cause.squash(exit.cause)
  const tag = tagOf(exit)
  return {
    tag,
    value: exit !== undefined && Exit.isSuccess(exit) ? exit.value : undefined,
    error,
    summary: `${tag}${error === undefined ? "" : ` (${messageOf(error)})`} after ${server.requests.length} requests`,
    at,
    events: watch.events,
    logs: watch.logs,
    spans: watch.spans,
    get shown() {
      return shownBy(error, watch)
    },
    server
  }
}

// ---- internal ----

const tagOf = (exit: Exit.Exit<unknown, unknown> | undefined): string => {
  if (exit === undefined) return "no end"
  if (Exit.isSuccess(exit)) return "Succeeded"
  if (Cause.hasDies(exit.cause)) return "Defect"
  if (Cause.hasInterruptsOnly(exit.cause)) return "Interrupted"
  const error = Cause.squash(exit.cause)
  return (error as { readonly _tag?: string } | undefined)?._tag ?? `untagged ${typeof error}`
}

const messageOf = (error: unknown): string => {
  const said = error instanceof Error ? error.message : text(error)
  return said.length > 300 ? `${said.slice(0, 300)}...` : said
}

const text = (value: unknown): string =>
  inspect(value, { depth: 12, breakLength: Number.POSITIVE_INFINITY, maxStringLength: 20_000 })

/** Events without the results that they carry. */
const withoutResults = ({ event, ...rest }: Notification): unknown => {
  if (event._tag === "Changed" && event.status._tag === "Succeeded") return { ...rest, event: event._tag }
  return event._tag === "Ended" && Exit.isSuccess(event.exit) ? { ...rest, event: event._tag } : { ...rest, event }
}

const shownBy = (error: unknown, { events, logs, spans }: Watch): string =>
  [
    ...(error === undefined ? [] : [messageLong(error), text(error), json(error)]),
    ...logs.map(({ text }) => text),
    ...spans.map((span) => text([span.name, [...span.attributes], span.events, causeOf(span)])),
    ...events.map((event) => text(withoutResults(event)))
  ].join("\n")

/** What a span failed with. Its result is the program's own. */
const causeOf = ({ status }: Tracer.NativeSpan): unknown =>
  status._tag === "Ended" && Exit.isFailure(status.exit) ? status.exit.cause : status._tag

const messageLong = (error: unknown): string => (error instanceof Error ? `${error.message}\n${error.stack}` : "")

const json = (value: unknown): string => {
  try {
    return JSON.stringify(value, (_, each: unknown) => (typeof each === "bigint" ? String(each) : each)) ?? ""
  } catch {
    return ""
  }
}
