import { assert, describe, it } from "@effect/vitest"
import * as ByteSize from "effect/ByteSize"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as CheckError from "effect-poll/CheckError"
import * as Status from "effect-poll/Status"
import * as StatusSchema from "effect-poll/StatusSchema"
import * as Authorization from "@effect-poll/http/Authorization"
import * as HttpCheck from "@effect-poll/http/HttpCheck"
import type { HttpCheckError, Refused } from "@effect-poll/http/HttpCheckError"
import type { RequestOptions } from "@effect-poll/http/RequestOptions"

const home = "https://api.example.com/tasks/1"

const TaskStatus = StatusSchema.fromField(Schema.Struct({ state: Schema.Literals(["busy", "done"]) }), "state", {
  busy: Status.pending(),
  done: Status.succeeded("done")
})

type Reply = (request: HttpClientRequest.HttpClientRequest, url: URL) => Response

/** A client that answers by URL, and keeps what it was asked. */
const serving = (replies: Readonly<Record<string, Reply>>) => {
  const requests: Array<HttpClientRequest.HttpClientRequest> = []
  const client = HttpClient.make((request, url) =>
    Effect.sync(() => {
      requests.push(request)
      const reply = replies[url.href] ?? (() => new Response("null"))
      return HttpClientResponse.fromWeb(request, reply(request, url))
    })
  )
  return { client, requests, sent: () => requests.map(({ method, url }) => `${method} ${url}`) }
}

const redirect =
  (location: string, status = 302): Reply =>
  () =>
    new Response(null, { status, headers: { location } })

const send = (
  client: HttpClient.HttpClient,
  options?: RequestOptions,
  request: HttpClientRequest.HttpClientRequest = HttpClientRequest.get(home)
) =>
  HttpCheck.send(request, Schema.Unknown, options).pipe(
    Effect.map(({ value }) => value),
    Effect.provideService(HttpClient.HttpClient, client)
  )

const refusal = (location: string, options?: RequestOptions, from = home) =>
  Effect.gen(function* () {
    const { client, requests } = serving({ [new URL(from).href]: redirect(location) })
    const error = yield* Effect.flip(send(client, options, HttpClientRequest.get(from)))
    assert.strictEqual(requests.length, 1)
    assert.deepStrictEqual(CheckError.kindOf(error), CheckError.permanent())
    return error.reason._tag === "Refused" ? error.reason : assert.fail(error.message)
  })

