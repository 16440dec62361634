import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpTraceContext from "effect/http/HttpTraceContext"
import * as Tracer from "effect/Tracer"

// The span of a request.

/**
 * Sends a request in a span. The client would write the whole URL into its own, and the request with all its headers
 * into the error of it, so that one is turned off.
 */
export const traced = <A, E, R>(
  request: HttpClientRequest.HttpClientRequest,
  shownUrl: string,
  send: (request: HttpClientRequest.HttpClientRequest, span: Tracer.Span | undefined) => Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> =>
  Effect.contextWith((context: Context.Context<R>) => {
    const quiet = Effect.provideService(HttpClient.TracerDisabledWhen, always)
    if (
      Context.get(context, Tracer.DisablePropagation) ||
      Context.get(context, HttpClient.TracerDisabledWhen)(request)
    ) {
      return quiet(send(request, undefined))
    }
    const { method } = request
    const attributes = { "http.request.method": method, "url.full": shownUrl }
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
