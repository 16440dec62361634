import type * as Sse from "effect/encoding/Sse"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as CheckResult from "effect-poll/CheckResult"
import type { StatusSchema } from "effect-poll/StatusSchema"
import * as Told from "effect-poll/Told"
import { isTooDeep } from "../request/jsonText.ts"
import { sync } from "../request/yielded.ts"

/** How events are read. */
export interface Reading {
  readonly as: "report" | "wake"
  readonly names: ReadonlySet<string>
  readonly isLast: (event: Sse.Event) => boolean
  readonly read: ((event: Sse.Event) => unknown) | undefined
  readonly parse: ((text: string) => unknown) | undefined
  readonly run: ((body: unknown) => CheckResult.Run | undefined) | undefined
}

/** What events tell, and whether one of them is the last. */
export interface Heard<A, F> {
  readonly all: ReadonlyArray<Told.Told<A, F>>
  readonly isOver: boolean
}

/** Makes a function that reads events. Several reasons to check in a row are one, and what cannot be read is one. */
export const make = <A, F, RD>(
  self: Reading,
  schema: StatusSchema<A, F, RD>
): ((events: ReadonlyArray<Sse.Event>) => Effect.Effect<Heard<A, F>, never, RD>) => {
  const decode = Schema.decodeUnknownEffect(schema)
  return (events) =>
    Effect.gen(function* () {
      const all: Array<Told.Told<A, F>> = []
      const wake = (): void => {
        if (all.at(-1)?._tag !== "Wake") all.push(Told.wake)
      }
      for (const event of events) {
        if (isLast(self, event)) {
          wake()
          return { all, isOver: true }
        }
        if (!self.names.has(event.event)) continue
        const content = self.as === "wake" ? unreadable : contentOf(self, event)
        if (content === undefined) continue
        if (content === unreadable) {
          wake()
          continue
        }
        const read = Effect.map(decode(content.body), (found) => Told.report(withRun(self, found, content.body)))
        // A Schema or a `run` of the user's may throw.
        const report = yield* Effect.catchDefect(Effect.catch(read, nothing), nothing)
        if (report === undefined) wake()
        else all.push(report)
      }
      return { all, isOver: false }
    })
}

// ---- internal ----

const unreadable = "unreadable"

const nothing = (): Effect.Effect<undefined> => Effect.undefined

const isLast = ({ isLast: isLastOne }: Reading, event: Sse.Event): boolean => {
  try {
    return sync(isLastOne(event))
  } catch {
    return false
  }
}

/** What the Schema decodes; undefined for an event that says nothing about the job. */
const contentOf = (
  { parse, read }: Reading,
  event: Sse.Event
): { readonly body: unknown } | typeof unreadable | undefined => {
  try {
    if (read !== undefined) {
      const body = sync(read(event))
      return body === undefined ? undefined : { body }
    }
    if (parse !== undefined) return { body: sync(parse(event.data)) }
    return isTooDeep(event.data) ? unreadable : { body: JSON.parse(event.data) as unknown }
  } catch {
    return unreadable
  }
}

const withRun = <A, F>(
  { run: runOf }: Reading,
  found: CheckResult.CheckResult<A, F>,
  body: unknown
): CheckResult.CheckResult<A, F> => {
  const run = runOf === undefined ? undefined : sync(runOf(body))
  return run === undefined ? found : CheckResult.withRun(found, run)
}
