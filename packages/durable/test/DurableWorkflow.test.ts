import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as DurableDeferred from "effect/workflow/DurableDeferred"
import * as Workflow from "effect/workflow/Workflow"
import * as WorkflowEngine from "effect/workflow/WorkflowEngine"
import * as Job from "effect-poll/Job"
import * as Poll from "effect-poll/Poll"
import * as Poller from "effect-poll/Poller"
import * as Status from "effect-poll/Status"
import * as DurablePoll from "@effect-poll/durable/DurablePoll"
import { DurableStore, layerMemory as DurableStoreMemory } from "@effect-poll/durable/DurableStore"
import * as DurableSeal from "@effect-poll/durable/DurableSeal"
import * as DurableWorkflow from "@effect-poll/durable/DurableWorkflow"
import * as Ownership from "@effect-poll/durable/Ownership"
import { hour, inMemory, makeServer, runnerOn } from "./support/jobs.ts"
import { createHash, randomBytes } from "node:crypto"
import { SignalCrypto } from "effect-poll/SignalCrypto"

const Render = Workflow.make("Render", {
  payload: { id: Schema.String, keys: Schema.Array(Schema.String) },
  success: Schema.Array(Schema.String),
  error: Schema.String,
  idempotencyKey: ({ id }) => id
})

/** The clock of a test does not wait for Web Crypto, which answers later. */
const crypto = Layer.succeed(SignalCrypto, {
  randomBytes: (size) => Effect.sync(() => new Uint8Array(randomBytes(size))),
  sha256: (data) => Effect.sync(() => new Uint8Array(createHash("sha256").update(data).digest()))
})

const memory = WorkflowEngine.layerMemory.pipe(Layer.provideMerge(crypto))

type Wait = (key: string, at: number) => Effect.Effect<string, { readonly _tag: string }, DurableWorkflow.WaitServices>

/** A workflow that runs its waits at the same time, and what it did. */
const world = (wait?: (poll: ReturnType<typeof pollOf>) => Wait) => {
  const server = makeServer()
  const poll = pollOf(server.job)
  const waiting = wait?.(poll) ?? ((key) => DurableWorkflow.inWorkflow(poll, key))
  const runs: Array<string> = []
  const workflow = Render.toLayer(({ id, keys }) =>
    Effect.andThen(
      Effect.sync(() => runs.push(id)),
      Effect.forEach(keys, waiting, { concurrency: "unbounded" }).pipe(Effect.mapError((error) => error._tag))
    )
  )
  const delivery = DurableWorkflow.layer(poll)
  return { ...server, poll, runs, workflow, delivery }
}

const pollOf = (job: ReturnType<typeof makeServer>["job"]) => DurablePoll.make(job, hour)

/** Everything in one process. */
const inOne = ({ delivery, poll, workflow }: ReturnType<typeof world>) =>
  Layer.merge(workflow, delivery).pipe(Layer.provideMerge(inMemory(poll)), Layer.provideMerge(memory))

const openJobs = DurableStore.use((store) => store.list({ state: "open" }))
const allJobs = DurableStore.use((store) => store.list({}))

const tick = Effect.callback<void>((resume) => void setImmediate(() => resume(Effect.void)))

/** Waits in real time for the engine, which computes the ids of executions by Web Crypto, and until nothing is left to do. */
const begun = (runs: ReadonlyArray<string>, id: string) =>
  Effect.andThen(Effect.repeat(tick, { until: () => runs.includes(id) }), Effect.repeat(tick, { times: 20 }))

