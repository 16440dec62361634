import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Headers from "effect/http/Headers"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpTraceContext from "effect/http/HttpTraceContext"
import * as Option from "effect/Option"
import * as Tracer from "effect/Tracer"

// The span of a request.

/**
 * Sends a request in a span. The client would write the whole URL into its own, and the request with all its headers
 * into the error of it, so that one is turned off.
 */
export const traced = <A, E, R>(
  request: HttpClientRequest.HttpClientRequest,
  shownUrl: () => string,
  send: (request: HttpClientRequest.HttpClientRequest, span: Tracer.Span | undefined) => Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> =>
  Effect.withFiber<A, E, R>(({ context }) => {
    if (
      Context.get(context, Tracer.DisablePropagation) ||
      Context.get(context, HttpClient.TracerDisabledWhen)(request)
    ) {
      return quiet(send(request, undefined))
    }
    // No tracer is set, so that a span would go nowhere. It costs as much as all else in a check.
    if (Context.getOrUndefined(context, Tracer.Tracer) === undefined) {
      const parent = Context.getOrUndefined(context, Tracer.ParentSpan)
      const propagating = parent !== undefined && Context.get(context, HttpClient.TracerPropagationEnabled)
      return quiet(send(propagating ? HttpClientRequest.setHeaders(request, toHeaders(parent)) : request, undefined))
    }
    const { method } = request
    const attributes = { "http.request.method": method, "url.full": shownUrl() }
    // The span keeps what its effect ends with: not the answer.
    let answer: A
    return Effect.map(
      Effect.useSpan(method, { kind: "client", attributes }, (span) => {
        const propagating = Context.get(context, HttpClient.TracerPropagationEnabled)
          ? HttpClientRequest.setHeaders(request, HttpTraceContext.toHeaders(span))
          : request
        return Effect.map(
          Effect.withParentSpan(send(propagating, span), span, { captureStackTrace: false }),
          (given) => {
            answer = given
          }
        )
      }),
      () => answer
    ).pipe(quiet)
  })

// ---- internal ----

const always = (): boolean => true

const quiet: <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R> = Effect.provideService(
  HttpClient.TracerDisabledWhen,
  always
)

/** The trace headers of a span. A span of another process has no parent here, and the headers need nothing else. */
const toHeaders = (span: Tracer.AnySpan): Headers.Headers =>
  HttpTraceContext.toHeaders(
    span._tag === "Span" ? span : ({ ...span, parent: Option.none() } as unknown as Tracer.Span)
  )
