import { describe } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { DurableStore, layerMemory } from "@effect-poll/durable/DurableStore"
import { endLaws } from "./storeLawsEnds.ts"
import { ownerLaws } from "./storeLawsOwners.ts"
import { rowLaws } from "./storeLawsRows.ts"
import type { Make } from "./storeSubject.ts"

const make: Make = Effect.map(Layer.build(Layer.fresh(layerMemory)), (context) => {
  const store = Context.get(context, DurableStore)
  return { store, other: store, sql: undefined }
})

describe("DurableStore.layerMemory", () => {
  rowLaws(make)
  ownerLaws(make)
  endLaws(make)
})