describe("DurableWorkflow", () => {
  it.effect("inWorkflow - suspends until the job has ended, and makes no check itself", () => {
    const of = world()
    return Effect.gen(function* () {
      const executionId = yield* Render.execute({ id: "1", keys: ["a"] }, { discard: true })
      yield* begun(of.runs, "1")
      yield* TestClock.adjust("25 seconds")
      const suspended = yield* Render.poll(executionId)
      assert.strictEqual(Option.getOrThrow(suspended)._tag, "Suspended")
      assert.deepStrictEqual(of.checks, ["a", "a", "a"])
      assert.deepStrictEqual(of.runs, ["1"])
      of.answers.set("a", Status.succeeded("a.png"))
      yield* TestClock.adjust("10 seconds")
      const complete = Option.getOrThrow(yield* Render.poll(executionId))
      assert.deepStrictEqual(complete, new Workflow.Complete({ exit: Exit.succeed(["a.png"]) }))
      // One replay, with the result at hand.
      assert.deepStrictEqual(of.runs, ["1", "1"])
      assert.strictEqual((yield* allJobs).length, 1)
      const left = yield* DurableStore.use((store) => store.hooked({ kinds: ["render"], limit: 10 }))
      assert.deepStrictEqual(left, [])
    }).pipe(Effect.provide(inOne(of)))
  })

  it.effect("inWorkflow - two waits are registered before the workflow is suspended, and run at the same time", () => {
    const of = world()
    return Effect.gen(function* () {
      const execution = yield* Effect.forkChild(Render.execute({ id: "1", keys: ["a", "b", "c"] }))
      yield* begun(of.runs, "1")
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* openJobs).length, 3)
      assert.deepStrictEqual(of.runs, ["1"])
      for (const key of ["b", "c", "a"]) {
        of.answers.set(key, Status.succeeded(`${key}.png`))
        yield* TestClock.adjust("15 seconds")
      }
      assert.deepStrictEqual(yield* Fiber.join(execution), ["a.png", "b.png", "c.png"])
      assert.strictEqual((yield* allJobs).length, 3)
      assert.deepStrictEqual(of.runs, ["1", "1", "1", "1"])
    }).pipe(Effect.provide(inOne(of)))
  })

  it.effect("inWorkflow - a replay does not register jobs again that have ended", () => {
    const of = world()
    let hooks = 0
    const counting = Layer.effect(
      DurableStore,
      Effect.map(DurableStore, (store) => ({
        ...store,
        hook: (kind: string, id: string, hook: string) => Effect.suspend(() => (hooks++, store.hook(kind, id, hook)))
      }))
    )
    const placement = Layer.merge(counting.pipe(Layer.provide(DurableStoreMemory)), Ownership.layerLocal)
    return Effect.gen(function* () {
      const execution = yield* Effect.forkChild(Render.execute({ id: "1", keys: ["a", "b"] }))
      yield* begun(of.runs, "1")
      yield* TestClock.adjust("1 second")
      assert.strictEqual(hooks, 2)
      for (const key of ["a", "b"]) {
        of.answers.set(key, Status.succeeded(`${key}.png`))
        yield* TestClock.adjust("15 seconds")
      }
      assert.deepStrictEqual(yield* Fiber.join(execution), ["a.png", "b.png"])
      // Once more for the one that had not ended at the first replay.
      assert.strictEqual(hooks, 3)
    }).pipe(
      Effect.provide(
        Layer.merge(of.workflow, of.delivery).pipe(
          Layer.provideMerge(runnerOn(placement, of.poll)),
          Layer.provideMerge(memory)
        )
      )
    )
  })

  it.effect("inWorkflow - each execution has its own job", () => {
    const of = world()
    return Effect.gen(function* () {
      yield* Render.execute({ id: "1", keys: ["a"] }, { discard: true })
      yield* Render.execute({ id: "2", keys: ["a"] }, { discard: true })
      yield* begun(of.runs, "1")
      yield* begun(of.runs, "2")
      assert.strictEqual((yield* allJobs).length, 2)
    }).pipe(Effect.provide(inOne(of)))
  })

  it.effect("inWorkflow - fails with the errors of await", () => {
    const errors: Array<{ readonly _tag: string }> = []
    const of = world(
      (poll) => (key) =>
        Effect.tapError(DurableWorkflow.inWorkflow(poll, key, { deadline: "1 minute" }), (error) =>
          Effect.sync(() => errors.push(error))
        )
    )
    return Effect.gen(function* () {
      of.answers.set("a", Status.failed(7))
      const failed = yield* Effect.forkChild(Effect.exit(Render.execute({ id: "1", keys: ["a"] })))
      yield* begun(of.runs, "1")
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(yield* Effect.flip(yield* Fiber.join(failed)), "JobFailed")
      const [error] = errors
      assert.isTrue(error !== undefined && "failure" in error && error.failure === 7)
      const late = yield* Effect.forkChild(Effect.exit(Render.execute({ id: "2", keys: ["b"] })))
      yield* begun(of.runs, "2")
      yield* TestClock.adjust("2 minutes")
      assert.strictEqual(yield* Effect.flip(yield* Fiber.join(late)), "PollTimeout")
      const canceled = yield* Effect.forkChild(Effect.exit(Render.execute({ id: "3", keys: ["c"] })))
      yield* begun(of.runs, "3")
      yield* TestClock.adjust("1 second")
      const [open] = yield* openJobs
      yield* of.poll.settle({ kind: "render", id: open!.id }, Status.canceled())
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual(yield* Effect.flip(yield* Fiber.join(canceled)), "JobCanceled")
    }).pipe(Effect.provide(inOne(of)))
  })

  it.effect("inWorkflow - several workflows may wait for one job, even after it has ended", () => {
    const of = world((poll) => (key) => DurableWorkflow.inWorkflow(poll, key, { idempotencyKey: key }))
    return Effect.gen(function* () {
      const executions = yield* Effect.forEach(["1", "2"], (id) =>
        Effect.forkChild(Render.execute({ id, keys: ["a"] }))
      )
      yield* begun(of.runs, "1")
      yield* begun(of.runs, "2")
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* openJobs).length, 1)
      of.answers.set("a", Status.succeeded("a.png"))
      yield* TestClock.adjust("12 seconds")
      assert.deepStrictEqual(yield* Fiber.joinAll(executions), [["a.png"], ["a.png"]])
      const later = yield* Effect.forkChild(Render.execute({ id: "3", keys: ["a"] }))
      yield* begun(of.runs, "3")
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(yield* Fiber.join(later), ["a.png"])
      assert.strictEqual((yield* allJobs).length, 1)
    }).pipe(Effect.provide(inOne(of)))
  })

  it.effect("inWorkflow - waits with the same name share a job, and waits with different names do not", () => {
    const of = world(
      (poll) => (key, at) => DurableWorkflow.inWorkflow(poll, key, { name: at === 0 ? "first" : "others" })
    )
    return Effect.gen(function* () {
      of.answers.set("a", Status.succeeded("a.png"))
      const execution = yield* Effect.forkChild(Render.execute({ id: "1", keys: ["a", "a", "a"] }))
      yield* begun(of.runs, "1")
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual(yield* Fiber.join(execution), ["a.png", "a.png", "a.png"])
      assert.strictEqual((yield* allJobs).length, 2)
    }).pipe(Effect.provide(inOne(of)))
  })

  it.effect("inWorkflow - interrupting the workflow does not end the job", () => {
    const of = world()
    return Effect.gen(function* () {
      const executionId = yield* Render.execute({ id: "1", keys: ["a"] }, { discard: true })
      yield* begun(of.runs, "1")
      yield* TestClock.adjust("1 second")
      yield* Render.interrupt(executionId)
      yield* TestClock.adjust("1 second")
      const complete = Option.getOrThrow(yield* Render.poll(executionId))
      assert.isTrue(
        complete._tag === "Complete" && Exit.isFailure(complete.exit) && Cause.hasInterruptsOnly(complete.exit.cause)
      )
      assert.strictEqual((yield* openJobs).length, 1)
      assert.deepStrictEqual(of.canceled, [])
      of.answers.set("a", Status.succeeded("a.png"))
      yield* TestClock.adjust("12 seconds")
      assert.deepStrictEqual(
        (yield* allJobs).map(({ ended }) => ended?.outcome),
        ["Succeeded"]
      )
      // Its hook is delivered to nobody, and removed.
      const left = yield* DurableStore.use((store) => store.hooked({ kinds: ["render"], limit: 10 }))
      assert.deepStrictEqual(left, [])
    }).pipe(Effect.provide(inOne(of)))
  })

  it.effect("awaitInWorkflow - waits for a job that was submitted elsewhere, and fails for an unknown one", () => {
    const ref = { kind: "render", id: "" }
    const of = world(
      (poll) => (key) => DurableWorkflow.awaitInWorkflow(poll, key === "a" ? ref : { ...ref, id: "unknown" })
    )
    return Effect.gen(function* () {
      const [submitted] = yield* of.poll.submit(["a"])
      Object.assign(ref, submitted)
      const known = yield* Effect.forkChild(Render.execute({ id: "1", keys: ["a"] }))
      yield* begun(of.runs, "1")
      const unknown = yield* Effect.forkChild(Effect.exit(Render.execute({ id: "2", keys: ["b"] })))
      yield* begun(of.runs, "2")
      of.answers.set("a", Status.succeeded("a.png"))
      yield* TestClock.adjust("12 seconds")
      assert.deepStrictEqual(yield* Fiber.join(known), ["a.png"])
      assert.strictEqual(yield* Effect.flip(yield* Fiber.join(unknown)), "DurableJobUnknown")
    }).pipe(Effect.provide(inOne(of)))
  })

  it.effect("runInWorkflow - a runner submits the job, once", () => {
    const submits: Array<string> = []
    const job = Job.make("upload", {
      check: (key: string) => Effect.succeed(Status.succeeded(`${key}.done`)),
      submit: (input: { readonly file: string; readonly token: string }) =>
        Effect.sync(() => (submits.push(input.file), { key: input.file }))
    }).pipe(Job.withCodecs({ success: Schema.String }))
    const poll = DurablePoll.make(job, {
      ...hour,
      input: {
        schema: Schema.Struct({ file: Schema.String, token: Schema.String }),
        withIdempotencyKey: (input, token) => ({ ...input, token })
      }
    })
    const of = { runs: [] as Array<string> }
    const workflow = Render.toLayer(({ id, keys }) =>
      Effect.forEach(
        (of.runs.push(id), keys),
        (file) => DurableWorkflow.runInWorkflow(poll, { file, token: "" }, { name: file }),
        {
          concurrency: "unbounded"
        }
      ).pipe(Effect.mapError((error) => error._tag))
    )
    return Effect.gen(function* () {
      const execution = yield* Effect.forkChild(Render.execute({ id: "1", keys: ["a", "b"] }))
      yield* begun(of.runs, "1")
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(yield* Fiber.join(execution), ["a.done", "b.done"])
      assert.deepStrictEqual(submits.toSorted(), ["a", "b"])
    }).pipe(
      Effect.provide(
        Layer.merge(workflow, DurableWorkflow.layer(poll)).pipe(
          Layer.provideMerge(inMemory(poll)),
          Layer.provideMerge(memory)
        )
      )
    )
  })

  it.effect("layer - repeats deliveries that failed, and is not held up by hooks of others", () => {
    const of = world()
    const refused = new Set(["a"])
    const engine = Layer.effect(
      WorkflowEngine.WorkflowEngine,
      Effect.gen(function* () {
        const inner = yield* WorkflowEngine.WorkflowEngine
        const deferredDone: typeof inner.deferredDone = (deferred, done) =>
          Effect.suspend(() =>
            Array.from(refused).some((key) => JSON.stringify(done.exit).includes(`${key}.png`))
              ? Effect.die(new Error("the engine does not answer"))
              : inner.deferredDone(deferred, done)
          )
        return { ...inner, deferredDone }
      })
    ).pipe(Layer.provideMerge(memory))
    return Effect.gen(function* () {
      const store = yield* DurableStore
      // Hooks of others, more than are read at a time.
      const others = yield* of.poll.submit(Array.from({ length: 250 }, (_, at) => `other-${at}`))
      for (const { id, kind } of others) {
        yield* store.hook(kind, id, "somebody else's")
        yield* of.poll.settle({ id, kind }, Status.succeeded("other"))
      }
      of.answers.set("a", Status.succeeded("a.png"))
      of.answers.set("b", Status.succeeded("b.png"))
      const first = yield* Effect.forkChild(Render.execute({ id: "1", keys: ["a"] }))
      yield* begun(of.runs, "1")
      yield* TestClock.adjust("1 second")
      const second = yield* Effect.forkChild(Render.execute({ id: "2", keys: ["b"] }))
      yield* begun(of.runs, "2")
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual(yield* Fiber.join(second), ["b.png"])
      assert.isUndefined(first.pollUnsafe())
      refused.clear()
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual(yield* Fiber.join(first), ["a.png"])
      assert.strictEqual((yield* store.hooked({ kinds: ["render"], limit: 1_000 })).length, 250)
    }).pipe(
      Effect.provide(
        Layer.merge(of.workflow, of.delivery).pipe(Layer.provideMerge(inMemory(of.poll)), Layer.provideMerge(engine))
      )
    )
  })

  it.live("layer - what the engine stores is encrypted if the store is, by a process that has the key", () => {
    const of = world()
    const told: Array<string> = []
    const engine = Layer.effect(
      WorkflowEngine.WorkflowEngine,
      Effect.gen(function* () {
        const inner = yield* WorkflowEngine.WorkflowEngine
        const deferredDone: typeof inner.deferredDone = (deferred, done) =>
          Effect.suspend(() => (told.push(JSON.stringify(done.exit)), inner.deferredDone(deferred, done)))
        return { ...inner, deferredDone }
      })
    ).pipe(Layer.provideMerge(memory))
    const keys = [{ id: "one", bytes: Redacted.make(new Uint8Array(32).fill(7)) }] as const
    return Effect.gen(function* () {
      const plain = Layer.succeed(DurableStore, yield* DurableStore)
      const sealed = Layer.fresh(DurableSeal.layerWebCrypto({ keys })).pipe(Layer.provide(plain))
      of.answers.set("a", Status.succeeded("secret.png"))
      const result = Effect.gen(function* () {
        const execution = yield* Effect.forkChild(Render.execute({ id: "1", keys: ["a"] }))
        const ended = Effect.map(
          DurableStore.use((store) => store.hooked({ kinds: ["render", ""], limit: 10 })),
          (all) => all.length
        )
        yield* Effect.repeat(Effect.delay(ended, 20), { until: (count) => count > 0 })
        // It has not the key.
        yield* Effect.provide(Effect.sleep(100), Layer.fresh(of.delivery).pipe(Layer.provide(plain)))
        assert.deepStrictEqual(told, [])
        return yield* Effect.provide(Fiber.join(execution), of.delivery)
      }).pipe(
        Effect.provide(
          of.workflow.pipe(
            Layer.provideMerge(runnerOn(Layer.merge(sealed, Ownership.layerLocal), of.poll)),
            Layer.provideMerge(engine)
          )
        )
      )
      assert.deepStrictEqual(yield* result, ["secret.png"])
      assert.strictEqual(told.length, 1)
      assert.notInclude(told[0]!, "secret")
    }).pipe(Effect.provide(DurableStoreMemory))
  })

  it.effect("layer - an end that is delivered before the workflow waits for it is not lost", () => {
    const of = world()
    const delivery = Layer.effectDiscard(Effect.void)
    return Effect.gen(function* () {
      of.answers.set("a", Status.succeeded("a.png"))
      const execution = yield* Effect.forkChild(Render.execute({ id: "1", keys: ["a"] }))
      yield* begun(of.runs, "1")
      yield* TestClock.adjust("10 seconds")
      // Nobody has told it.
      assert.isUndefined(execution.pollUnsafe())
      assert.deepStrictEqual(
        (yield* allJobs).map(({ ended }) => ended?.outcome),
        ["Succeeded"]
      )
      yield* Effect.gen(function* () {
        yield* TestClock.adjust("2 seconds")
        yield* TestClock.adjust("30 seconds")
        assert.deepStrictEqual(yield* Fiber.join(execution), ["a.png"])
      }).pipe(Effect.provide(of.delivery))
    }).pipe(
      Effect.provide(
        Layer.merge(of.workflow, delivery).pipe(Layer.provideMerge(inMemory(of.poll)), Layer.provideMerge(memory))
      )
    )
  })
})

