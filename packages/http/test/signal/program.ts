import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FiberMap from "effect/FiberMap"
import * as FiberSet from "effect/FiberSet"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import type { Scope } from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Job from "effect-poll/Job"
import * as Poller from "effect-poll/Poller"
import type { ResumeToken } from "effect-poll/ResumeToken"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"

// Programs that wait for jobs in a Poller and are ended by SIGTERM: `node program.ts <directory> <shape> <keys>`. The
// jobs end once the directory has a file `done`, and a canceled one stands in the file `canceled`.

const [directory, shape, keyList] = process.argv.slice(2) as [string, string, string]
const keys = keyList.split(",")
const inDirectory = (name: string) => join(directory, name)

const seen = new Set<string>()
const noteCheck = (key: string) => {
  if (seen.has(key)) return
  seen.add(key)
  if (seen.size === keys.length) process.stdout.write("ready\n")
}

const Render = Job.make("render", {
  check: (key: string) =>
    Effect.sync(() => {
      noteCheck(key)
      return existsSync(inDirectory("done")) ? Status.succeeded(`${key}.png`) : Status.pending()
    }),
  cancel: (key) => Effect.sync(() => appendFileSync(inDirectory("canceled"), `${key}\n`)),
  strategy: Strategy.spaced("20 millis")
})

const optionsOf = (key: string) =>
  ({ deadline: "1 minute", onInterrupt: key.startsWith("cancel") ? "cancelRemote" : "leave" }) as const

const save = (tokens: ReadonlyArray<ResumeToken>) =>
  Effect.sync(() => writeFileSync(inDirectory("tokens"), JSON.stringify(tokens)))

/** A Poller whose tokens are stored by a finalizer of the program. */
const storing = Effect.gen(function* () {
  const poller = yield* Poller.make()
  yield* Effect.addFinalizer(() => Effect.flatMap(poller.shutdown, save))
  return poller
})

const waitFor = (poller: Poller.Service) => (key: string) => poller.until(Render, key, optionsOf(key))
const waitForAll = (poller: Poller.Service) => Effect.forEach(keys, waitFor(poller), { concurrency: "unbounded" })

class Other extends Context.Service<Other, number>()("test/Other") {}
const other = Layer.succeed(Other, 1)
const built = Poller.layer({ onShutdown: save })
const own = Layer.effect(Poller.Poller, storing)

const worker = Layer.effectDiscard(
  Effect.gen(function* () {
    const poller = yield* Poller.Poller
    for (const key of keys) yield* Effect.forkScoped(waitFor(poller)(key))
  })
)

/** Runs in the fibers of a runtime, which SIGTERM disposes of. */
const disposed = (layer: Layer.Layer<Poller.Poller>): void => {
  const runtime = ManagedRuntime.make(layer)
  const alive = setInterval(() => {}, 1000)
  process.once("SIGTERM", () => void runtime.dispose().then(() => clearInterval(alive)))
  for (const key of keys) runtime.runFork(Effect.flatMap(Poller.Poller, (poller) => waitFor(poller)(key)))
}

const shapes: Record<string, Effect.Effect<unknown, unknown, Scope>> = {
  direct: Effect.flatMap(storing, (poller) => waitFor(poller)(keys[0]!)),
  forEach: Effect.flatMap(storing, waitForAll),
  generators: Effect.flatMap(storing, (poller) =>
    Effect.forEach(
      keys,
      Effect.fnUntraced(function* (key) {
        yield* Effect.yieldNow
        return yield* waitFor(poller)(key)
      }),
      { concurrency: 2 }
    )
  ),
  forkScoped: Effect.gen(function* () {
    const poller = yield* storing
    for (const key of keys) yield* Effect.forkScoped(waitFor(poller)(key))
    return yield* Effect.never
  }),
  innerScope: Effect.gen(function* () {
    const poller = yield* storing
    return yield* Effect.scoped(
      Effect.gen(function* () {
        for (const key of keys) yield* Effect.forkScoped(waitFor(poller)(key))
        return yield* Effect.never
      })
    )
  }),
  fiberSet: Effect.gen(function* () {
    const poller = yield* storing
    const fibers = yield* FiberSet.make()
    for (const key of keys) yield* FiberSet.run(fibers, waitFor(poller)(key))
    return yield* Effect.never
  }),
  fiberMap: Effect.gen(function* () {
    const fibers = yield* FiberMap.make<string>()
    const poller = yield* storing
    for (const key of keys) yield* FiberMap.run(fibers, key, waitFor(poller)(key))
    return yield* Effect.never
  }),
  nested: Effect.all([Effect.never, Effect.scoped(Effect.flatMap(storing, waitForAll))], { concurrency: "unbounded" }),
  results: Effect.flatMap(storing, (poller) =>
    Effect.forEach(keys, (key) => Stream.runDrain(poller.results(Render, [key], optionsOf(key))), {
      concurrency: "unbounded"
    })
  ),
  provided: Effect.provide(Effect.flatMap(Poller.Poller, waitForAll), built),
  merged: Effect.provide(Effect.flatMap(Poller.Poller, waitForAll), Layer.mergeAll(other, built)),
  launch: Layer.launch(Layer.provide(worker, built)),
  launchMerged: Layer.launch(Layer.provide(Layer.mergeAll(worker, other), Layer.mergeAll(other, built))),
  launchOwn: Layer.launch(Layer.provide(worker, own)),
  ownMerged: Effect.provide(Effect.flatMap(Poller.Poller, waitForAll), Layer.mergeAll(other, own)),
  // The first wait is given up before the signal.
  timeout: Effect.flatMap(storing, (poller) =>
    Effect.andThen(
      Effect.timeoutOption(waitFor(poller)(keys[0]!), "60 millis"),
      Effect.andThen(Effect.sleep("1500 millis"), waitFor(poller)(keys[1]!))
    )
  ),
  race: Effect.flatMap(storing, (poller) =>
    Effect.andThen(
      Effect.raceFirst(waitFor(poller)(keys[0]!), Effect.sleep("60 millis")),
      Effect.andThen(Effect.sleep("1500 millis"), waitFor(poller)(keys[1]!))
    )
  ),
  resume: Effect.gen(function* () {
    const poller = yield* Poller.make()
    const tokens = JSON.parse(readFileSync(inDirectory("tokens"), "utf8")) as ReadonlyArray<ResumeToken>
    const handles = yield* Effect.forEach(tokens, (token) => poller.resume(Render, token))
    const results = yield* Effect.forEach(handles, (handle) => handle.await)
    process.stdout.write(`${results.toSorted().join()}\n`)
  })
}

if (shape === "runtime") disposed(built)
else if (shape === "runtimeOwn") disposed(own)
else NodeRuntime.runMain(Effect.scoped(shapes[shape]!), { disableErrorReporting: true })
