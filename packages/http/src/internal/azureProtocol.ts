import { fromBody } from "../LongRunningFailure.ts"
import type { LongRunningOperation, Notes } from "../LongRunningOperation.ts"
import type { Meaning, OperationAnswer, Reading } from "../LongRunningReading.ts"
import { resolve, resultOf, noCheckUrl, urlIn } from "./operationAnswer.ts"
import { at } from "./json.ts"

/** The options of `LongRunningProtocol.azure`. */
interface Options {
  readonly finalState?: string | undefined
  readonly resultPath?: ReadonlyArray<string> | undefined
  readonly words?: Readonly<Record<string, Meaning>> | undefined
}

export const azureProtocol = (options: Options) => {
  const meanings = new Map(Object.entries(words))
  for (const [word, meaning] of Object.entries(options.words ?? {})) meanings.set(plain(word), meaning)
  const judge = judgeBy(meanings)
  const resultPath = options.resultPath ?? []

  const start = (first: OperationAnswer): Reading => {
    const { method, status } = first
    const state = provisioningState(first.body)
    const monitor = monitorIn(first)
    const location = urlIn(first, "location")
    const notes = (mode: Mode): Notes => ({
      mode,
      ...(location === undefined ? {} : { location }),
      ...(options.finalState === undefined ? {} : { finalState: options.finalState })
    })
    if (status === 204) return { _tag: "Succeeded", result: undefined }
    // A PATCH with 200 whose resource says that it is done is done, whatever headers it bears.
    const isPatched = method === "PATCH" && status === 200 && state !== undefined && isEnd(judge(state, first))
    if (monitor !== undefined && !isPatched) {
      return { _tag: "Pending", url: monitor, notes: notes("monitor") }
    }
    if (location !== undefined && isStarted(first, judge(state, first))) {
      return { _tag: "Pending", url: location, notes: notes("location") }
    }
    if (status === 303) return noCheckUrl("Location")
    if (!isResource(method)) {
      return status === 202 ? noCheckUrl("Operation-Location", "Azure-AsyncOperation", "Location") : resultOf(first)
    }
    const atResource: Reading = { _tag: "Pending", url: first.url, notes: notes("resource") }
    if (status === 202) return atResource
    if (first.content.kind === "other") return { _tag: "NotJson" }
    const reading = state === undefined ? resultOf(first) : judge(state, first)
    return isEnd(reading) ? reading : atResource
  }

  const monitored = (answer: OperationAnswer, operation: LongRunningOperation): Reading => {
    const url = monitorIn(answer)
    const location = urlIn(answer, "location")
    const { notes } = operation
    // The result is at the Location only if the first answer promised one; that one may move.
    const moved =
      location === undefined || notes["location"] === undefined || location === notes["location"]
        ? {}
        : { notes: { ...notes, location } }
    const word = at(answer.body, "status") || provisioningState(answer.body)
    if (word !== undefined && typeof word !== "string") {
      return { _tag: "Malformed", issue: 'expected string at ["status"]' }
    }
    if (word === undefined && answer.status === 202) return { _tag: "Pending", url, ...moved }
    if (answer.content.kind !== "json" && answer.status !== 204) return { _tag: "NotJson" }
    const reading = judge(word, answer)
    switch (reading._tag) {
      case "Pending":
        return { ...reading, progress: progressIn(answer.body), url, ...moved }
      case "UnknownState":
        return { ...reading, url, ...moved }
      case "Succeeded": {
        const urls = resultUrls(answer, { ...operation, notes: moved.notes ?? notes })
        return urls.length === 0
          ? { ...reading, result: at(answer.body, ...resultPath) }
          : { _tag: "SucceededAt", urls, state: reading.state }
      }
      default:
        return reading
    }
  }

  const located = (answer: OperationAnswer, { method }: LongRunningOperation): Reading => {
    if (answer.status === 202) return { _tag: "Pending", url: urlIn(answer, "location") }
    const result = resultOf(answer)
    // A resource that says of itself that it goes on, or that it failed, is believed before the HTTP status.
    const state = isResource(method) ? judge(provisioningState(answer.body), answer) : result
    return state._tag === "Succeeded" || state._tag === "UnknownState" ? result : state
  }

  const resource = (answer: OperationAnswer): Reading => {
    if (answer.status === 202) return { _tag: "Pending" }
    if (answer.status === 204) return { _tag: "Succeeded", result: undefined }
    if (answer.content.kind !== "json") return { _tag: "NotJson" }
    const state = provisioningState(answer.body)
    return state === undefined ? resultOf(answer) : judge(state, answer)
  }

  return {
    name: "azure",
    recognizes: (first: OperationAnswer) =>
      monitorIn(first) !== undefined || (isResource(first.method) && provisioningState(first.body) !== undefined),
    start,
    read: (answer: OperationAnswer, operation: LongRunningOperation): Reading => {
      const { mode } = operation.notes
      switch (mode) {
        case "monitor":
          return monitored(answer, operation)
        case "location":
          return located(answer, operation)
        case "resource":
          return resource(answer)
        default:
          return { _tag: "Malformed", issue: `the stored operation has the unknown mode ${JSON.stringify(mode)}` }
      }
    }
  }
}

