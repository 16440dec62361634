import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as Schema from "effect/Schema"
import type { Receipt } from "effect-poll/Job"
import * as CheckResult from "effect-poll/CheckResult"
import * as Status from "effect-poll/Status"
import type { HttpCheckError } from "../HttpCheckError.ts"
import type { LongRunningFailure } from "../LongRunningFailure.ts"
import { type End, key, type LongRunningOperation, type Phase } from "../LongRunningOperation.ts"
import type { Protocol } from "../LongRunningProtocol.ts"
import type { OperationAnswer, Reading } from "../LongRunningReading.ts"
import {
  decodeWith,
  execute,
  type Fail,
  failFor,
  isOk,
  notJsonReason,
  type ReceivedAnswer,
  statusReason
} from "./httpRequest.ts"
import * as Prefer from "./prefer.ts"

// The requests of an operation, whatever its protocol: start, check, fetch the result, cancel.

interface Options {
  readonly protocols: ReadonlyArray<Protocol>
  /** Whole seconds for which a server should hold a request back. */
  readonly prefer: number | undefined
}

/** Makes the submit of a job of operations. It sends the first request, once; `url` is its whole URL. */
export const makeSubmit = ({ prefer, protocols }: Options) =>
  Effect.fnUntraced(function* (
    request: HttpClientRequest.HttpClientRequest,
    url: string
  ): Effect.fn.Return<Receipt<LongRunningOperation>, HttpCheckError, HttpClient.HttpClient> {
    const fail = failFor(request, undefined)
    const asked = prefer === undefined ? request : Prefer.add(request, "respond-async", `wait=${prefer}`)
    const answer = yield* execute(asked, fail, { followSeeOther: false })
    if (!isOk(answer) && answer.status !== 303) return yield* fail(statusReason(answer))
    const first = operationAnswer(answer, request.method, url)
    const protocol = choose(protocols, first)
    const reading = protocol.start(first)
    const phase = yield* begin(reading, answer, fail)
    const notes = ("notes" in reading ? reading.notes : undefined) ?? {}
    return {
      key: { protocol: protocol.name, method: request.method, url, phase, notes },
      hint: phase._tag === "Ended" ? undefined : answer.hint
    }
  })

/** Makes the check of a job of operations. */
export const makeCheck = <A, RD>({
  decode,
  prefer,
  protocols
}: Options & { readonly decode: (result: unknown) => Effect.Effect<A, Schema.SchemaError, RD> }) => {
  // By key: a wait hands the same key to all of its checks.
  const latest = new WeakMap<LongRunningOperation, Snapshot>()

  const check = Effect.fnUntraced(function* (
    self: Snapshot,
    keep: (next: Snapshot) => void
  ): Effect.fn.Return<Checked<A>, HttpCheckError, HttpClient.HttpClient | RD> {
    const { operation } = self
    const { phase } = operation
    if (phase._tag === "Ended") return yield* ended(operation, phase.status, phase.end)
    if (phase._tag === "Fetching") return yield* collect(self, phase.urls)

    const request = HttpClientRequest.get(phase.url)
    const fail = failFor(request, undefined)
    const answer = yield* ask(prefer === undefined ? request : Prefer.add(request, `wait=${prefer}`), fail)
    if (answer.status === 404) return hinted(CheckResult.missing, answer)
    if (answer.status === 304) return hinted(self.pending ?? pending(self, {}), answer)
    if (!isOk(answer)) return yield* fail(statusReason(answer))

    const protocol = protocols.find(({ name }) => name === operation.protocol)
    if (protocol === undefined) return yield* fail(decodeReason(`unknown protocol ${operation.protocol}`, answer))
    const reading = protocol.read(operationAnswer(answer, request.method, phase.url), operation)
    switch (reading._tag) {
      case "Pending": {
        const next = moved(self, reading)
        const status = pending(next, reading)
        keep({ ...next, pending: status })
        return hinted(status, answer)
      }
      case "UnknownState":
        keep(moved(self, reading))
        return hinted(CheckResult.unknownState(reading.state), answer)
      case "Succeeded":
        return yield* succeed(reading.result, reading.state, answer, fail)
      case "SucceededAt": {
        const next = snapshot(self, { ...operation, phase: { _tag: "Fetching", urls: reading.urls } })
        keep(next)
        return yield* collect(next, reading.urls, reading.state)
      }
      case "Failed":
        return Status.failed(reading.failure, reading)
      case "Canceled":
        return Status.canceled(reading)
      case "Expired":
        return Status.expired(reading)
      case "NotJson":
        return yield* fail(notJsonReason(answer))
      case "Malformed":
        return yield* fail(decodeReason(reading.issue, answer))
    }
  })

  /** Gets the result from the first of the URLs that is found. */
  const collect = Effect.fnUntraced(function* (
    self: Snapshot,
    urls: ReadonlyArray<string>,
    state?: string
  ): Effect.fn.Return<Checked<A>, HttpCheckError, HttpClient.HttpClient | RD> {
    for (let index = 0; ; index++) {
      const request = HttpClientRequest.get(urls[index]!)
      const fail = failFor(request, undefined)
      const answer = yield* ask(request, fail)
      if (answer.status === 404 && index + 1 < urls.length) continue
      if (!isOk(answer)) return yield* fail(statusReason(answer))
      if (answer.status === 202) return hinted(pending(self, { state }), answer)
      if (answer.content.kind === "other") return yield* fail(notJsonReason(answer))
      return yield* succeed(answer.body, state, answer, fail)
    }
  })

  const ended = (
    { method, url }: LongRunningOperation,
    status: number,
    end: End
  ): Effect.Effect<Checked<A>, HttpCheckError, RD> => {
    switch (end._tag) {
      case "Succeeded":
        return succeed(end.result, undefined, { status }, failFor({ method, url }, undefined))
      case "Failed":
        return Effect.succeed(Status.failed(end.failure))
      case "Canceled":
        return Effect.succeed(Status.canceled())
      case "Expired":
        return Effect.succeed(Status.expired())
    }
  }

  const succeed = (
    body: unknown,
    state: string | undefined,
    { status }: Pick<ReceivedAnswer, "status">,
    fail: Fail
  ): Effect.Effect<Checked<A>, HttpCheckError, RD> =>
    Effect.map(decodeWith(decode, { body, status }, fail), (result) => Status.succeeded(result, { state }))

  return (operation: LongRunningOperation) =>
    Effect.suspend(() =>
      check(latest.get(operation) ?? snapshot(undefined, operation), (next) => {
        latest.set(operation, next)
      })
    )
}

