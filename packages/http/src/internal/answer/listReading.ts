import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import type * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { CheckContext } from "effect-poll/CheckContext"
import * as CheckResult from "effect-poll/CheckResult"
import type { CheckManyAnswer } from "effect-poll/Job"
import type { HttpCheckError } from "../../HttpCheckError.ts"
import type { ListKeys, ListOptions, ListRequest } from "../../HttpCheckOptions.ts"
import {
  decodeWith,
  execute,
  type Fail,
  failFor,
  isOk,
  notJsonReason,
  type ReceivedAnswer,
  statusReason
} from "../request/httpRequest.ts"
import { interpretAnswer, readerReason, readWith } from "./interpretation.ts"
import { at } from "../json.ts"
import { isPage, prepare } from "./checkReading.ts"
import type { RequestPolicy } from "../request/requestPolicy.ts"
import { isThrottled } from "./throttling.ts"
import * as validate from "../validate.ts"

// One request for the status of many jobs.

/** Makes the check of a `checkMany`. */
export const make = <K, A, F, RD, A2, F2, E2, R2, E, R>(
  request: ListRequest<K, E, R>,
  options: ListOptions<K, A, F, RD, A2, F2, E2, R2> & { readonly keys?: ListKeys<K> | undefined },
  policy: RequestPolicy
) => {
  const list = listOf(options)
  const ask = (made: HttpClientRequest.HttpClientRequest, wanted: ReadonlyArray<Wanted<K>>) => {
    const fail = failFor(made, policy.shownUrl)
    return Effect.flatMap(execute(made, fail, { policy, fresh: true }), (received) =>
      Effect.flatMap(prepare(options, received, fail, undefined), (answer) => read(list, wanted, answer, fail))
    )
  }
  return (
    keys: ReadonlyArray<K>,
    contexts: ReadonlyMap<string, CheckContext>
  ): Effect.Effect<
    CheckManyAnswer<A | A2, F | F2, HttpCheckError>,
    HttpCheckError | E | E2,
    HttpClient.HttpClient | RD | R | R2
  > => {
    if (keys.length === 0) return Effect.succeed({ results: new Map() })
    // Before the request, so that a key that cannot be encoded sends none.
    const wanted = keys.map((key): Wanted<K> => ({ key, encoded: list.encode(key), id: list.idOf(key) }))
    const made = typeof request === "function" ? request(keys, contexts) : request
    if (Effect.isEffect(made)) return Effect.flatMap(made, (each) => ask(each, wanted))
    return ask(typeof made === "string" ? HttpClientRequest.get(made) : made, wanted)
  }
}

// ---- internal ----

/** A job whose status is asked for. */
interface Wanted<K> {
  readonly key: K
  readonly encoded: string
  readonly id: string
}

type ItemsOf = (body: unknown) => Iterable<unknown> | null | undefined

/** How a list is read. */
interface List<K, A, F, RD, A2, F2, E2, R2> {
  readonly options: ListOptions<K, A, F, RD, A2, F2, E2, R2>
  readonly itemsOf: ItemsOf
  /** What an answer without items lacks. */
  readonly issue: string
  readonly keyOf: (item: unknown) => unknown
  readonly encode: (key: K) => string
  readonly idOf: (key: K) => string
  readonly decode: (item: unknown) => Effect.Effect<CheckResult.CheckResult<A, F>, Schema.SchemaError, RD>
}

const listOf = <K, A, F, RD, A2, F2, E2, R2>(
  options: ListOptions<K, A, F, RD, A2, F2, E2, R2> & { readonly keys?: ListKeys<K> | undefined }
): List<K, A, F, RD, A2, F2, E2, R2> => {
  // Without `keys` the keys are strings: the overloads of `HttpCheck.list` see to that.
  const encode = options.keys?.encode ?? ((key: K): string => key as string)
  const { items, key } = options
  return {
    options,
    itemsOf: typeof items === "function" ? items : itemsAt(items),
    issue:
      typeof items === "string"
        ? `Expected array at [${items
            .split(".")
            .map((name) => JSON.stringify(name))
            .join("][")}]`
        : "Expected array",
    keyOf: typeof key === "function" ? key : valueAt("HttpCheck.list: key", key),
    encode,
    idOf: options.keys?.idOf ?? encode,
    decode: Schema.decodeUnknownEffect(options.status)
  }
}

const itemsAt = (path: string | undefined): ItemsOf => {
  const read = path === undefined ? (body: unknown) => body : valueAt("HttpCheck.list: items", path)
  return (body) => {
    const found = read(body)
    return Array.isArray(found) || found === null ? found : undefined
  }
}

const valueAt = (option: string, path: string): ((value: unknown) => unknown) => {
  const names = validate.nonEmpty(option, path).split(".")
  return (value) => at(value, ...names)
}