// ---- internal ----

/** What is checked: a status monitor, a Location, or the resource itself. */
type Mode = "monitor" | "location" | "resource"

const isResource = (method: string): boolean => method === "PUT" || method === "PATCH"

const monitorIn = (answer: OperationAnswer): string | undefined =>
  urlIn(answer, "operation-location") ?? urlIn(answer, "azure-asyncoperation")

const provisioningState = (json: unknown): string | undefined => {
  const state = at(json, "properties", "provisioningState") ?? at(json, "provisioningState")
  return typeof state === "string" && state.trim() !== "" ? state : undefined
}

/** `percentComplete` of 0..100. */
const progressIn = (json: unknown): number | undefined => {
  const percent = at(json, "percentComplete")
  return typeof percent === "number" ? percent / 100 : undefined
}

/** Whether a first answer that names a Location is to be checked there. */
const isStarted = ({ content, method, status }: OperationAnswer, state: Reading): boolean =>
  status === 202 || status === 303 || content.kind === "empty" || (isResource(method) && !isEnd(state))

/** Where the result of an operation that succeeded is to be had; nowhere if the answer itself is it. */
const resultUrls = (answer: OperationAnswer, { method, notes, url }: LongRunningOperation): ReadonlyArray<string> => {
  const { finalState, location } = notes
  if (method === "DELETE") return []
  if (finalState === "location" && location !== undefined) return [location]
  if (finalState === "original-uri") return [url]
  const inAnswer = finalState === "azure-async-operation" || finalState === "operation-location"
  if (inAnswer && !isResource(method)) return []
  const resourceLocation = resolve(at(answer.body, "resourceLocation"), answer.url)
  if (resourceLocation !== undefined) return [resourceLocation]
  if (method === "PUT") return [url]
  if (method === "PATCH") return location === undefined ? [url] : [url, location]
  return location === undefined ? [] : [location]
}

/** The words of the rules and of well-known services; participles are pending too, see `isParticiple`. */
const words: Readonly<Record<string, Meaning>> = {
  succeeded: "succeeded",
  failed: "failed",
  canceled: "canceled",
  cancelled: "canceled",
  accepted: "pending",
  cancelrequested: "pending",
  cancellationrequested: "pending",
  created: "pending",
  enqueued: "pending",
  inprogress: "pending",
  notstarted: "pending",
  pending: "pending",
  queued: "pending",
  scheduled: "pending",
  started: "pending",
  submitted: "pending"
}

/** A word without its case and its separators: `in_progress` and `InProgress` are the same. */
const plain = (word: string): string => word.toLowerCase().replace(/[\s_-]/g, "")

/**
 * Whether a word begins with a present participle, which names something that goes on: `Creating`, `PreparingVMDisk`.
 */
const isParticiple = (word: string): boolean => /^[A-Z]?[a-z]{2,}ing(?![a-z])|^[A-Z]{3,}ING(?![A-Z])/.test(word.trim())

const judgeBy =
  (meanings: ReadonlyMap<string, Meaning>) =>
  (word: string | undefined, { body }: OperationAnswer): Reading => {
    if (word === undefined) return { _tag: "Succeeded", result: body }
    const meaning = meanings.get(plain(word)) ?? (isParticiple(word) ? "pending" : undefined)
    switch (meaning) {
      case undefined:
        return { _tag: "UnknownState", state: word }
      case "pending":
        return { _tag: "Pending", state: word }
      case "succeeded":
        return { _tag: "Succeeded", result: body, state: word }
      case "failed":
        return { _tag: "Failed", failure: fromBody(body), state: word }
      case "canceled":
        return { _tag: "Canceled", state: word }
      case "expired":
        return { _tag: "Expired", state: word }
    }
  }

const isEnd = ({ _tag }: Reading): boolean => _tag !== "Pending" && _tag !== "UnknownState"
