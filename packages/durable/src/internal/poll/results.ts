import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Stream from "effect/Stream"
import type { DurableStoreError } from "../../DurableError.ts"
import type { DurableRow } from "../../DurableRow.ts"
import type { Service } from "../../DurableStore.ts"
import { tolerant, until, wake } from "./changes.ts"
import { Pages } from "./pages.ts"

/** The ended rows of a kind after a position, in the order of their positions. Never ends. */
export const endedRows = (
  store: Service,
  kind: string,
  after: number | "now"
): Stream.Stream<DurableRow, DurableStoreError> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const latch = Latch.makeUnsafe()
      yield* wake(store, latch)
      let position = after === "now" ? yield* tolerant(store.position(kind)) : after
      let isFull = true
      const pages = new Pages(pageSize)
      const page = Effect.suspend(() => {
        // An end that is stored from here on may not be in this page.
        latch.closeUnsafe()
        return tolerant(store.ended(kind, position, pages.size))
      })
      const next = Effect.gen(function* () {
        for (;;) {
          if (!isFull) yield* until(latch)
          const rows: ReadonlyArray<DurableRow> = yield* page
          isFull = rows.length === pages.size
          pages.read(rows)
          position = rows.at(-1)?.ended?.position ?? position
          if (Arr.isReadonlyArrayNonEmpty(rows)) return rows
        }
      })
      return Stream.fromPull(Effect.succeed(next))
    })
  )

// ---- internal ----

const pageSize = 500
