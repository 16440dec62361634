import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import type * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import * as DeviceFlow from "@effect-poll/http/DeviceFlow"

// A server of device logins without a network, for the tests.

export const client = {
  deviceAuthorizationUrl: "https://id.example/device",
  tokenUrl: "https://id.example/token",
  clientId: "tv"
}

export const granted = {
  device_code: "SECRET-device",
  user_code: "WDJB-MJHT",
  verification_uri: "https://id.example/activate",
  expires_in: 600
}

export const tokens = { access_token: "SECRET-access", token_type: "Bearer", expires_in: 3600 }

export type Wire = Response | "broken" | "silent"

export const json = (body: unknown, status = 200, headers: Record<string, string> = {}): Response =>
  new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json", ...headers } })

export const error = (code: string, more: object = {}, status = 400) => json({ error: code, ...more }, status)

export const pending = () => error("authorization_pending")

interface Asked {
  readonly url: string
  readonly at: number
  readonly form: Readonly<Record<string, string>>
}

const formOf = ({ body }: HttpClientRequest.HttpClientRequest): Readonly<Record<string, string>> =>
  body._tag === "Uint8Array" ? Object.fromEntries(new URLSearchParams(new TextDecoder().decode(body.body))) : {}

/** A server that grants a login, and answers the token requests in turn, the last answer for ever. */
export const server = (grant: () => Wire, ...answers: ReadonlyArray<() => Wire>) => {
  const asked: Array<Asked> = []
  const requests: Array<HttpClientRequest.HttpClientRequest> = []
  const http = HttpClient.make((request) =>
    Effect.gen(function* () {
      requests.push(request)
      const at = (yield* Clock.currentTimeMillis) / 1000
      asked.push({ url: request.url, at, form: formOf(request) })
      const times = asked.filter((each) => each.url === client.tokenUrl).length
      const answer =
        request.url === client.deviceAuthorizationUrl ? grant() : answers[Math.min(times, answers.length) - 1]!()
      if (answer === "silent") return yield* Effect.never
      if (answer instanceof Response) return HttpClientResponse.fromWeb(request, answer)
      return yield* new HttpClientError.HttpClientError({
        reason: new HttpClientError.TransportError({ request, cause: { code: "ECONNRESET" } })
      })
    })
  )
  const polls = () => asked.filter((each) => each.url === client.tokenUrl).map((each) => each.at)
  return { asked, polls, requests, provide: Effect.provideService(HttpClient.HttpClient, http) }
}

/** Runs to the end on the test clock; says how it ended and when, in seconds. */
export const ran = <A, E, R>(effect: Effect.Effect<A, E, R>, within: Duration.Input = "1 hour") =>
  Effect.gen(function* () {
    yield* TestClock.setTime(0)
    const fiber = yield* Effect.forkChild(
      Effect.flatMap(Effect.exit(effect), (exit) =>
        Effect.map(Clock.currentTimeMillis, (now) => ({ exit, at: now / 1000 }))
      )
    )
    yield* TestClock.adjust(within)
    return yield* Fiber.join(fiber)
  })

export const errorOf = <E>(exit: Exit.Exit<unknown, E>): E | undefined => {
  const found = Exit.findErrorOption(exit)
  return found._tag === "Some" ? found.value : undefined
}

export const login = ({
  client: also,
  ...more
}: Partial<DeviceFlow.RunOptions> & { readonly client?: Partial<DeviceFlow.Client> } = {}) =>
  DeviceFlow.run({ ...client, ...also }, { onPrompt: () => Effect.void, ...more })

export const jobOf = (grant: DeviceFlow.Grant) => DeviceFlow.job("device-login", { client, grant })

export function grantAt(expiresAt: number): DeviceFlow.Grant {
  return {
    deviceCode: Redacted.make("SECRET-device"),
    userCode: "WDJB-MJHT",
    verificationUri: "https://id.example/activate",
    verificationUriComplete: undefined,
    expiresAt,
    interval: Duration.seconds(5)
  }
}

export function sayEnd(failed: Effect.Error<ReturnType<typeof login>> | undefined): string {
  switch (failed?._tag) {
    case "JobFailed":
      return failed.failure._tag === "AccessDenied"
        ? `JobFailed AccessDenied ${failed.failure.description}`
        : `JobFailed Refused ${failed.failure.code} ${failed.failure.description}`
    case "CheckRejected":
      return `CheckRejected ${failed.error.reason._tag}`
    default:
      return String(failed?._tag)
  }
}
