import * as Effect from "effect/Effect"
import * as Headers from "effect/http/Headers"
import type * as HttpClient from "effect/http/HttpClient"
import type * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as Result from "effect/Result"
import type { CheckContext } from "effect-poll/CheckContext"
import * as CheckContexts from "effect-poll/CheckContext"
import type { CheckManyAnswer } from "effect-poll/Job"
import type { HttpAnswer } from "../../HttpAnswer.ts"
import { type HttpCheckError } from "../../HttpCheckError.ts"
import type { LongRunningFailure } from "../../LongRunningFailure.ts"
import { key, type LongRunningOperation } from "../../LongRunningOperation.ts"
import { execute, failFor, isOk, type ReceivedAnswer } from "../request/httpRequest.ts"
import { checkItem } from "./check.ts"
import { call, type Checked, type Environment, notAResult, refusal } from "./environment.ts"
import { prepare } from "../answer/checkReading.ts"

/** The option `checkMany` of a job of operations. */
interface List {
  readonly request: (operations: ReadonlyArray<LongRunningOperation>) => HttpClientRequest.HttpClientRequest
  readonly items: (answer: HttpAnswer) => ReadonlyArray<unknown>
  readonly id: (item: unknown) => string | undefined
  readonly idOf: (operation: LongRunningOperation) => string | undefined
}

/** Checks many operations by one list: each item is read as the answer to a check would be. */
export const checkMany = Effect.fnUntraced(function* <A, F, E, R>(
  env: Environment<A, F, E, R>,
  list: List,
  operations: ReadonlyArray<LongRunningOperation>,
  contexts: ReadonlyMap<string, CheckContext>
): Effect.fn.Return<
  CheckManyAnswer<A, F | LongRunningFailure, HttpCheckError | E>,
  HttpCheckError | E,
  HttpClient.HttpClient | R
> {
  const any = operations[0]!
  const request = yield* call("checkMany", () => list.request(operations), failFor(any, env.policy.shownUrl))
  const fail = failFor(request, env.policy.shownUrl)
  const received = yield* execute(request, fail, { policy: env.policy, home: any.url, fresh: true })
  const answer = yield* prepare(env.readers, received, fail, undefined)
  if (!isOk(answer)) return yield* refusal(answer, fail)
  const items = yield* call(
    "checkMany",
    () => {
      const found = list.items(answer)
      return Array.isArray(found) ? byId(list, found) : undefined
    },
    fail
  )
  if (items === undefined) return yield* fail(notAResult("checkMany", "array of items"))
  const results = new Map<string, Result.Result<Checked<A, F>, HttpCheckError | E>>()
  for (const operation of operations) {
    const id = yield* call("checkMany", () => list.idOf(operation), fail)
    if (id === undefined || !items.has(id)) continue
    const encoded = key.encode(operation)
    const context = contexts.get(encoded) ?? CheckContexts.make()
    const item = itemAnswer(answer, items.get(id))
    results.set(encoded, yield* Effect.result(checkItem(env, operation, context, item, request)))
  }
  return { results, hint: answer.hint }
})

// ---- internal ----

const byId = (list: List, items: ReadonlyArray<unknown>): ReadonlyMap<string, unknown> => {
  const found = new Map<string, unknown>()
  for (const item of items) {
    const id = list.id(item)
    if (id !== undefined) found.set(id, item)
  }
  return found
}

/** An item of a list, as the answer to a check of its own: the headers are those of the list. */
const itemAnswer = (answer: ReceivedAnswer, item: unknown): ReceivedAnswer => ({
  ...answer,
  status: 200,
  headers: Headers.empty,
  body: item,
  content: { ...answer.content, kind: "json" },
  hint: undefined
})
