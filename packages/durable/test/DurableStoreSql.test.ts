import { describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as postgres from "./postgres.ts"
import { openerOf } from "./postgresStore.ts"
import { endLaws } from "./storeLawsEnds.ts"
import { ownerLaws } from "./storeLawsOwners.ts"
import { rowLaws } from "./storeLawsRows.ts"
import type { Make } from "./storeSubject.ts"

const { open, prefix: nextPrefix } = openerOf("store_laws")

const make: Make = Effect.gen(function* () {
  const prefix = nextPrefix()
  const { sql, store } = yield* open({ prefix })
  const { store: other } = yield* open({ prefix, migrate: false })
  return { store, other, sql }
})

describe.skipIf(postgres.isMissing)("DurableStoreSql on PostgreSQL", () => {
  rowLaws(make)
  ownerLaws(make)
  endLaws(make)
})
