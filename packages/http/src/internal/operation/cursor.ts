import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { type LongRunningOperation, Phase } from "../../LongRunningOperation.ts"

// What has changed of an operation since its key was made, as the cursor of its wait: a server may move the URL to
// check, and a cursor is shared by all waits for the operation and stands in their tokens.

/** The operation as it stands; undefined for a cursor that is not one of ours. */
export const read = (operation: LongRunningOperation, cursor: string | undefined): LongRunningOperation | undefined => {
  if (cursor === undefined) return operation
  const changes = decode(cursor)
  return Result.isSuccess(changes) ? { ...operation, ...changes.success } : undefined
}

/**
 * The cursor of an operation as it stands, where it is to be kept: undefined if the cursor `before` says the same.
 */
export const write = (
  original: LongRunningOperation,
  current: LongRunningOperation,
  before: string | undefined
): string | undefined => {
  const changes = {
    ...(isSame(original.phase, current.phase) ? {} : { phase: current.phase }),
    ...(isSame(original.notes, current.notes) ? {} : { notes: current.notes }),
    ...(original.cursor === current.cursor ? {} : { cursor: current.cursor })
  }
  if (before === undefined && Object.keys(changes).length === 0) return undefined
  const cursor = encode(changes)
  return cursor === before ? undefined : cursor
}

/** The longest cursor, in bytes: what core takes. */
export const maxLength = 8192

// ---- internal ----

const Changes = Schema.StringFromBase64Url.pipe(
  Schema.decodeTo(
    Schema.fromJsonString(
      Schema.Struct({
        phase: Schema.optionalKey(Phase),
        notes: Schema.optionalKey(Schema.Record(Schema.String, Schema.String)),
        cursor: Schema.optional(Schema.String)
      })
    )
  )
)

const encode = Schema.encodeSync(Changes)
const decode = Schema.decodeUnknownResult(Changes)

const isSame = (a: unknown, b: unknown): boolean => a === b || JSON.stringify(a) === JSON.stringify(b)
