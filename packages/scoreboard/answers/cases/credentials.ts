// C1-C3, S1: which origin gets which credential. Real sockets, and a server that tries to steal them.
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Poll from "effect-poll/Poll"
import * as StatusSchema from "effect-poll/StatusSchema"
import * as Strategy from "effect-poll/Strategy"
import * as Authorization from "@effect-poll/http/Authorization"
import * as HttpCheck from "@effect-poll/http/HttpCheck"
import * as LongRunning from "@effect-poll/http/LongRunning"
import { type Case, complain, type Complaint, type Expected, first, overSockets, unless, wait } from "../case.ts"
import type { Observed, Program } from "../lab.ts"
import { routes, script } from "../server.ts"
import { type Client, type Origin, send, type Sockets } from "../sockets.ts"
import { JobStatus } from "./kit.ts"

const secret = "t0p-s3cret"

const fast = {
  strategy: Strategy.spaced("2 millis"),
  deadline: "15 seconds",
  checkErrors: { maxConsecutive: 0 }
} as const

/** The program, with a bearer token that the client adds to each request. */
const authorized = (program: Program): Program =>
  Effect.gen(function* () {
    const authorization = yield* Authorization.make({ token: Effect.succeed(Redacted.make(`bearer-${secret}`)) })
    const client = Authorization.client(yield* HttpClient.HttpClient, authorization)
    return yield* Effect.provideService(program, HttpClient.HttpClient, client)
  }).pipe(Effect.scoped)

/** A request with a key and a cookie of its own. */
const withKeys = (request: HttpClientRequest.HttpClientRequest): HttpClientRequest.HttpClientRequest =>
  HttpClientRequest.setHeaders(request, { "x-api-key": `key-${secret}`, cookie: `session=${secret}` })

const secretHeaders = ["x-api-key"]

interface Hosts {
  readonly home: Origin
  readonly foreign: Origin
}

type Allowed = HttpCheck.Options["allowedOrigins"]

/** What the foreign origin must not have seen. */
const stolen = ({ foreign }: Hosts): Complaint => {
  const thief = foreign.requests.find(({ headers, url }) => JSON.stringify([headers, url.href]).includes(secret))
  return thief === undefined ? undefined : `the foreign origin got ${JSON.stringify(thief.headers)}`
}

/** A home server that names a URL of a foreign one, over each client. */
const steals = (
  id: string,
  name: string,
  options: {
    readonly home: (foreign: Origin, home: () => Origin) => Parameters<Sockets["serve"]>[0]
    readonly foreign?: Parameters<Sockets["serve"]>[0]
    readonly program: (hosts: Hosts) => Program
    readonly ends: Expected
    /** How many requests the foreign origin gets; undefined for any number. */
    readonly asked?: number
    readonly check?: (hosts: Hosts, seen: Observed) => Complaint
  }
): Case =>
  overSockets(id, name, (sockets) =>
    sockets.each(async (client: Client) => {
      const foreign = await sockets.serve(
        options.foreign ?? ((_request, response) => send(response, 200, { status: "done", url: "stolen" }))
      )
      const home: Origin = await sockets.serve(options.home(foreign, () => home))
      const hosts = { home, foreign }
      const seen = await sockets.observe(home, client, authorized(options.program(hosts)))
      const { asked } = options
      return first(
        complain(seen, options.ends),
        stolen(hosts),
        asked === undefined
          ? undefined
          : unless(
              foreign.requests.length === asked,
              `${foreign.requests.length} requests to the foreign origin, not ${asked}`
            ),
        options.check?.(hosts, seen),
        unless(!seen.shown.includes(secret), "a credential is shown")
      )
    })
  )

const run = ({ home }: Hosts, allowedOrigins?: Allowed): Program =>
  LongRunning.run(withKeys(HttpClientRequest.post(`${home.origin}/operations`)), {
    ...fast,
    allowedOrigins,
    secretHeaders
  })

const check = ({ home }: Hosts, allowedOrigins?: Allowed): Program =>
  Poll.until(
    HttpCheck.make(withKeys(HttpClientRequest.get(`${home.origin}/jobs/1`)), JobStatus, {
      allowedOrigins,
      secretHeaders
    }),
    fast
  )

const refused = (tag: string): Expected => ({ tag, says: /origin|not allowed|refused/i })

const redirect =
  (status: number, path = "/jobs/1") =>
  (foreign: Origin): Parameters<Sockets["serve"]>[0] =>
  (_request, response) =>
    send(response, status, undefined, { location: `${foreign.origin}${path}` })

/** A home server that names a target in the Location of an accepted operation. */
const names =
  (locate: (foreign: Origin) => string) =>
  (foreign: Origin): Parameters<Sockets["serve"]>[0] =>
  (_request, response) =>
    send(response, 202, undefined, { location: locate(foreign) })

