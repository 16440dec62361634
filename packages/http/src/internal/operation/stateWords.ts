import type { Meaning } from "../../LongRunningReading.ts"
import { plain } from "./plain.ts"

// What the words that servers use for the state of an operation mean.

/** The longest state word that is kept, in characters. */
const maxLength = 200

/** Cuts a word: a server may send one of several megabytes. */
export const cut = (word: string): string => (word.length > maxLength ? `${word.slice(0, maxLength)}...` : word)

/** The meaning of a word by a table; participles are pending too. Undefined if nothing says what it means. */
export const meaningOf = (word: string, meanings: ReadonlyMap<string, Meaning>): Meaning | undefined =>
  word.length > maxLength ? undefined : (meanings.get(plain(word)) ?? (isParticiple(word) ? "pending" : undefined))

/** A table with further words, in any case. */
export const tableOf = (
  words: Readonly<Record<string, Meaning>>,
  further: Readonly<Record<string, Meaning>> | undefined
): ReadonlyMap<string, Meaning> => {
  const meanings = new Map(Object.entries(words))
  for (const [word, meaning] of Object.entries(further ?? {})) meanings.set(plain(word), meaning)
  return meanings
}

/** The words of Azure's rules and of well-known services there. */
export const azureWords: Readonly<Record<string, Meaning>> = {
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

/**
 * The words of job APIs at large, for answers that no protocol recognizes. What is not here is an unknown state, such as
 * `created` and `active`, which name a job that runs here and a resource that is there elsewhere.
 */
export const commonWords: Readonly<Record<string, Meaning>> = {
  accepted: "pending",
  busy: "pending",
  cancellationrequested: "pending",
  cancelrequested: "pending",
  enqueued: "pending",
  inprogress: "pending",
  inqueue: "pending",
  notready: "pending",
  notstarted: "pending",
  ongoing: "pending",
  pending: "pending",
  progress: "pending",
  queued: "pending",
  requested: "pending",
  retry: "pending",
  scheduled: "pending",
  started: "pending",
  submitted: "pending",
  unfinished: "pending",
  complete: "succeeded",
  completed: "succeeded",
  done: "succeeded",
  finished: "succeeded",
  ok: "succeeded",
  okay: "succeeded",
  passed: "succeeded",
  ready: "succeeded",
  succeeded: "succeeded",
  success: "succeeded",
  successful: "succeeded",
  error: "failed",
  errored: "failed",
  fail: "failed",
  failed: "failed",
  failure: "failed",
  faulted: "failed",
  unsuccessful: "failed",
  aborted: "canceled",
  canceled: "canceled",
  cancelled: "canceled",
  expired: "expired",
  timedout: "expired",
  timeout: "expired"
}

/** The meaning of a word in an answer that no protocol recognizes; enumerations may prefix it (`JOB_STATE_RUNNING`). */
export const commonMeaning = (word: string, meanings: ReadonlyMap<string, Meaning>): Meaning | undefined => {
  if (word.length > maxLength) return undefined
  const bare = word.trim().replace(enumPrefix, "")
  return (
    meanings.get(plain(word)) ??
    meanings.get(plain(bare)) ??
    (isParticiple(bare) || /(?:^|[a-z_\s-])in[_\s-]?progress$/i.test(bare) ? "pending" : undefined)
  )
}

// ---- internal ----

/** `JOB_STATE_`, `STATE_`, `OPERATION_STATUS_`, as protocol buffers name the values of an enumeration. */
const enumPrefix = /^(?:[A-Z]+_){0,3}(?:STATE|STATUS|PHASE)_(?=[A-Z])/

/**
 * Whether a word begins with a present participle, which names something that is running: `Creating`,
 * `PreparingVMDisk`.
 */
const isParticiple = (word: string): boolean =>
  /^[A-Z]?[a-z]{2,}ing(?![a-z])|^[A-Z]{3,}ING(?![A-Z])/.test(word.trim()) && !/^(?:miss|exist|noth)ing\b/i.test(word)
