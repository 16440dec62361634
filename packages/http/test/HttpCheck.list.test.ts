import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as CheckContext from "effect-poll/CheckContext"
import * as CheckError from "effect-poll/CheckError"
import * as CheckResult from "effect-poll/CheckResult"
import * as Job from "effect-poll/Job"
import * as Poller from "effect-poll/Poller"
import * as Status from "effect-poll/Status"
import * as StatusSchema from "effect-poll/StatusSchema"
import * as Strategy from "effect-poll/Strategy"
import * as HintReader from "@effect-poll/http/HintReader"
import * as HttpCheck from "@effect-poll/http/HttpCheck"
import * as Interpretation from "@effect-poll/http/Interpretation"
import { answering, inWords } from "./answering.ts"

const TaskStatus = StatusSchema.fromField(
  Schema.Struct({ state: Schema.Literals(["busy", "done"]), size: Schema.optionalKey(Schema.Finite) }),
  "state",
  { busy: Status.pending(), done: (task) => Status.succeeded(task.size) }
)

const url = "http://h/tasks"
const standard = { items: "tasks", key: "id", status: TaskStatus }
type Options = HttpCheck.ListOptions<string, number | undefined, never, never, unknown, unknown>

const listed = (answer: () => Response, keys: ReadonlyArray<string>, options: Partial<Options> = {}) =>
  answering(answer).provide(
    HttpCheck.list<number | undefined, never, never, unknown, unknown>(HttpClientRequest.get(url), {
      ...standard,
      ...options
    })(keys, new Map())
  )

/** What a list says of each key, in a few words. */
const words = (answer: () => Response, keys: ReadonlyArray<string>, options?: Partial<Options>) =>
  Effect.flatMap(listed(answer, keys, options), ({ results }) =>
    Effect.all(
      Object.fromEntries(Array.from(results, ([key, result]) => [key, inWords(Effect.fromResult(result))] as const))
    )
  )

const tasks =
  (...list: ReadonlyArray<unknown>) =>
  () =>
    Response.json({ tasks: list })

