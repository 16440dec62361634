import type { LongRunningOperation, Notes } from "../../LongRunningOperation.ts"
import type { Meaning, OperationAnswer, Reading } from "../../LongRunningReading.ts"
import { at } from "../json.ts"
import { endOf, firstResultOf, noCheckUrl, progressIn, resultOf, shownIn } from "./answer.ts"
import { headerUrl, resolve, urlIn } from "./urls.ts"
import { azureWords, cut, meaningOf, tableOf } from "./stateWords.ts"

/** The options of `LongRunningProtocol.azure`. */
interface Options {
  readonly finalState?: string | undefined
  readonly resultPath?: ReadonlyArray<string> | undefined
  readonly words?: Readonly<Record<string, Meaning>> | undefined
}

/** What the functions below go by. */
interface Rules {
  readonly finalState: string | undefined
  readonly resultPath: ReadonlyArray<string>
  readonly meanings: ReadonlyMap<string, Meaning>
}

export const azureProtocol = ({ finalState, resultPath, words }: Options) => {
  const rules: Rules = { finalState, resultPath: resultPath ?? [], meanings: tableOf(azureWords, words) }
  return {
    name: "azure",
    recognizes: (first: OperationAnswer) =>
      headerUrl(first) !== undefined || (isResource(first.method) && provisioningState(first.body) !== undefined),
    start: (first: OperationAnswer): Reading => start(first, rules),
    read: (answer: OperationAnswer, operation: LongRunningOperation): Reading => {
      const { mode } = operation.notes
      switch (mode) {
        case "monitor":
          return monitored(answer, operation, rules)
        case "location":
          return located(answer, operation, rules)
        case "resource":
          return resource(answer, rules)
        case "body":
          return answer.status === 202 ? { _tag: "Pending" } : resultOf(answer)
        default:
          return { _tag: "Malformed", issue: `the stored operation has the unknown mode ${JSON.stringify(mode)}` }
      }
    }
  }
}

// ---- internal ----

/** What is checked: a status monitor, a Location, the resource itself, or a URL that the body of an answer named. */
type Mode = "monitor" | "location" | "resource" | "body"

const start = (first: OperationAnswer, rules: Rules): Reading => {
  const { method, status } = first
  const state = provisioningState(first.body)
  const monitor = headerUrl(first)
  const location = urlIn(first, "location")
  const notes = (mode: Mode): Notes => ({
    mode,
    ...(location === undefined ? {} : { location }),
    ...(rules.finalState === undefined ? {} : { finalState: rules.finalState })
  })
  if (status === 204) return { _tag: "Succeeded", result: undefined }
  // A PATCH with 200 whose resource says that it is done is done, whatever its headers say.
  const isPatched = method === "PATCH" && status === 200 && state !== undefined && isEnd(judge(state, first, rules))
  if (monitor !== undefined && !isPatched) return { _tag: "Pending", url: monitor, notes: notes("monitor") }
  if (location !== undefined && isStarted(first, judge(state, first, rules))) {
    return { _tag: "Pending", url: location, notes: notes("location") }
  }
  if (status === 303) return noCheckUrl("Location")
  if (!isResource(method)) {
    return status === 202
      ? noCheckUrl("Operation-Location", "Azure-AsyncOperation", "Location")
      : noted(firstResultOf(first), notes("body"))
  }
  const atResource: Reading = { _tag: "Pending", url: first.url, notes: notes("resource") }
  if (status === 202) return atResource
  if (first.content.kind === "other") return { _tag: "NotJson" }
  const reading = state === undefined ? resultOf(first) : judge(state, first, rules)
  return isEnd(reading) ? reading : atResource
}

/** An operation that the answer shows without the headers of the rules is checked where it says. */
const noted = (reading: Reading, notes: Notes): Reading =>
  reading._tag === "Pending" || reading._tag === "UnknownState" ? { ...reading, notes } : reading