describe("RequestOptions", () => {
  describe("allowedOrigins", () => {
    const refused: ReadonlyArray<readonly [rule: Refused["rule"], location: string, shown: string]> = [
      ["origin", "https://evil.example/x?token=SECRET", "https://evil.example/x"],
      ["origin", "//evil.example/x", "https://evil.example/x"],
      ["origin", "https:\\\\evil.example\\x", "https://evil.example/x"],
      ["origin", "\t//evil.example/x", "https://evil.example/x"],
      ["origin", "/\\evil.example/x", "https://evil.example/x"],
      ["origin", "ht\ntps://evil.example/", "https://evil.example/"],
      ["origin", "https://api.example.com.evil.example/", "https://api.example.com.evil.example/"],
      ["origin", "https://api.example.com:8443/", "https://api.example.com:8443/"],
      ["origin", "https://api.example.com./", "https://api.example.com./"],
      ["origin", "https://ａｐｉ.evil.example/", "https://api.evil.example/"],
      ["origin", "https://api.example.com%2eevil.example/", "https://api.example.com.evil.example/"],
      ["origin", "https:///evil.example/", "https://evil.example/"],
      ["https", "http://api.example.com/tasks/1", "http://api.example.com/tasks/1"],
      ["https", "http://api.example.com:443/", "http://api.example.com:443/"],
      ["https", "HTTP://evil.example", "http://evil.example/"],
      ["userinfo", "https://user:SECRET@api.example.com/", "https://api.example.com/"],
      ["userinfo", "https://api.example.com@evil.example/", "https://evil.example/"],
      ["userinfo", "https://api.example.com:SECRET@evil.example/", "https://evil.example/"],
      ["userinfo", "https://:SECRET@evil.example/", "https://evil.example/"],
      ["userinfo", "https://a@b@evil.example/", "https://evil.example/"],
      ["scheme", "javascript:alert(SECRET)", "javascript:<hidden>"],
      ["scheme", "data:application/json,{}", "data:<hidden>"],
      ["scheme", "file:///etc/passwd", "file:<hidden>"],
      ["scheme", "ftp://user:SECRET@evil.example/", "ftp://evil.example/"],
      ["scheme", "blob:https://api.example.com/1", "blob:<hidden>"],
      ["scheme", "ws://api.example.com/", "ws://api.example.com/"],
      ["url", "https://[::1", "<not a URL>"],
      ["url", "https://", "<not a URL>"],
      ["url", "https://a b/", "<not a URL>"],
      ["url", "https://api.example.com:99999/", "<not a URL>"],
      ["url", "https://256.256.256.256/", "<not a URL>"]
    ]
    it.effect.each(refused)("same - refuses by the rule %s: %j", ([rule, location, shown]) =>
      Effect.gen(function* () {
        // As a header, so that what the server cannot send is not tested.
        const { client, requests } = serving({})
        const moved = HttpClient.transformResponse(
          client,
          Effect.map((response) =>
            Object.create(response, { status: { value: 302 }, headers: { value: { location } } })
          )
        )
        const error: HttpCheckError = yield* Effect.flip(send(moved))
        assert.deepStrictEqual(error.reason, { _tag: "Refused", rule, url: shown })
        assert.strictEqual(requests.length, 1)
        assert.notInclude(`${error.message} ${JSON.stringify(error)}`, "SECRET")
        assert.deepStrictEqual(CheckError.kindOf(error), CheckError.permanent())
      })
    )

    const privates = [
      "127.0.0.1",
      "127.1",
      "2130706433",
      "0x7f.1",
      "0177.0.0.1",
      "017700000001",
      "0x7f000001",
      "127.0.0.1.",
      "%EF%BC%91%EF%BC%92%EF%BC%97.0.0.1",
      "127.0.0.1%2e",
      "0",
      "0.0.0.0",
      "10.1.2.3",
      "100.64.0.1",
      "169.254.169.254",
      "172.16.0.1",
      "172.31.255.255",
      "192.168.0.1",
      "198.18.0.1",
      "224.0.0.1",
      "255.255.255.255",
      "[::]",
      "[::1]",
      "[0:0:0:0:0:0:0:1]",
      "[::ffff:127.0.0.1]",
      "[::ffff:a9fe:a9fe]",
      "[::ffff:0:10.0.0.1]",
      "[::127.0.0.1]",
      "[64:ff9b::10.0.0.1]",
      "[2002:a00:1::]",
      "[fc00::1]",
      "[fd12:3456::1]",
      "[fe80::1]",
      "[fec0::1]",
      "[ff02::1]",
      "localhost",
      "LOCALHOST.",
      "api.localhost",
      "metadata.google.internal",
      "printer.local"
    ]
    it.effect.each(privates)("any - refuses the private host %s", (host) =>
      Effect.gen(function* () {
        const reason = yield* refusal(`https://${host}/secret`, { allowedOrigins: "any" })
        assert.strictEqual(reason.rule, "private")
      })
    )

    it.effect.each(privates)("list - follows to the private host %s once it is listed", (host) =>
      Effect.gen(function* () {
        const { client, requests } = serving({ [home]: redirect(`https://${host}/result`) })
        yield* send(client, { allowedOrigins: [`https://${host}`] })
        assert.strictEqual(requests.length, 2)
      })
    )

    it.effect.each([
      "8.8.8.8",
      "172.15.0.1",
      "172.32.0.1",
      "[2606:4700::1111]",
      "[::ffff:8.8.8.8]",
      "localhost.example"
    ])("any - follows to the public host %s", (host) =>
      Effect.gen(function* () {
        const { client, requests } = serving({ [home]: redirect(`https://${host}/result`) })
        yield* send(client, { allowedOrigins: "any" })
        assert.strictEqual(requests.length, 2)
      })
    )

    it.effect("any - keeps https, also at the end of a chain", () =>
      Effect.gen(function* () {
        const { client, sent } = serving({
          "http://a.example/": redirect("https://b.example/"),
          "https://b.example/": redirect("http://c.example/x?y")
        })
        const request = HttpClientRequest.get("http://a.example/")
        const error = yield* Effect.flip(send(client, { allowedOrigins: "any" }, request))
        assert.deepStrictEqual(error.reason, { _tag: "Refused", rule: "https", url: "http://c.example/x" })
        assert.strictEqual(sent().length, 2)
      })
    )

    it.effect("list - refuses plain http under https, even if it is listed", () =>
      Effect.gen(function* () {
        const reason = yield* refusal("http://b.example/", { allowedOrigins: ["http://b.example"] })
        assert.strictEqual(reason.rule, "https")
      })
    )

    it.effect("same - follows a relative URL, the default port and a private home", () =>
      Effect.gen(function* () {
        const { client, sent } = serving({
          "http://127.0.0.1:3000/a": redirect("b?x=1"),
          "http://127.0.0.1:3000/b?x=1": redirect("//127.1:3000/c"),
          "http://127.0.0.1:3000/c": redirect("HTTP://0x7F.0.0.1:3000/d#e")
        })
        yield* send(client, undefined, HttpClientRequest.get("http://127.0.0.1:3000/a"))
        assert.deepStrictEqual(sent().at(-1), "GET http://127.0.0.1:3000/d")
        const other = serving({ [home]: redirect("https://api.example.com:443/b") })
        yield* send(other.client)
        assert.strictEqual(other.requests.length, 2)
      })
    )

    it.effect("same - refuses another port of a private home", () =>
      Effect.gen(function* () {
        const reason = yield* refusal("http://127.0.0.1:22/", undefined, "http://127.0.0.1:3000/a")
        assert.strictEqual(reason.rule, "private")
      })
    )

    it.effect("same - keeps the user of the first URL for a relative one", () =>
      Effect.gen(function* () {
        const { client, requests } = serving({ "https://u:p@api.example.com/a": redirect("/b") })
        yield* send(client, undefined, HttpClientRequest.get("https://u:p@api.example.com/a"))
        assert.strictEqual(requests[1]?.url, "https://u:p@api.example.com/b")
      })
    )

    it.effect("names method, rule and safe URL in the message", () =>
      Effect.gen(function* () {
        const { client } = serving({ [home]: redirect("https://evil.example/x?sig=SECRET") })
        const error = yield* Effect.flip(send(client))
        assert.strictEqual(
          error.message,
          `GET ${home}: the server named another origin, which allowedOrigins does not allow: https://evil.example/x`
        )
      })
    )

    it.each([
      ["sam", '"sam"'],
      ["https://a.example", '"https://a.example"'],
      [["a.example"], '"a.example"'],
      [["https://a.example/path"], '"https://a.example/path"'],
      [["https://u:SECRET@a.example"], '"https://a.example/"'],
      [["https://a.example?x"], '"https://a.example/"'],
      [["https://*.example"], '"https://*.example"'],
      [["ftp://a.example"], '"ftp://a.example/"'],
      [[""], '""'],
      [[7], "7"],
      [{}, "[object Object]"]
    ])("rejects %j", (allowedOrigins, shown) => {
      for (const make of [
        () => HttpCheck.send(HttpClientRequest.get(home), Schema.Unknown, { allowedOrigins: allowedOrigins as "any" }),
        () => HttpCheck.get(home, TaskStatus, { allowedOrigins: allowedOrigins as "any" })
      ]) {
        const error = thrown(make)
        assert.instanceOf(error, RangeError)
        assert.include(String(error), "allowedOrigins")
        assert.include(String(error), `got ${shown}`)
        assert.notInclude(String(error), "SECRET")
      }
    })
  })

  describe("credentials", () => {
    const request = HttpClientRequest.get(home).pipe(
      HttpClientRequest.setHeaders({
        Authorization: "Bearer SECRET",
        "Proxy-Authorization": "SECRET",
        Cookie: "SECRET",
        "X-Api-Key": "SECRET",
        "Api-Key": "SECRET",
        apikey: "SECRET",
        "Ocp-Apim-Subscription-Key": "SECRET",
        "X-Amz-Security-Token": "SECRET",
        "X-Auth-Token": "SECRET",
        "Private-Token": "SECRET",
        "X-Goog-Api-Key": "SECRET",
        "X-CSRF-Token": "SECRET",
        "Mcp-Session-Id": "SECRET",
        "X-Tenant": "SECRET",
        "X-Version": "3",
        "Idempotency-Key": "1"
      })
    )
    const options = { allowedOrigins: ["https://b.example"], secretHeaders: ["x-TENANT"] }

    it.effect("stay at home on a redirect; other headers do not", () =>
      Effect.gen(function* () {
        const { client, requests } = serving({ [home]: redirect("https://b.example/") })
        yield* send(client, options, request)
        assert.strictEqual(requests[0]?.headers["x-tenant"], "SECRET")
        assert.notInclude(Object.values(requests[1]!.headers).join(), "SECRET")
        assert.strictEqual(requests[1]?.headers["x-version"], "3")
        assert.strictEqual(requests[1]?.headers["idempotency-key"], "1")
        assert.strictEqual(requests[1]?.headers["accept"], "application/json")
      })
    )

    it.effect("are kept on a redirect within the origin", () =>
      Effect.gen(function* () {
        const { client, requests } = serving({ [home]: redirect("/b") })
        yield* send(client, undefined, request)
        assert.deepStrictEqual(requests[1]?.headers, requests[0]?.headers)
      })
    )

    it.effect("do not come back with a redirect from elsewhere", () =>
      Effect.gen(function* () {
        const { client, requests } = serving({
          [home]: redirect("https://b.example/"),
          "https://b.example/": redirect("https://api.example.com/delete-all")
        })
        yield* send(client, options, request)
        assert.strictEqual(requests[2]?.url, "https://api.example.com/delete-all")
        assert.notInclude(Object.values(requests[2]!.headers).join(), "SECRET")
      })
    )

    it.effect("that the client adds stay at home as well", () =>
      Effect.gen(function* () {
        const { client, requests } = serving({ [home]: redirect("https://b.example/") })
        let runs = 0
        const keyed = client.pipe(
          HttpClient.mapRequest(HttpClientRequest.setHeader("x-api-key", "SECRET")),
          HttpClient.mapRequestEffect((request) =>
            Effect.sync(() => {
              runs++
              return HttpClientRequest.bearerToken(request, "SECRET")
            })
          )
        )
        yield* send(keyed, options)
        assert.strictEqual(requests[0]?.headers["authorization"], "Bearer SECRET")
        assert.notInclude(Object.values(requests[1]!.headers).join(), "SECRET")
        assert.strictEqual(runs, 1)
      })
    )

    it.effect("of Authorization.client stay at home, and a 401 from elsewhere refreshes nothing", () =>
      Effect.gen(function* () {
        let refreshes = 0
        const authorization = yield* Authorization.make({
          token: Effect.succeed(Redacted.make("SECRET")),
          refresh: Effect.sync(() => refreshes++)
        })
        const { client, requests } = serving({
          [home]: redirect("https://b.example/"),
          "https://b.example/": () => new Response(null, { status: 401 })
        })
        const authorized = Authorization.client(client, authorization)
        const error = yield* Effect.flip(send(authorized, options))
        assert.strictEqual(error.reason._tag === "Status" ? error.reason.status : undefined, 401)
        assert.deepStrictEqual(
          requests.map(({ headers }) => headers["authorization"]),
          ["Bearer SECRET", undefined]
        )
        assert.strictEqual(refreshes, 0)
      })
    )

    it.effect("a token in a query is not handed on", () =>
      Effect.gen(function* () {
        const { client, requests } = serving({ [`${home}?key=SECRET`]: redirect("https://b.example/") })
        yield* send(client, options, HttpClientRequest.get(home, { urlParams: { key: "SECRET" } }))
        assert.strictEqual(requests[1]?.url, "https://b.example/")
        assert.strictEqual(requests[1]?.urlParams.params.length, 0)
      })
    )
  })

  describe("redirects", () => {
    const post = HttpClientRequest.post(home).pipe(HttpClientRequest.bodyJsonUnsafe({ a: 1 }))

    it.effect.each([
      [301, "POST", "GET", false],
      [302, "POST", "GET", false],
      [303, "POST", "GET", false],
      [307, "POST", "POST", true],
      [308, "POST", "POST", true],
      [301, "PUT", "PUT", true],
      [302, "DELETE", "DELETE", true],
      [303, "PUT", "GET", false],
      [303, "HEAD", "HEAD", false],
      [307, "GET", "GET", false]
    ] as const)("%d of a %s is followed by a %s (with its body: %s)", ([status, method, next, body]) =>
      Effect.gen(function* () {
        const { client, requests } = serving({ [home]: redirect("/b", status) })
        const request = HttpClientRequest.setMethod(
          method === "GET" || method === "HEAD" ? HttpClientRequest.get(home) : post,
          method
        )
        yield* send(client, undefined, request)
        assert.strictEqual(requests[1]?.method, next)
        assert.strictEqual(requests[1]?.body._tag === "Uint8Array", body && method !== "DELETE" ? true : body)
        assert.strictEqual(requests[1]?.headers["content-type"] !== undefined, body)
      })
    )

    it.effect.each([300, 304, 305, 306, 399])("%d is not followed", (status) =>
      Effect.gen(function* () {
        const { client, requests } = serving({ [home]: redirect("/b", status) })
        const error = yield* Effect.flip(send(client))
        assert.strictEqual(error.reason._tag === "Status" ? error.reason.status : undefined, status)
        assert.strictEqual(requests.length, 1)
      })
    )

    it.effect("without a Location is an answer", () =>
      Effect.gen(function* () {
        const { client } = serving({ [home]: () => new Response(null, { status: 302 }) })
        const error = yield* Effect.flip(send(client))
        assert.strictEqual(error.reason._tag === "Status" ? error.reason.status : undefined, 302)
      })
    )

    it.effect("a circle is named", () =>
      Effect.gen(function* () {
        const { client, requests } = serving({
          [home]: redirect("/b#x"),
          "https://api.example.com/b": redirect("/tasks/1?")
        })
        const { client: other } = serving({ [home]: redirect("#again") })
        const error = yield* Effect.flip(send(other))
        assert.deepStrictEqual(error.reason, { _tag: "Refused", rule: "loop", url: home })
        yield* send(client)
        // `/tasks/1?` is another URL than `/tasks/1`.
        assert.strictEqual(requests.length, 3)
      })
    )

    it.effect("a POST that is redirected to itself by 303 becomes a GET", () =>
      Effect.gen(function* () {
        const { client, sent } = serving({
          [home]: (request) =>
            request.method === "POST" ? redirect(home, 303)(request, new URL(home)) : new Response("1")
        })
        yield* send(client, undefined, post)
        assert.deepStrictEqual(sent(), [`POST ${home}`, `GET ${home}`])
      })
    )

    it.effect("ten are followed, the eleventh is refused", () =>
      Effect.gen(function* () {
        const hop = (last: number): Readonly<Record<string, Reply>> =>
          Object.fromEntries(
            Array.from({ length: last }, (_, n) => [`https://api.example.com/${n}`, redirect(`/${n + 1}`)])
          )
        const first = HttpClientRequest.get("https://api.example.com/0")
        const ten = serving(hop(10))
        yield* send(ten.client, undefined, first)
        assert.strictEqual(ten.requests.length, 11)
        const eleven = serving(hop(11))
        const error = yield* Effect.flip(send(eleven.client, undefined, first))
        assert.deepStrictEqual(error.reason, { _tag: "Refused", rule: "hops", url: "https://api.example.com/11" })
        assert.strictEqual(eleven.requests.length, 11)
      })
    )

    it.effect("of a client that follows by itself are judged by where they end", () =>
      Effect.gen(function* () {
        const following = (to: string) =>
          HttpClient.make((request) =>
            Effect.succeed(
              HttpClientResponse.fromWeb(request, Object.defineProperty(new Response("1"), "url", { value: to }))
            )
          )
        const error = yield* Effect.flip(send(following("https://evil.example/x?y")))
        assert.deepStrictEqual(error.reason, { _tag: "Refused", rule: "origin", url: "https://evil.example/x" })
        assert.strictEqual(yield* send(following("https://api.example.com/other")), 1)
        assert.strictEqual(yield* send(following("https://b.example/"), { allowedOrigins: "any" }), 1)
      })
    )
  })

  describe("caches", () => {
    const asked = (
      use: (client: HttpClient.HttpClient) => Effect.Effect<unknown, HttpCheckError>,
      given?: RequestInit
    ) =>
      Effect.gen(function* () {
        const inits: Array<RequestInit> = []
        const fetch = ((_: unknown, init: RequestInit) => {
          inits.push(init)
          return Promise.resolve(new Response('{"state":"busy"}'))
        }) as typeof globalThis.fetch
        const layer = Layer.provide(FetchHttpClient.layer, [
          Layer.succeed(FetchHttpClient.Fetch, fetch),
          given === undefined ? Layer.empty : Layer.succeed(FetchHttpClient.RequestInit, given)
        ])
        yield* Effect.flatMap(HttpClient.HttpClient, use).pipe(Effect.provide(layer))
        return inits[0]!
      })

    const check = (client: HttpClient.HttpClient, request = HttpClientRequest.get(home)) =>
      HttpCheck.make(request, TaskStatus).pipe(Effect.provideService(HttpClient.HttpClient, client))

    const header = (init: RequestInit) => new Headers(init.headers).get("cache-control")

    it.effect("a check asks past them: fetch by its option, and by a header outside of pages", () =>
      Effect.gen(function* () {
        const init = yield* asked((client) => check(client))
        assert.strictEqual(init.cache, "no-store")
        assert.strictEqual(header(init), "no-cache")
        assert.strictEqual(init.redirect, "manual")
      })
    )

    it.effect("a check keeps the options of the client", () =>
      Effect.gen(function* () {
        const init = yield* asked((client) => check(client), {
          credentials: "include",
          cache: "reload",
          redirect: "error"
        })
        assert.strictEqual(init.credentials, "include")
        assert.strictEqual(init.cache, "reload")
        assert.strictEqual(init.redirect, "error")
      })
    )

    it.effect("options of the client in a wrapped client and for one request are kept", () =>
      Effect.gen(function* () {
        const authorization = yield* Authorization.make({ token: Effect.succeed(Redacted.make("t")) })
        const init = yield* asked(
          (client) => check(HttpClient.retry(Authorization.client(client, authorization), { times: 1 })),
          { credentials: "include" }
        )
        assert.strictEqual(init.credentials, "include")
        assert.strictEqual(new Headers(init.headers).get("authorization"), "Bearer t")
        const here = yield* asked((client) =>
          Effect.provideService(check(client), FetchHttpClient.RequestInit, { credentials: "omit" })
        )
        assert.strictEqual(here.credentials, "omit")
        assert.strictEqual(here.cache, "no-store")
      })
    )

    it.effect("a cache-control header of the request counts alone", () =>
      Effect.gen(function* () {
        const init = yield* asked((client) =>
          check(client, HttpClientRequest.setHeader(HttpClientRequest.get(home), "cache-control", "max-age=5"))
        )
        assert.strictEqual(init.cache, undefined)
        assert.strictEqual(header(init), "max-age=5")
      })
    )

    it.effect("a submit asks nothing of caches", () =>
      Effect.gen(function* () {
        const init = yield* asked((client) => send(client))
        assert.strictEqual(init.cache, undefined)
        assert.strictEqual(header(init), null)
      })
    )

    it.effect("in a page a check sends no header that needs a preflight", () =>
      Effect.gen(function* () {
        const init = yield* inPage(asked((client) => check(client)))
        assert.strictEqual(init.cache, "no-store")
        assert.strictEqual(init.redirect, undefined)
        assert.deepStrictEqual(Object.keys(init.headers ?? {}), ["accept"])
      })
    )
  })

  describe("maxBody", () => {
    const big = JSON.stringify("x".repeat(998))
    const chunked = (text: string) =>
      new ReadableStream({
        start: (controller) => {
          for (let at = 0; at < text.length; at += 100)
            controller.enqueue(new TextEncoder().encode(text.slice(at, at + 100)))
          controller.close()
        }
      })
    const bodies: ReadonlyArray<readonly [string, () => Response]> = [
      ["in chunks", () => new Response(chunked(big))],
      ["with its length", () => new Response(big, { headers: { "content-length": "1000" } })],
      [
        "with the length of its compressed form",
        () => new Response(chunked(big), { headers: { "content-length": "10", "content-encoding": "gzip" } })
      ],
      ["with a length that is none", () => new Response(chunked(big), { headers: { "content-length": "-1" } })]
    ]
    it.effect.each(bodies)("a body %s is read up to the limit and no further", ([, reply]) =>
      Effect.gen(function* () {
        const { client } = serving({ [home]: reply })
        assert.strictEqual(yield* send(client, { maxBody: 1000 }), "x".repeat(998))
        assert.strictEqual(yield* send(client, { maxBody: "unbounded" }), "x".repeat(998))
        const error = yield* Effect.flip(send(client, { maxBody: ByteSize.bytes(999) }))
        assert.deepStrictEqual(error.reason, { _tag: "TooLarge", status: 200, maxBytes: 999 })
        assert.deepStrictEqual(CheckError.kindOf(error), CheckError.permanent())
        assert.strictEqual(error.message, `GET ${home}: 200 with a body of more than 999 bytes (option maxBody)`)
      })
    )

    it.effect("the body of a refusal is cut, and the status kept", () =>
      Effect.gen(function* () {
        const { client } = serving({ [home]: () => new Response(chunked(big), { status: 409 }) })
        const seen: Array<string> = []
        const error = yield* Effect.flip(
          HttpCheck.get(home, TaskStatus, {
            maxBody: "1 kB",
            interpret: ({ text }) => {
              seen.push(text)
              return undefined
            }
          }).pipe(Effect.provideService(HttpClient.HttpClient, client))
        )
        assert.strictEqual(seen[0]?.length, 1000)
        const { client: endless } = serving({ [home]: () => new Response(endlessBody().stream, { status: 503 }) })
        const other = yield* Effect.flip(send(endless, { maxBody: 5000 }))
        assert.strictEqual(other.reason._tag === "Status" ? other.reason.status : undefined, 503)
        assert.strictEqual(error.reason._tag === "Status" ? error.reason.status : undefined, 409)
      })
    )

    it.effect("an endless body is aborted, not drained", () =>
      Effect.gen(function* () {
        const body = endlessBody()
        const { client } = serving({ [home]: () => new Response(body.stream) })
        const error = yield* Effect.flip(send(client, { maxBody: 10_000 }))
        assert.strictEqual(error.reason._tag, "TooLarge")
        assert.isTrue(body.canceled())
        assert.isBelow(body.chunks(), 20)
      })
    )

    it.effect("the default is 8 MiB", () =>
      Effect.gen(function* () {
        const text = (bytes: number) => JSON.stringify("x".repeat(bytes - 2))
        const { client } = serving({ [home]: () => new Response(text(8 * 1024 * 1024)) })
        yield* send(client)
        const { client: larger } = serving({ [home]: () => new Response(text(8 * 1024 * 1024 + 1)) })
        const error = yield* Effect.flip(send(larger))
        assert.strictEqual(error.reason._tag, "TooLarge")
      })
    )

    it.effect("text is decoded across chunks", () =>
      Effect.gen(function* () {
        const bytes = new TextEncoder().encode('"ä€😀"')
        const one = () =>
          new ReadableStream({
            start: (controller) => {
              for (const byte of bytes) controller.enqueue(Uint8Array.of(byte))
              controller.close()
            }
          })
        const { client } = serving({ [home]: () => new Response(one()) })
        assert.strictEqual(yield* send(client), "ä€😀")
      })
    )

    it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, "", "8", "8 mib", "-1 MiB", null, {}])(
      "rejects %j",
      (maxBody) => {
        const error = thrown(() => HttpCheck.get(home, TaskStatus, { maxBody: maxBody as number }))
        assert.instanceOf(error, RangeError)
        assert.match(String(error), /maxBody must be a size of at least 1 byte such as "8 MiB", or "unbounded", got/)
      }
    )
  })

  describe("depth", () => {
    const nested = (depth: number) => `${"[".repeat(depth)}${"]".repeat(depth)}`

    it.effect("JSON of 512 levels is read, of 513 it is too deep", () =>
      Effect.gen(function* () {
        const { client } = serving({ [home]: () => new Response(nested(512)) })
        assert.isArray(yield* send(client))
        for (const text of [
          nested(513),
          '{"a":'.repeat(513) + "1" + "}".repeat(513),
          nested(200_000),
          "[".repeat(3_000)
        ]) {
          const { client } = serving({ [home]: () => new Response(text) })
          const error = yield* Effect.flip(send(client))
          assert.deepStrictEqual(error.reason, { _tag: "TooDeep", status: 200, maxDepth: 512 })
          assert.deepStrictEqual(CheckError.kindOf(error), CheckError.permanent())
        }
      })
    )

    it.effect("brackets in strings do not count, whatever escapes stand there", () =>
      Effect.gen(function* () {
        for (const text of [
          JSON.stringify("[".repeat(2_000)),
          JSON.stringify(['\\"', "[".repeat(2_000), '"\\', "{".repeat(2_000)]),
          JSON.stringify(Array.from({ length: 2_000 }, () => [{}])),
          JSON.stringify({ "[[[": `${"\\".repeat(1_001)}"${"[".repeat(2_000)}` })
        ]) {
          const { client } = serving({ [home]: () => new Response(text) })
          assert.deepStrictEqual(yield* send(client), JSON.parse(text))
        }
        const hidden = `["\\\\",${nested(600)}]`
        const { client } = serving({ [home]: () => new Response(hidden) })
        const error = yield* Effect.flip(send(client))
        assert.strictEqual(error.reason._tag, "TooDeep")
      })
    )

    it.effect("the status of a refusal is kept", () =>
      Effect.gen(function* () {
        const { client } = serving({ [home]: () => new Response(nested(9_000), { status: 400 }) })
        const error = yield* Effect.flip(send(client))
        assert.strictEqual(error.reason._tag === "Status" ? error.reason.status : undefined, 400)
      })
    )

    it.effect("what parse makes is bounded as well, circles and common parts too", () =>
      Effect.gen(function* () {
        const { client } = serving({})
        const error = yield* Effect.flip(send(client, { parse: () => JSON.parse(nested(513)) }))
        assert.strictEqual(error.reason._tag, "TooDeep")
        assert.isArray(yield* send(client, { parse: () => JSON.parse(nested(512)) }))
        const circle: Array<unknown> = []
        circle.push(circle, circle)
        assert.strictEqual(yield* send(client, { parse: () => circle }), circle)
      })
    )
  })

  describe("parse", () => {
    it.effect("reads what JSON.parse does not", () =>
      Effect.gen(function* () {
        const { client } = serving({ [home]: () => new Response(`)]}'\n{"loss": NaN}`) })
        const parse = (text: string) => JSON.parse(text.replace(")]}'", "").replace("NaN", "null"))
        assert.deepStrictEqual(yield* send(client, { parse }), { loss: null })
        const error = yield* Effect.flip(send(client))
        assert.strictEqual(error.reason._tag, "NotJson")
      })
    )

    it.effect("a SyntaxError is a body that is not JSON, anything else is an error of the reader", () =>
      Effect.gen(function* () {
        const { client } = serving({ [home]: () => new Response("<html>") })
        const page = yield* Effect.flip(send(client, { parse: JSON.parse }))
        assert.strictEqual(page.reason._tag, "NotJson")
        const error = yield* Effect.flip(
          send(client, {
            parse: () => {
              throw new TypeError("SECRET")
            }
          })
        )
        assert.strictEqual(error.reason._tag === "Reader" ? error.reason.reader : undefined, "parse")
        assert.notInclude(`${error.message} ${JSON.stringify(error)}`, "SECRET")
        assert.deepStrictEqual(CheckError.kindOf(error), CheckError.permanent())
      })
    )
  })

  describe("transport errors", () => {
    const failing = (cause: unknown, description?: string) =>
      HttpClient.make((request) =>
        Effect.fail(
          new HttpClientError.HttpClientError({
            reason: new HttpClientError.TransportError({
              request,
              cause,
              ...(description === undefined ? {} : { description })
            })
          })
        )
      )
    const request = HttpClientRequest.get(
      "https://u:hunter22@api.example.com/signals/s3cr3t-path?sig=querysecret"
    ).pipe(HttpClientRequest.bearerToken("tokensecret"), HttpClientRequest.setUrlParam("more", "paramsecret"))
    const detail = (cause: unknown, description?: string) =>
      Effect.map(
        Effect.flip(send(failing(cause, description), { shownUrl: "/signals" }, request)),
        ({ message, reason }) => {
          assert.isFalse(/hunter22|s3cr3t-path|querysecret|tokensecret|paramsecret/.test(message), message)
          return reason._tag === "Transport" ? reason : assert.fail(reason._tag)
        }
      )

    it.effect("are named by the innermost message and code", () =>
      Effect.gen(function* () {
        const reason = yield* detail(
          new TypeError("fetch failed", {
            cause: Object.assign(new Error("Invalid character in chunk size"), { code: "HPE_INVALID_CHUNK_SIZE" })
          })
        )
        assert.strictEqual(reason.code, "HPE_INVALID_CHUNK_SIZE")
        assert.strictEqual(reason.detail, "Invalid character in chunk size")
      })
    )

    it.effect("of several addresses name the first", () =>
      Effect.gen(function* () {
        const reason = yield* detail(
          new TypeError("fetch failed", {
            cause: Object.assign(
              new AggregateError(
                [Object.assign(new Error("connect ECONNREFUSED ::1:1"), { code: "ECONNREFUSED" })],
                ""
              ),
              { code: "ECONNREFUSED" }
            )
          })
        )
        assert.strictEqual(reason.detail, "connect ECONNREFUSED ::1:1")
      })
    )

    it.effect("show no URL, header or parameter", () =>
      Effect.gen(function* () {
        const reason = yield* detail(
          new Error(
            "GET https://u:hunter22@api.example.com/signals/s3cr3t-path?sig=querysecret failed: header Bearer tokensecret, more=paramsecret at /signals/s3cr3t-path"
          )
        )
        assert.strictEqual(reason.detail, "GET ... failed: header ..., more=... at ...")
      })
    )

    it.effect("are cut at 200 characters, on one line", () =>
      Effect.gen(function* () {
        const reason = yield* detail(new Error(`line 1\n\u001b[31mline\u0000 2\u202e ${"x".repeat(10_000)}`))
        assert.strictEqual(reason.detail?.length, 200)
        assert.match(reason.detail!, /^line 1 \\u001b\[31mline\\u0000 2\\u202e x+\.\.\.$/)
      })
    )

    it.effect("without a message keep the code, or the words of the client", () =>
      Effect.gen(function* () {
        assert.strictEqual((yield* detail(Object.assign(new Error(""), { code: "E1" }))).detail, undefined)
        assert.strictEqual((yield* detail(undefined, "no upgrade")).detail, "no upgrade")
        assert.strictEqual((yield* detail("plain text")).detail, "plain text")
        const circular: { cause?: unknown; message: string } = { message: "round" }
        circular.cause = circular
        assert.strictEqual((yield* detail(circular)).detail, "round")
      })
    )
  })
})

/** What a function throws. */
const thrown = (f: () => unknown): unknown => {
  try {
    f()
  } catch (error) {
    return error
  }
  return undefined
}

/** Runs an Effect where the environment says that it is a browser. */
const inPage = <A, E, R>(effect: Effect.Effect<A, E, R>) => {
  const own = Object.getOwnPropertyDescriptor(globalThis, "navigator")!
  return Effect.acquireUseRelease(
    Effect.sync(() =>
      Object.defineProperty(globalThis, "navigator", { value: { userAgent: "Mozilla/5.0" }, configurable: true })
    ),
    () => effect,
    () => Effect.sync(() => Object.defineProperty(globalThis, "navigator", own))
  )
}

/** A body of chunks of 1,000 bytes that has no end. */
const endlessBody = () => {
  let chunks = 0
  let canceled = false
  const stream = new ReadableStream({
    pull: (controller) => {
      chunks++
      controller.enqueue(new Uint8Array(1_000).fill(0x20))
    },
    cancel: () => {
      canceled = true
    }
  })
  return { stream, chunks: () => chunks, canceled: () => canceled }
}