describe("items and keys", () => {
  const rows: ReadonlyArray<
    readonly [
      name: string,
      answer: () => Response,
      keys: ReadonlyArray<string>,
      options: Partial<Options>,
      expected: Record<string, string>
    ]
  > = [
    [
      "several jobs",
      tasks({ id: "a", state: "busy" }, { id: "b", state: "done" }),
      ["a", "b"],
      {},
      { a: "Pending busy", b: "Succeeded done" }
    ],
    ["jobs of others", tasks({ id: "x", state: "busy" }, { id: "a", state: "busy" }), ["a"], {}, { a: "Pending busy" }],
    ["an absent job", tasks({ id: "a", state: "busy" }), ["a", "b"], {}, { a: "Pending busy" }],
    ["no jobs", tasks(), ["a"], {}, {}],
    ["null for no jobs", () => Response.json({ tasks: null }), ["a"], {}, {}],
    ["numeric ids", tasks({ id: 7, state: "busy" }), ["7", "07"], {}, { 7: "Pending busy" }],
    [
      "an unlisted state",
      tasks({ id: "a", state: "odd" }, { id: "b", state: "busy" }),
      ["a", "b"],
      {},
      { a: "UnknownState odd", b: "Pending busy" }
    ],
    [
      "an item that the Schema rejects",
      tasks({ id: "a", state: "done", size: "SECRET" }, { id: "b", state: "busy" }),
      ["a", "b"],
      {},
      { a: `Permanent | GET ${url}: 200 with unexpected JSON: Expected number at ["size"]`, b: "Pending busy" }
    ],
    [
      "items without an id",
      tasks(null, 7, "a", {}, { id: null }, { id: "" }, { id: {} }, { id: "a", state: "busy" }),
      ["a", ""],
      {},
      { a: "Pending busy" }
    ],
    ["an item twice", tasks({ id: "a", state: "busy" }, { id: "a", state: "busy" }), ["a"], {}, { a: "Pending busy" }],
    ["two items that differ", tasks({ id: "a", state: "busy" }, { id: "a", state: "done" }), ["a"], {}, {}],
    [
      "the body itself",
      () => Response.json([{ id: "a", state: "busy" }]),
      ["a"],
      { items: undefined },
      { a: "Pending busy" }
    ],
    [
      "an inner array",
      () => Response.json({ data: { list: [{ id: "a", state: "busy" }] } }),
      ["a"],
      { items: "data.list" },
      { a: "Pending busy" }
    ],
    ["an inner id", tasks({ meta: { id: "a" }, state: "busy" }), ["a"], { key: "meta.id" }, { a: "Pending busy" }],
    [
      "items by a function",
      () => Response.json({ a: { state: "busy" } }),
      ["a"],
      {
        items: (body) =>
          Object.entries(body as object).map(([id, task]: [string, { state: string }]) => ({ id, state: task.state }))
      },
      { a: "Pending busy" }
    ],
    [
      "ids by a function",
      tasks({ name: "tasks/a", state: "busy" }),
      ["a"],
      { key: (item) => (item as { name: string }).name.slice(6) },
      { a: "Pending busy" }
    ],
    [
      "an id that throws for one item",
      tasks({}, { name: "tasks/a", state: "busy" }),
      ["a"],
      { key: (item) => (item as { name: string }).name.slice(6) },
      { a: "Pending busy" }
    ],
    [
      "an item that is not complete",
      tasks({ id: "a", state: "done" }, { id: "b", state: "done", size: 1 }),
      ["a", "b"],
      { isComplete: (item) => "size" in (item as object) },
      { b: "Succeeded done" }
    ],
    [
      "runs",
      tasks({ id: "a", state: "busy", run: "r1" }),
      ["a"],
      { run: (item) => ({ run: (item as { run: string }).run }) },
      { a: 'Pending busy | run {"run":"r1"}' }
    ],
    [
      "a run that throws for one item",
      tasks({ id: "a", state: "busy", run: { id: "r1" } }, { id: "b", state: "busy" }),
      ["a", "b"],
      { run: (item) => ({ run: (item as { run: { id: string } }).run.id }) },
      { a: 'Pending busy | run {"run":"r1"}', b: `Permanent | GET ${url}: the function of the option run threw` }
    ],
    [
      "a 202 with items",
      () => Response.json({ tasks: [{ id: "a", state: "busy" }] }, { status: 202 }),
      ["a"],
      {},
      { a: "Pending busy" }
    ]
  ]
  it.effect.each(rows)("list - reads %s", ([_, answer, keys, options, expected]) =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* words(answer, keys, options), expected)
    })
  )

  it.effect("list - a key that is a name of every object", () =>
    Effect.gen(function* () {
      const { results } = yield* listed(tasks({ id: "__proto__", state: "busy" }), ["__proto__", "constructor"])
      assert.deepStrictEqual(Array.from(results.keys()), ["__proto__"])
    })
  )
})