const monitored = (answer: OperationAnswer, operation: LongRunningOperation, rules: Rules): Reading => {
  const url = headerUrl(answer)
  const notes = movedNotes(answer, operation)
  const moved = notes === operation.notes ? {} : { notes }
  const word = at(answer.body, "status") || provisioningState(answer.body)
  if (word !== undefined && typeof word !== "string") {
    return { _tag: "Malformed", issue: 'expected string at ["status"]' }
  }
  if (word === undefined && answer.status === 202) return { _tag: "Pending", url, ...moved }
  if (answer.content.kind !== "json" && answer.status !== 204) return { _tag: "NotJson" }
  const reading = (word === undefined ? shownIn(answer) : undefined) ?? judge(word, answer, rules)
  switch (reading._tag) {
    case "Pending":
      return { ...reading, progress: progressIn(answer.body), url, ...moved }
    case "UnknownState":
      return { ...reading, url, ...moved }
    case "Succeeded": {
      const urls = resultUrls(answer, { ...operation, notes })
      return urls.length === 0
        ? { ...reading, result: at(answer.body, ...rules.resultPath) }
        : { _tag: "SucceededAt", urls, state: reading.state }
    }
    default:
      return reading
  }
}

/** The result is at the Location only if the first answer promised one; that one may move. */
const movedNotes = (answer: OperationAnswer, { notes }: LongRunningOperation): Notes => {
  const location = urlIn(answer, "location")
  const before = notes["location"]
  return location === undefined || before === undefined || location === before ? notes : { ...notes, location }
}

const located = (answer: OperationAnswer, { method }: LongRunningOperation, rules: Rules): Reading => {
  if (answer.status === 202) return { _tag: "Pending", url: urlIn(answer, "location") }
  if (answer.content.kind === "other") return { _tag: "NotJson" }
  const result: Reading = { _tag: "Succeeded", result: answer.body }
  // A resource that says of itself that it is in the making, or that it failed, is believed before the HTTP status.
  const word = isResource(method) ? provisioningState(answer.body) : undefined
  const state = word === undefined ? (runningIn(answer) ?? result) : judge(word, answer, rules)
  return state._tag === "Succeeded" || state._tag === "UnknownState" ? result : state
}

/** The HTTP status decides, unless the body says that the operation still runs. */
const runningIn = (answer: OperationAnswer): Reading | undefined => {
  const shown = shownIn(answer)
  return shown?._tag === "Pending" && shown.asResult === undefined ? shown : undefined
}

const resource = (answer: OperationAnswer, rules: Rules): Reading => {
  if (answer.status === 202) return { _tag: "Pending" }
  if (answer.status === 204) return { _tag: "Succeeded", result: undefined }
  if (answer.content.kind !== "json") return { _tag: "NotJson" }
  const state = provisioningState(answer.body)
  return state === undefined ? { _tag: "Succeeded", result: answer.body } : judge(state, answer, rules)
}

const isResource = (method: string): boolean => method === "PUT" || method === "PATCH"

const provisioningState = (json: unknown): string | undefined => {
  const state = at(json, "properties", "provisioningState") ?? at(json, "provisioningState")
  return typeof state === "string" && state.trim() !== "" ? state : undefined
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

const judge = (word: string | undefined, { body }: OperationAnswer, { meanings }: Rules): Reading => {
  if (word === undefined) return { _tag: "Succeeded", result: body }
  const meaning = meaningOf(word, meanings)
  const state = cut(word)
  switch (meaning) {
    case undefined:
      return { _tag: "UnknownState", state }
    case "pending":
      return { _tag: "Pending", state }
    case "succeeded":
      return { _tag: "Succeeded", result: body, state }
    default:
      return endOf(meaning, body, state)
  }
}

const isEnd = ({ _tag }: Reading): boolean =>
  _tag === "Succeeded" || _tag === "SucceededAt" || _tag === "Failed" || _tag === "Canceled" || _tag === "Expired"
