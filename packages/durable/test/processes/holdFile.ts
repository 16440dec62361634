/** Opens a file, submits a job, says so, and keeps the file until it is killed. */
import * as Effect from "effect/Effect"
import * as DurableSqlite from "@effect-poll/durable/DurableSqlite"
import { DurableStore } from "@effect-poll/durable/DurableStore"
import { job } from "../storeSubject.ts"

const filename = process.argv[2] ?? ""

const program = Effect.gen(function* () {
  const store = yield* DurableStore
  yield* store.insert([job(`job of ${process.argv[3]}`)])
  process.stdout.write("holding\n")
  return yield* Effect.never
})

Effect.runFork(Effect.provide(program, DurableSqlite.layer({ filename })))

// Nothing else keeps the process.
setInterval(() => undefined, 1_000)