/** A bucket: one credential is enough, as S3 says. */
const presigned =
  (body: unknown): Parameters<Sockets["serve"]>[0] =>
  ({ headers, url }, response) => {
    const second = headers["authorization"] !== undefined || !url.searchParams.has("X-Signature")
    send(response, second ? 400 : 200, second ? { error: "only one auth mechanism allowed" } : body)
  }

const File = Schema.Struct({ status: Schema.String })

const evil = (id: string, name: string, locate: (foreign: Origin) => string, allowedOrigins?: Allowed): Case =>
  steals(id, name, {
    home: names(locate),
    program: (hosts) => run(hosts, allowedOrigins),
    ends: { tag: "HttpCheckError|CheckRejected" },
    asked: 0
  })

const here = "https://api.example"

const downgrade = (id: string, name: string, server: Parameters<typeof routes>[0], program: () => Program): Case =>
  wait(id, name, {
    server: routes(server),
    program,
    ends: { tag: "any" },
    check: ({ error, server, summary, tag }) =>
      first(
        unless(tag !== "Succeeded" && tag !== "Defect" && tag !== "no end", `expected a refusal, got ${summary}`),
        unless(error instanceof Error && /https|origin|not allowed/i.test(error.message), `it says ${summary}`),
        unless(
          server.requests.every(({ url }) => url.protocol === "https:"),
          "a URL of http was asked"
        )
      )
  })

