import * as Effect from "effect/Effect"
import { DurableStoreError } from "../../DurableError.ts"
import type { DurableRow } from "../../DurableRow.ts"
import type { Service } from "../../DurableStore.ts"
import { isSealed } from "./sealed.ts"

/** Seals (encrypts) and opens (decrypts) the texts of a store. */
export interface Sealer {
  /** Seals a text for a place. It cannot be opened at any other place. */
  readonly seal: (text: string, place: string) => Effect.Effect<string, unknown>
  /** Opens a text. A text that cannot be opened, or is not sealed, is returned unchanged. */
  readonly open: (text: string, place: string) => Effect.Effect<string>
}

/** A store whose tokens, inputs and endings are sealed. */
export const sealedStore = (store: Service, { open, seal }: Sealer): Service => {
  const sealing = (operation: string, text: string, place: string): Effect.Effect<string, DurableStoreError> =>
    Effect.mapError(seal(text, place), (cause) => new DurableStoreError({ operation, cause }))

  const sealEach = <A, B>(
    items: ReadonlyArray<A>,
    each: (item: A) => Effect.Effect<B, DurableStoreError>
  ): Effect.Effect<ReadonlyArray<B>, DurableStoreError> => Effect.forEach(items, each, { concurrency: atOnce })

  const openRow = (row: DurableRow): Effect.Effect<DurableRow> => {
    if (isOpen(row)) return Effect.succeed(row)
    const { ended, id, input, round, token } = row
    return Effect.gen(function* () {
      return {
        ...row,
        token: token && (yield* open(token, tokenOf(id, round))),
        input: input && (yield* open(input, inputOf(id))),
        ended: ended && { ...ended, ending: yield* open(ended.ending, endingOf(id, round)) }
      }
    })
  }

  const openAll = <E>(rows: Effect.Effect<ReadonlyArray<DurableRow>, E>): Effect.Effect<ReadonlyArray<DurableRow>, E> =>
    Effect.flatMap(rows, (all) => Effect.forEach(all, openRow, { concurrency: atOnce }))

  let hasWarned = false
  /** Hides the rows that this process cannot open from its runner. */
  const aside = (rows: ReadonlyArray<DurableRow>): Effect.Effect<ReadonlyArray<DurableRow>> => {
    // No runner has a kind with an empty name. The row itself stays in the list, for callers that count rows.
    const put = rows.map((row) => (isOpen(row) ? row : { ...row, kind: "" }))
    if (hasWarned || rows.every(isOpen)) return Effect.succeed(put)
    hasWarned = true
    return Effect.as(
      Effect.logWarning(
        "This process does not have the key of some encrypted durable waits, so it does not check them"
      ),
      put
    )
  }

  const sealed: Service = {
    ...store,
    insert: (rows) =>
      sealEach(rows, (row) =>
        Effect.gen(function* () {
          const { id, input, token } = row
          return {
            ...row,
            token: token && (yield* sealing("insert", token, tokenOf(id, 1))),
            input: input && (yield* sealing("insert", input, inputOf(id)))
          }
        })
      ).pipe(Effect.flatMap(store.insert)),
    finish: (kind, batch) =>
      sealEach(batch, (finish) =>
        Effect.map(sealing("finish", finish.ending, endingOf(finish.id, finish.round)), (ending) => ({
          ...finish,
          ending
        }))
      ).pipe(Effect.flatMap((sealed) => store.finish(kind, sealed))),
    save: (batch) =>
      sealEach(batch, (save) =>
        Effect.map(sealing("save", save.token, tokenOf(save.id, save.round)), (token) => ({ ...save, token }))
      ).pipe(Effect.flatMap(store.save)),
    scan: (request) =>
      Effect.gen(function* () {
        const scan = yield* store.scan(request)
        return { ...scan, rows: yield* aside(yield* openAll(Effect.succeed(scan.rows))) }
      }),
    load: (request) => Effect.flatMap(openAll(store.load(request)), aside),
    reopen: (kind, id, hooks) =>
      Effect.flatMap(store.reopen(kind, id, hooks), (row) => (row === undefined ? Effect.undefined : openRow(row))),
    find: (kind, ids) => openAll(store.find(kind, ids)),
    ended: (kind, after, limit) => openAll(store.ended(kind, after, limit)),
    list: (filter) => openAll(store.list(filter)),
    hooked: (request) =>
      Effect.gen(function* () {
        const hooked = yield* store.hooked(request)
        const rows = yield* aside(yield* openAll(Effect.succeed(hooked.map(({ row }) => row))))
        return hooked.map(({ hook }, at) => ({ hook, row: rows[at]! }))
      })
  }
  sealers.set(sealed, { open, seal })
  return sealed
}

/** What seals the texts of a store, for a text that leaves it; `undefined` if they are not sealed. */
export const sealerOf = (store: Service): Sealer | undefined => sealers.get(store)

// ---- internal ----

const atOnce = 32

const sealers = new WeakMap<Service, Sealer>()

/** Whether nothing of a row is sealed. */
const isOpen = ({ ended, input, token }: DurableRow): boolean =>
  !isSealed(token) && !isSealed(input) && !isSealed(ended?.ending ?? null)

// Places: a text cannot be moved to another row or field, or be replaced by that of an earlier round.

const inputOf = (id: string): string => JSON.stringify(["input", id])

const tokenOf = (id: string, round: number): string => JSON.stringify(["token", id, round])

const endingOf = (id: string, round: number): string => JSON.stringify(["ending", id, round])