/** Sends the request that cancels an operation; only the status of its answer counts. */
export const sendCancel = Effect.fnUntraced(function* (request: HttpClientRequest.HttpClientRequest) {
  const fail = failFor(request, undefined)
  const answer = yield* execute(request, fail)
  if (!isOk(answer)) return yield* fail(statusReason(answer))
})

// ---- internal ----

type Checked<A> = CheckResult.CheckResult<A, LongRunningFailure>

/** What one check of an operation leaves for the next. */
interface Snapshot {
  readonly operation: LongRunningOperation
  /** The operation, written as a string. */
  readonly encoded: string
  /** The last status, if it was pending. */
  readonly pending: Status.Pending | undefined
}

const snapshot = (before: Snapshot | undefined, operation: LongRunningOperation): Snapshot => ({
  operation,
  encoded: key.encode(operation),
  pending: before?.pending
})

/** An answer, for a protocol. `asked` is the URL of the request, which counts where the client does not report one. */
const operationAnswer = (answer: ReceivedAnswer, method: string, asked: string): OperationAnswer => ({
  ...answer,
  method,
  url: answer.url === "" ? asked : answer.url
})

/** The protocol that recognizes a first answer; the last one takes what is left. */
const choose = (protocols: ReadonlyArray<Protocol>, first: OperationAnswer): Protocol =>
  protocols.find(({ recognizes }, index) => index === protocols.length - 1 || recognizes?.(first) !== false)!

/** Where an operation stands after its first answer. */
const begin = (reading: Reading, answer: ReceivedAnswer, fail: Fail): Effect.Effect<Phase, HttpCheckError> => {
  const end = (end: End): Effect.Effect<Phase> => Effect.succeed({ _tag: "Ended", status: answer.status, end })
  switch (reading._tag) {
    case "Pending":
    case "UnknownState":
      return reading.url === undefined
        ? fail(decodeReason("the answer does not say where to check", answer))
        : Effect.succeed({ _tag: "Polling", url: reading.url })
    case "SucceededAt":
      return Effect.succeed({ _tag: "Fetching", urls: reading.urls })
    case "Succeeded":
      return end({ _tag: "Succeeded", ...(reading.result === undefined ? {} : { result: reading.result }) })
    case "Failed":
      return end({ _tag: "Failed", failure: reading.failure })
    case "Canceled":
    case "Expired":
      return end({ _tag: reading._tag })
    case "NotJson":
      return fail(notJsonReason(answer))
    case "Malformed":
      return fail(decodeReason(reading.issue, answer))
  }
}

/** One check. The server may end an operation by redirecting to its result. */
const ask = (
  request: HttpClientRequest.HttpClientRequest,
  fail: Fail
): Effect.Effect<ReceivedAnswer, HttpCheckError, HttpClient.HttpClient> => execute(request, fail)

const hinted = <A, F>(check: CheckResult.CheckResult<A, F>, { hint }: ReceivedAnswer): CheckResult.CheckResult<A, F> =>
  hint === undefined ? check : CheckResult.withHint(check, hint)

const moved = (self: Snapshot, { notes, url }: Extract<Reading, { readonly url?: unknown }>): Snapshot => {
  const { operation } = self
  const { phase } = operation
  const stays = url === undefined || (phase._tag === "Polling" && phase.url === url)
  if (stays && notes === undefined) return self
  return snapshot(self, {
    ...operation,
    phase: url === undefined ? phase : { _tag: "Polling", url },
    notes: notes ?? operation.notes
  })
}

const pending = (
  { encoded }: Snapshot,
  { metadata, progress, state }: Omit<Extract<Reading, { readonly _tag: "Pending" }>, "_tag">
): Status.Pending => Status.pending({ state, progress, detail: { operation: encoded, metadata } })

const decodeReason = (issue: string, { status }: ReceivedAnswer) => ({ _tag: "Decode", status, issue }) as const