describe("answers without items", () => {
  const rows: ReadonlyArray<
    readonly [name: string, answer: () => Response, options: Partial<Options>, expected: string]
  > = [
    [
      "an error object",
      () => Response.json({ error: "no such project" }),
      {},
      `Permanent | GET ${url}: 200 with unexpected JSON: Expected array at ["tasks"]`
    ],
    [
      "an object for an array",
      () => Response.json({ tasks: {} }),
      {},
      `Permanent | GET ${url}: 200 with unexpected JSON: Expected array at ["tasks"]`
    ],
    [
      "no array",
      () => Response.json({}),
      { items: undefined },
      `Permanent | GET ${url}: 200 with unexpected JSON: Expected array`
    ],
    [
      "a function that finds none",
      () => Response.json({}),
      { items: () => undefined },
      `Permanent | GET ${url}: 200 with unexpected JSON: Expected array`
    ],
    [
      "a function that throws",
      () => Response.json({}),
      {
        items: () => {
          throw new Error("SECRET")
        }
      },
      `Permanent | GET ${url}: the function of the option items threw`
    ],
    [
      "a function that yields no list",
      () => Response.json({}),
      { items: () => 7 as never },
      `Permanent | GET ${url}: the function of the option items threw`
    ],
    [
      "an id that throws for every item",
      tasks({}),
      {
        key: () => {
          throw new Error("SECRET")
        }
      },
      `Permanent | GET ${url}: the function of the option key threw`
    ],
    [
      "a page",
      () => new Response("<html>"),
      {},
      `Transient | GET ${url}: 200 with a body that is not JSON (text/plain)`
    ],
    ["nothing", () => new Response(null, { status: 204 }), {}, `Transient | GET ${url}: 204 with an empty body`],
    ["a 404", () => new Response("{}", { status: 404 }), {}, `Permanent | GET ${url}: 404`],
    [
      "a 404 of a proxy",
      () => new Response("<html>", { status: 404, headers: { "content-type": "text/html" } }),
      {},
      `Transient | GET ${url}: 404 with a body that is not JSON (text/html)`
    ],
    [
      "a 429",
      () => new Response("{}", { status: 429, headers: { "retry-after": "7" } }),
      {},
      `Throttled | 7000 | GET ${url}: 429`
    ],
    [
      "a 400 with a code",
      () => Response.json({ code: "ThrottlingException" }, { status: 400 }),
      {},
      `Throttled | GET ${url}: 400`
    ],
    ["a 500", () => new Response("{}", { status: 500 }), {}, `Transient | GET ${url}: 500`],
    ["a 401", () => new Response("{}", { status: 401 }), {}, `Permanent | GET ${url}: 401`],
    [
      "the server's words",
      () => Response.json({ message: "no" }, { status: 400 }),
      { reason: true },
      `Permanent | GET ${url}: 400: no`
    ]
  ]
  it.effect.each(rows)("list - %s fails the whole request", ([_, answer, options, expected]) =>
    Effect.gen(function* () {
      assert.strictEqual(yield* inWords(Effect.as(listed(answer, ["a"], options), Status.pending())), expected)
    })
  )
})