describe("fromWorkflow", () => {
  const Wait = DurableDeferred.make("wait", { success: Schema.Finite, error: Schema.String })
  const Double = Workflow.make("Double", {
    payload: { id: Schema.String },
    success: Schema.Finite,
    error: Schema.String,
    idempotencyKey: ({ id }) => id
  })
  const double = Double.toLayer(({ id }) =>
    id === "dies" ? Effect.die(new Error("a bug")) : Effect.map(DurableDeferred.await(Wait), (value) => 2 * value)
  )
  const DoubleJob = DurableWorkflow.fromWorkflow(Double)
  const done = (executionId: string, exit: Exit.Exit<number, string>) =>
    WorkflowEngine.WorkflowEngine.use((engine) =>
      engine.deferredDone(Wait, { workflowName: "Double", executionId, deferredName: Wait.name, exit })
    )
  const live = double.pipe(Layer.provideMerge(memory))

  it.effect("a Poller waits for workflows", () =>
    Effect.gen(function* () {
      const poller = yield* Poller.make()
      const ids = yield* Effect.forEach(["a", "b", "c"], (id) => Double.execute({ id }, { discard: true }))
      const handles = yield* Effect.forEach(ids, (id) => poller.add(DoubleJob, id, hour))
      yield* TestClock.adjust("1 minute")
      yield* done(ids[0]!, Exit.succeed(21))
      yield* done(ids[1]!, Exit.fail("no"))
      yield* Double.interrupt(ids[2]!)
      const exits = yield* Effect.forkChild(
        Effect.forEach(handles, (handle) => Effect.exit(handle.await), { concurrency: "unbounded" })
      )
      yield* TestClock.adjust("5 minutes")
      const [first, second, third] = yield* Fiber.join(exits)
      assert.deepStrictEqual(first, Exit.succeed(42))
      const failed = yield* Effect.flip(second!)
      assert.isTrue(failed._tag === "JobFailed" && failed.failure === "no")
      assert.strictEqual((yield* Effect.flip(third!))._tag, "JobCanceled")
    }).pipe(Effect.scoped, Effect.provide(live))
  )

  it.effect(
    "a submit executes the workflow, a cancel interrupts it, and a defect of the workflow is a defect of the wait",
    () =>
      Effect.gen(function* () {
        // The ids of executions are made in real time, which may be later than what the clock of the test was moved by.
        const joined = <A, E>(fiber: Fiber.Fiber<A, E>) =>
          Effect.gen(function* () {
            while (fiber.pollUnsafe() === undefined) yield* TestClock.adjust("10 millis")
            return yield* Fiber.join(fiber)
          })
        const run = yield* Effect.forkChild(Poll.run(DoubleJob, { id: "d" }, hour))
        yield* TestClock.adjust("1 second")
        const executionId = yield* Double.executionId({ id: "d" })
        yield* done(executionId, Exit.succeed(1))
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(yield* joined(run), 2)

        const dying = yield* Effect.forkChild(Effect.exit(Poll.run(DoubleJob, { id: "dies" }, hour)))
        yield* TestClock.adjust("1 minute")
        const exit = yield* joined(dying)
        assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause))

        const canceled = yield* Double.execute({ id: "e" }, { discard: true })
        yield* DoubleJob.cancel!(canceled)
        const waiting = yield* Effect.forkChild(Effect.flip(Poll.until(DoubleJob, canceled, hour)))
        yield* TestClock.adjust("1 minute")
        assert.strictEqual((yield* joined(waiting))._tag, "JobCanceled")
        assert.strictEqual(DoubleJob.name, "workflow/Double")
      }).pipe(Effect.provide(live))
  )
})