export const credentials: ReadonlyArray<Case> = [
  steals("C1.a", "Location names a foreign origin: it is not asked", {
    home: names(({ origin }) => `${origin}/operations/1`),
    program: run,
    ends: refused("HttpCheckError|CheckRejected"),
    asked: 0,
    check: ({ foreign }, { error }) =>
      unless((error as Error).message.includes(foreign.origin), `the refused URL is not named: ${String(error)}`)
  }),
  steals("C1.b", "a listed origin is asked, without any credential", {
    home: names(({ origin }) => `${origin}/operations/1`),
    program: (hosts) => run(hosts, [hosts.foreign.origin]),
    foreign: (_request, response) => send(response, 200, { pages: 3 }),
    ends: { tag: "Succeeded", value: { pages: 3 } },
    asked: 1
  }),
  steals("C1.c", "a check is redirected to a foreign origin", {
    home: redirect(307),
    program: check,
    ends: { tag: "CheckRejected" },
    asked: 0
  }),
  steals("C1.d", "a check is redirected to a listed origin", {
    home: redirect(302),
    program: (hosts) => check(hosts, [hosts.foreign.origin]),
    foreign: (_request, response) => send(response, 200, { status: "done", url: "listed" }),
    ends: { tag: "Succeeded", value: "listed" },
    asked: 1
  }),
  steals("C1.e", "the operation is at home, its result is not", {
    home:
      ({ origin }) =>
      ({ method }, response) =>
        method === "POST"
          ? send(response, 202, undefined, { "operation-location": "/operations/1", location: `${origin}/results/1` })
          : send(response, 200, { status: "Succeeded", resourceLocation: `${origin}/results/1` }),
    program: run,
    ends: { tag: "any" },
    asked: 0
  }),
  steals("C1.f", "a listed origin redirects back home", {
    home:
      ({ origin }, home) =>
      ({ url }, response) =>
        url.pathname === "/jobs/1"
          ? send(response, 302, undefined, { location: `${origin}/hop?port=${home().port}` })
          : send(response, 200, { status: "done", url: "home" }),
    foreign: ({ url }, response) =>
      send(response, 302, undefined, { location: `http://127.0.0.1:${url.searchParams.get("port")}/final` }),
    program: (hosts) => check(hosts, [hosts.foreign.origin]),
    ends: { tag: "Succeeded", value: "home" },
    asked: 1
  }),
  steals("C1.g", "the home origin itself gets the bearer, the key and the cookie on each request", {
    home:
      () =>
      ({ method }, response) =>
        method === "POST"
          ? send(response, 202, undefined, { location: "/operations/1" })
          : send(response, 200, { pages: 1 }),
    program: run,
    ends: { tag: "Succeeded" },
    asked: 0,
    check: ({ home }) =>
      unless(
        home.requests.length === 2 && home.requests.every(({ headers }) => headers["authorization"]?.includes(secret)),
        "the bearer is missing at home"
      )
  }),

  downgrade(
    "C2.a",
    "https names http in Location",
    { "/operations": { status: 202, headers: { location: "http://api.example/operations/1" } } },
    () => LongRunning.run(HttpClientRequest.post(`${here}/operations`), { ...fast, allowedOrigins: "any" })
  ),
  downgrade(
    "C2.b",
    "https redirects a check to http",
    { "/jobs/1": script({ status: 302, headers: { location: "http://api.example/jobs/1" } }) },
    () => Poll.until(HttpCheck.get(`${here}/jobs/1`, JobStatus), fast)
  ),
  downgrade(
    "C2.c",
    "https names http for the result of an operation",
    {
      "POST /operations": { status: 202, headers: { "operation-location": "/operations/1" } },
      "GET /operations/1": { json: { status: "Succeeded", resourceLocation: "http://api.example/results/1" } }
    },
    () =>
      LongRunning.run(HttpClientRequest.post(`${here}/operations`), {
        ...fast,
        allowedOrigins: ["http://api.example", "https://api.example"]
      })
  ),
  downgrade(
    "C2.d",
    "https names http on the same host and port",
    { "/operations": { status: 202, headers: { "operation-location": "http://api.example:443/operations/1" } } },
    () => LongRunning.run(HttpClientRequest.post(`${here}/operations`), fast)
  ),

  steals("C3.a", "a redirect to a presigned URL, which refuses a second credential", {
    home: redirect(302, "/bucket/1?X-Signature=abc"),
    foreign: presigned({ status: "done", url: "presigned" }),
    program: (hosts) => check(hosts, [hosts.foreign.origin]),
    ends: { tag: "Succeeded", value: "presigned" },
    asked: 1
  }),
  steals("C3.b", "303 to a presigned result", {
    home: redirect(303, "/bucket/1?X-Signature=abc"),
    foreign: presigned({ status: "in the bucket" }),
    program: (hosts) =>
      Poll.until(
        HttpCheck.make(withKeys(HttpClientRequest.get(`${hosts.home.origin}/jobs/1`)), JobStatus, {
          result: File,
          allowedOrigins: [hosts.foreign.origin],
          secretHeaders
        }),
        fast
      ),
    ends: { tag: "Succeeded", value: { status: "in the bucket" } },
    asked: 1
  }),
  steals("C3.c", "an operation whose result is at a presigned URL", {
    home:
      ({ origin }) =>
      ({ method }, response) =>
        method === "POST"
          ? send(response, 202, undefined, { "operation-location": "/operations/1" })
          : send(response, 200, { status: "Succeeded", resourceLocation: `${origin}/bucket/1?X-Signature=abc` }),
    foreign: presigned({ status: "in the bucket" }),
    program: (hosts) => run(hosts, [hosts.foreign.origin]),
    ends: { tag: "Succeeded", value: { status: "in the bucket" } },
    asked: 1
  }),
  steals("C3.d", "a CSV file at a presigned URL", {
    home: redirect(307, "/bucket/1?X-Signature=abc"),
    foreign: presigned("id\n1\n"),
    program: (hosts) =>
      Poll.until(
        HttpCheck.make(
          withKeys(HttpClientRequest.get(`${hosts.home.origin}/jobs/1`)),
          StatusSchema.succeeded(Schema.String),
          { as: "text", allowedOrigins: [hosts.foreign.origin], secretHeaders }
        ),
        fast
      ),
    ends: { tag: "Succeeded", value: "id\n1\n" },
    asked: 1
  }),

  evil("S1.a", "any origin is allowed, but a loopback address has to be listed", ({ origin }) => `${origin}/x`, "any"),
  evil("S1.b", "the address of cloud metadata", () => "http://169.254.169.254/latest/meta-data/iam", "any"),
  evil("S1.c", "a loopback address written as a number", ({ port }) => `http://2130706433:${port}/x`, "any"),
  evil("S1.d", "a loopback address in IPv6", ({ port }) => `http://[::ffff:127.0.0.1]:${port}/x`, "any"),
  evil("S1.e", "the home host as a user name", ({ port }) => `http://127.0.0.1:80@localhost:${port}/x`),
  evil("S1.f", "a URL without a scheme", ({ port }) => `//localhost:${port}/x`),
  evil("S1.g", "backslashes instead of slashes", ({ port }) => `\\\\localhost:${port}\\x`),
  evil("S1.h", "a scheme that is no HTTP", () => "file:///etc/passwd", "any"),
  steals("S1.i", "five redirects that end at a foreign origin", {
    home:
      ({ origin }) =>
      ({ url }, response) => {
        const hop = Number(url.searchParams.get("hop") ?? 0)
        send(response, 307, undefined, { location: hop < 4 ? `/jobs/1?hop=${hop + 1}` : `${origin}/jobs/1` })
      },
    program: check,
    ends: { tag: "CheckRejected" },
    asked: 0
  }),
  steals("S1.j", "redirects without end", {
    home: () => (_request, response) => send(response, 302, undefined, { location: "/jobs/1" }),
    program: check,
    ends: { tag: "any" },
    check: ({ home }, { tag }) =>
      first(
        unless(tag === "CheckRejected" || tag === "CheckErrorsExhausted", `expected a typed error, got ${tag}`),
        unless(home.requests.length <= 25, `${home.requests.length} requests of one check`)
      )
  })
]