describe("hints, requests and interpret", () => {
  it.effect("list - the hint of the answer is that of the request", () =>
    Effect.gen(function* () {
      const answer = () =>
        Response.json({ wait: 3, tasks: [{ id: "a", state: "busy" }] }, { headers: { "retry-after": "7" } })
      assert.deepStrictEqual((yield* listed(answer, ["a"])).hint, Duration.seconds(7))
      const hint = HintReader.field("wait", "seconds")
      assert.deepStrictEqual((yield* listed(answer, ["a"], { hint })).hint, Duration.seconds(3))
      assert.isUndefined((yield* listed(tasks(), ["a"])).hint)
    })
  )

  it.effect("list - makes the request of the keys and their contexts", () =>
    Effect.gen(function* () {
      const { provide, requests } = answering(tasks({ id: "a", state: "busy" }))
      const contexts = new Map([["a", CheckContext.make({ cursor: "c1" })]])
      const byUrl = HttpCheck.list((ids, of) => `${url}?ids=${ids.join()}&from=${of.get("a")?.cursor}`, standard)
      yield* provide(byUrl(["a", "b"], contexts))
      const byRequest = HttpCheck.list((ids) => HttpClientRequest.post(`${url}/${ids.length}`), standard)
      yield* provide(byRequest(["a", "b"], contexts))
      const byEffect = HttpCheck.list(Effect.succeed(HttpClientRequest.put(url)), standard)
      yield* provide(byEffect(["a"], contexts))
      assert.deepStrictEqual(
        requests.map((request) => `${request.method} ${request.url}`),
        [`GET ${url}?ids=a,b&from=c1`, `POST ${url}/2`, `PUT ${url}`]
      )
      const failing = HttpCheck.list(() => Effect.fail("no token" as const), standard)
      assert.strictEqual(yield* Effect.flip(provide(failing(["a"], contexts))), "no token")
    })
  )

  it.effect("list - no keys send no request", () =>
    Effect.gen(function* () {
      const { provide, requests } = answering(tasks())
      const { results } = yield* provide(HttpCheck.list(HttpClientRequest.get(url), standard)([], new Map()))
      assert.strictEqual(results.size + requests.length, 0)
    })
  )

  it.effect("list - keys with a codec are found by their ids", () =>
    Effect.gen(function* () {
      const { provide } = answering(tasks({ id: 7, state: "busy" }))
      const check = HttpCheck.list((_: ReadonlyArray<{ readonly n: number }>) => url, {
        ...standard,
        keys: { encode: (key) => `n=${key.n}`, idOf: (key) => String(key.n) }
      })
      const { results } = yield* provide(check([{ n: 7 }, { n: 8 }], new Map()))
      assert.deepStrictEqual(Array.from(results), [["n=7", Result.succeed(Status.pending({ state: "busy" }))]])
    })
  )

  it.effect("interpret - a result holds for every key, decode reads the items whatever the status", () =>
    Effect.gen(function* () {
      const interpret = Interpretation.rules(
        [{ status: 404 }, CheckResult.missing],
        [{ status: 207 }, Interpretation.permanent({ reason: "partly" })],
        [{ status: 422 }, Interpretation.decode],
        [{ body: { error: "busy" } }, Interpretation.transient()]
      )
      const of = (status: number, body: unknown) =>
        words(() => Response.json(body, { status }), ["a", "b"], { interpret })
      assert.deepStrictEqual(yield* of(404, {}), { a: "Missing", b: "Missing" })
      assert.deepStrictEqual(yield* of(422, { tasks: [{ id: "a", state: "busy" }] }), { a: "Pending busy" })
      assert.strictEqual((yield* Effect.flip(of(207, {}))).message, `GET ${url}: 207: partly`)
      const busy = yield* Effect.flip(of(200, { error: "busy" }))
      assert.strictEqual(CheckError.kindOf(busy)._tag, "Transient")
    })
  )

  it("list - bad options are RangeErrors at the call", () => {
    const make = (options: Partial<Options>) => () =>
      HttpCheck.list(HttpClientRequest.get(url), { ...standard, ...options })
    assert.throws(make({ items: "" }), RangeError, "HttpCheck.list: items")
    assert.throws(make({ key: " " }), RangeError, "HttpCheck.list: key")
    assert.throws(make({ maxBody: 0 }), RangeError, "HttpCheck.list: maxBody")
  })

  it.effect("add - a Poller obeys the hint of a list for all its keys", () =>
    Effect.gen(function* () {
      const times: Array<number> = []
      const client = answering(() =>
        Response.json(
          { tasks: [1, 2].map((id) => ({ id, state: times.length > 1 ? "done" : "busy", size: id })) },
          { headers: { "retry-after": "30" } }
        )
      )
      const Tasks = Job.make("task", {
        check: () => Effect.die("no key is checked alone"),
        checkMany: {
          check: (keys: ReadonlyArray<string>, contexts) =>
            Effect.andThen(
              Effect.clockWith((clock) => Effect.sync(() => times.push(clock.currentTimeMillisUnsafe()))),
              HttpCheck.list(HttpClientRequest.get(url), standard)(keys, contexts)
            ),
          max: 10
        },
        strategy: Strategy.spaced("1 second")
      })
      const poller = yield* client.provide(Poller.make())
      const results = yield* Effect.forkChild(
        client.provide(
          Effect.forEach(["1", "2"], (id) => poller.until(Tasks, id, { deadline: "1 hour" }), {
            concurrency: "unbounded"
          })
        )
      )
      yield* TestClock.adjust("5 minutes")
      assert.deepStrictEqual(yield* Fiber.join(results), [1, 2])
      assert.isAtLeast(times[1]! - times[0]!, 30_000)
    })
  )
})