/** Reads an answer: by the `interpret` of the user, or the items of a 2xx. */
const read = <K, A, F, RD, A2, F2, E2, R2>(
  self: List<K, A, F, RD, A2, F2, E2, R2>,
  wanted: ReadonlyArray<Wanted<K>>,
  answer: ReceivedAnswer,
  fail: Fail
): Effect.Effect<CheckManyAnswer<A | A2, F | F2, HttpCheckError>, HttpCheckError | E2, RD | R2> => {
  const { interpret } = self.options
  if (interpret === undefined) return standard(self, wanted, answer, fail)
  type Answer = CheckManyAnswer<A | A2, F | F2, HttpCheckError>
  return Effect.flatMap(interpretAnswer(interpret, answer, fail), (said): Effect.Effect<Answer, HttpCheckError, RD> => {
    if (said === undefined) return standard(self, wanted, answer, fail)
    if (said._tag === "Decode") return collect(self, wanted, answer, fail)
    const results = new Map(wanted.map(({ encoded }) => [encoded, Result.succeed(said)] as const))
    return Effect.succeed({ results, hint: said._tag === "Annotated" ? said.hint : undefined })
  })
}

const standard = <K, A, F, RD, A2, F2, E2, R2>(
  self: List<K, A, F, RD, A2, F2, E2, R2>,
  wanted: ReadonlyArray<Wanted<K>>,
  answer: ReceivedAnswer,
  fail: Fail
): Effect.Effect<CheckManyAnswer<A, F, HttpCheckError>, HttpCheckError, RD> => {
  if (isOk(answer)) return collect(self, wanted, answer, fail)
  const kind = isThrottled(answer) ? "throttled" : answer.status === 404 && isPage(answer) ? "transient" : undefined
  return Effect.fail(fail(statusReason(answer, kind)))
}

/** Decodes the items of the keys, each on its own. */
const collect = Effect.fnUntraced(function* <K, A, F, RD, A2, F2, E2, R2>(
  self: List<K, A, F, RD, A2, F2, E2, R2>,
  wanted: ReadonlyArray<Wanted<K>>,
  answer: ReceivedAnswer,
  fail: Fail
): Effect.fn.Return<CheckManyAnswer<A, F, HttpCheckError>, HttpCheckError, RD> {
  if (answer.content.kind !== "json") return yield* fail(notJsonReason(answer))
  const items = yield* itemsById(self, answer, fail)
  const { isComplete, run: runOf } = self.options
  const results = new Map<string, Result.Result<CheckResult.CheckResult<A, F>, HttpCheckError>>()
  for (const { encoded, id, key } of wanted) {
    const item = items.get(id)
    if (item === undefined || item === contradictory) continue
    const decoded = yield* Effect.result(decodeWith(self.decode, answer, fail, item.value))
    const result =
      runOf === undefined || Result.isFailure(decoded)
        ? decoded
        : yield* Effect.result(withRun(decoded.success, () => runOf(item.value), fail))
    if (Result.isSuccess(result) && isComplete !== undefined && !isComplete(item.value, key, result.success)) continue
    results.set(encoded, result)
  }
  return { results, hint: answer.hint }
})

interface Item {
  readonly value: unknown
}

/** Stands for an id with two items that differ: none of them is believed. */
const contradictory: Item = { value: undefined }

/** The items of an answer by id. One that cannot be read is left out, unless none can. */
const itemsById = <K, A, F, RD, A2, F2, E2, R2>(
  { issue, itemsOf, keyOf }: List<K, A, F, RD, A2, F2, E2, R2>,
  answer: ReceivedAnswer,
  fail: Fail
): Effect.Effect<ReadonlyMap<string, Item>, HttpCheckError> =>
  Effect.flatMap(
    readWith("items", () => spread(itemsOf(answer.body)), fail),
    (items) => {
      if (items === undefined) return Effect.fail(fail({ _tag: "Decode", status: answer.status, issue }))
      const found = new Map<string, Item>()
      let thrown: { readonly cause: unknown } | undefined
      for (const value of items) {
        let id: string | undefined
        try {
          id = idIn(keyOf(value))
        } catch (cause) {
          thrown ??= { cause }
        }
        if (id === undefined) continue
        const before = found.get(id)
        found.set(id, before === undefined || Equal.equals(before.value, value) ? { value } : contradictory)
      }
      return thrown !== undefined && found.size === 0
        ? Effect.fail(fail(readerReason("key", thrown.cause)))
        : Effect.succeed(found)
    }
  )

const spread = (items: Iterable<unknown> | null | undefined): ReadonlyArray<unknown> | undefined => {
  if (items === undefined) return undefined
  return items === null ? [] : [...items]
}

const idIn = (id: unknown): string | undefined => {
  if (typeof id === "string") return id === "" ? undefined : id
  return typeof id === "number" || typeof id === "bigint" ? String(id) : undefined
}

const withRun = <A, F>(
  result: CheckResult.CheckResult<A, F>,
  runOf: () => CheckResult.Run | undefined,
  fail: Fail
): Effect.Effect<CheckResult.CheckResult<A, F>, HttpCheckError> =>
  Effect.map(readWith("run", runOf, fail), (run) => (run === undefined ? result : CheckResult.withRun(result, run)))
