import type { LongRunningOperation } from "../../LongRunningOperation.ts"
import type { Meaning, OperationAnswer, Reading } from "../../LongRunningReading.ts"
import { at } from "../json.ts"
import { endOf, progressIn } from "./answer.ts"
import { checkUrlOf, resolve } from "./urls.ts"
import { commonMeaning, commonWords, cut, tableOf } from "./stateWords.ts"

/** The options of `LongRunningProtocol.fields`. */
interface Options {
  readonly state: ReadonlyArray<string>
  readonly words?: Readonly<Record<string, Meaning>> | undefined
  readonly url?: ReadonlyArray<string> | undefined
  readonly result?: ReadonlyArray<string> | undefined
  readonly resultUrl?: ReadonlyArray<string> | undefined
  readonly error?: ReadonlyArray<string> | undefined
}

export const fieldsProtocol = (options: Options) => {
  const meanings = tableOf(commonWords, options.words)
  const judge = judgeBy(options, meanings)
  return {
    name: "fields",
    recognizes: ({ body }: OperationAnswer) => wordAt(body, options.state) !== undefined,
    start: (first: OperationAnswer): Reading => {
      const reading = judge(first)
      if (reading._tag !== "Pending" && reading._tag !== "UnknownState") return reading
      const url = urlAt(first, options.url) ?? checkUrlOf(first)
      return url === undefined
        ? { _tag: "Unrecognized", sign: `${options.state.join(".")} ${JSON.stringify(reading.state)}` }
        : { ...reading, url }
    },
    read: (answer: OperationAnswer, _: LongRunningOperation): Reading => judge(answer)
  }
}

// ---- internal ----

const judgeBy =
  ({ error, result, resultUrl, state }: Options, meanings: ReadonlyMap<string, Meaning>) =>
  (answer: OperationAnswer): Reading => {
    const { body, content, status } = answer
    if (content.kind !== "json") return status === 202 || status === 204 ? { _tag: "Pending" } : { _tag: "NotJson" }
    const word = wordAt(body, state)
    if (word === undefined) return { _tag: "Malformed", issue: `expected a state at [${state.map(quote).join("][")}]` }
    const meaning = commonMeaning(word, meanings)
    switch (meaning) {
      case undefined:
        return { _tag: "UnknownState", state: cut(word) }
      case "pending":
        return { _tag: "Pending", state: cut(word), progress: progressIn(body) }
      case "succeeded": {
        const url = urlAt(answer, resultUrl)
        if (url !== undefined) return { _tag: "SucceededAt", urls: [url], state: word }
        return { _tag: "Succeeded", result: result === undefined ? body : at(body, ...result), state: word }
      }
      default:
        return endOf(meaning, error === undefined ? body : { error: at(body, ...error) }, word)
    }
  }

const quote = (name: string): string => JSON.stringify(name)

/** A word, or the boolean or number that some servers send in its place. */
const wordAt = (body: unknown, path: ReadonlyArray<string>): string | undefined => {
  const word = at(body, ...path)
  if (typeof word === "boolean" || typeof word === "number") return String(word)
  return typeof word === "string" && word.trim() !== "" ? word : undefined
}

const urlAt = (answer: OperationAnswer, path: ReadonlyArray<string> | undefined): string | undefined =>
  path === undefined ? undefined : resolve(at(answer.body, ...path), answer.url)
