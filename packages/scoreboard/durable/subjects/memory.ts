// The plain Poller: the same jobs, in memory only.
import * as Effect from "effect/Effect"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Stream from "effect/Stream"
import * as Poller from "effect-poll/Poller"
import type { Server, Subject } from "../work.ts"
import { jobOf, optionsOf } from "./job.ts"

export const poller: Subject = {
  start: async (_, world) => {
    const job = jobOf(world)
    const options = { ...optionsOf(world), deadline: "1 hour" } as const
    const runtime = ManagedRuntime.make(Poller.layer({ concurrency: "unbounded", capacity: "unbounded" }))
    await runtime.context()
    const wait = Effect.fnUntraced(function* (keys: ReadonlyArray<string>) {
      const poller = yield* Poller.Poller
      yield* Stream.runDrain(poller.results(job, Stream.fromIterable(keys), options))
    })
    return { run: ({ keys }: Server) => runtime.runPromise(wait(keys)) }
  }
}
