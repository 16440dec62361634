import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import type * as Poller from "effect-poll/Poller"
import { DurableStore } from "../../DurableStore.ts"
import { Ownership } from "../../Ownership.ts"
import { follow } from "../following.ts"
import type { Kind } from "../kind.ts"
import { Again } from "./again.ts"
import { Audit } from "./audit.ts"
import { Backoff } from "./backoff.ts"
import { Calls } from "./calls.ts"
import { Claims } from "./claims.ts"
import { Departures } from "./departures.ts"
import { Endings } from "./endings.ts"
import { Hooks } from "./hooks.ts"
import { Outbox } from "./outbox.ts"
import { Parking } from "./parking.ts"
import { Reading } from "./reading.ts"
import { Saves } from "./saves.ts"
import type { Service } from "./service.ts"
import type { Settings } from "./settings.ts"
import { single } from "./single.ts"
import { Skew } from "./skew.ts"
import { type Entry, type Owned, State, type Watch } from "./state.ts"
import { loop } from "./steps.ts"
import { Upkeep } from "./upkeep.ts"
import { Waits } from "./waits.ts"

/** Makes a runner. What it has begun ends with the scope. */
export const make = (
  options: Omit<Settings, "buckets" | "reclaimAfter">,
  makePoller: Effect.Effect<Poller.Service, never, Scope.Scope>
): Effect.Effect<Service, never, DurableStore | Ownership | Scope.Scope> =>
  Effect.gen(function* () {
    const store = yield* DurableStore
    const ownership = yield* Ownership
    yield* single(store, ownership)
    const clock = yield* Clock.Clock
    const generator = yield* Random.Random
    const fork = Effect.runForkWith(yield* Effect.context<never>())
    const id = yield* runnerId
    const poller = yield* makePoller
    const settings: Settings = {
      ...options,
      buckets: ownership.buckets,
      reclaimAfter: millisOf(ownership.reclaimAfter)
    }

    const now = (): number => Number(clock.currentTimeNanosUnsafe()) / 1_000_000
    const wallClock = (): number => clock.currentTimeMillisUnsafe()
    const random = (): number => generator.nextDoubleUnsafe()
    const read = Latch.makeUnsafe()
    const flush = Latch.makeUnsafe()
    const tell = Latch.makeUnsafe()
    const changed = (): void => void read.openUnsafe()

    const state = new State()
    const skew = new Skew()
    const calls = new Calls()
    const around = { runner: id, store, calls, state, skew, settings, now, wallClock, random, fork, changed }
    const backed = () => ({ ...around, backoff: new Backoff(random) })
    const lost = (owned: Owned): Effect.Effect<void> => claims.lost(owned)

    const again: Again = new Again({ ...backed(), reading: () => waits.reading(), take: (rows) => waits.takeAll(rows) })
    const later = (watch: Watch): void => again.add(watch.row)
    const hooks = new Hooks({ ...around, changed: () => void tell.openUnsafe() })
    const endings: Endings = new Endings({
      ...backed(),
      flushInterval: settings.flushInterval,
      changed: flush,
      over: (watch, isOurs) => {
        waits.over(watch)
        if (isOurs) hooks.hint(watch.entry.kind)
      },
      lost
    })
    const ended: Endings["add"] = (watch, encoded, attempts) => endings.add(watch, encoded, attempts)
    const waits: Waits = new Waits({
      ...around,
      poller,
      ended,
      submit: (watch, isBegun) => outbox.add(watch, isBegun),
      later
    })
    const saves = new Saves(backed())
    const outbox: Outbox = new Outbox({
      ...backed(),
      saves,
      most: settings.submits,
      begin: (watch, token) => waits.begin(watch, token),
      ended,
      later: (watch) => {
        waits.over(watch)
        later(watch)
      },
      gone: (watch) => waits.over(watch)
    })
    const reading = new Reading({ ...backed(), waits, lost })
    const parking = new Parking({ ...around, waits, saves })
    const audit = new Audit({ ...backed(), waits })
    const departures = new Departures({
      ...backed(),
      waits,
      endings,
      saves,
      outbox,
      saveOnRelease: settings.saveOnRelease
    })
    const claims: Claims = new Claims({
      ...backed(),
      waits,
      reclaimAfter: settings.reclaimAfter,
      claimed: (owned) => {
        for (const entry of state.kinds.values()) reading.want(owned, entry)
        parking.begin()
        audit.begin()
        hooks.hint(undefined)
      },
      depart: (owned) => departures.ofBucket(owned)
    })
    const upkeep = new Upkeep(around)

    // In this order: what comes first is there until what comes after it has ended.
    const steps = [
      departures.step,
      claims.step,
      reading.scan,
      saves.step,
      outbox.step,
      reading.load,
      again.step,
      parking.step,
      audit.step
    ]
    yield* Effect.forkScoped(loop(steps, read, now))
    yield* Effect.forkScoped(loop([endings.step], flush, now))
    yield* Effect.forkScoped(loop([hooks.step], tell, now))
    yield* Effect.forkScoped(
      follow(store, (change) => {
        if (change === "submitted") return Effect.sync(() => reading.hint())
        return change === "ended" ? Effect.void : waits.settled(change.settled)
      })
    )
    yield* Effect.forkScoped(upkeep.beats)
    yield* Effect.forkScoped(upkeep.watchdog)
    yield* Effect.forkScoped(upkeep.retention)
    yield* Effect.forkScoped(owning(ownership, claims))

    const unregister = (entry: Entry): Effect.Effect<void> =>
      Effect.gen(function* () {
        if (state.kinds.get(entry.kind.name) === entry) state.kinds.delete(entry.kind.name)
        yield* departures.depart((watch) => watch.entry === entry, [], state.all())
        yield* hooks.settle(entry, 1_000)
        outbox.remove(entry)
      })

    return {
      id,
      register: (kind) =>
        Effect.asVoid(
          Effect.acquireRelease(
            Effect.suspend(() => {
              if (state.kinds.has(kind.name)) return Effect.die(registered(kind))
              const entry: Entry = { kind, isPaused: false, isScanned: false }
              state.kinds.set(kind.name, entry)
              for (const owned of state.buckets.values()) reading.want(owned, entry)
              hooks.hint(kind)
              changed()
              return Effect.succeed(entry)
            }),
            unregister
          )
        ),
      stats: Effect.sync(() => ({
        waits: state.waits,
        buckets: state.buckets.size,
        orphans: upkeep.orphans,
        scannedAt: reading.scannedAt,
        backlog: endings.backlog
      }))
    }
  })

// ---- internal ----

const millisOf = (after: Duration.Duration | "never"): number | undefined =>
  after === "never" ? undefined : Duration.toMillis(after)

/** Holds buckets for ever, whatever happens to the ownership. */
const owning = (ownership: Ownership["Service"], claims: Claims): Effect.Effect<never> =>
  Effect.forever(
    Effect.catchCause(
      ownership.run((bucket) => claims.hold(bucket)),
      (cause) =>
        Effect.andThen(Effect.logError("The ownership of buckets of durable waits ended", cause), Effect.sleep(1_000))
    )
  )

const registered = (kind: Kind): RangeError =>
  new RangeError(`DurableRunner.register: the kind ${JSON.stringify(kind.name)} is registered already`)

const runnerId = Effect.gen(function* () {
  const parts: Array<string> = []
  for (let at = 0; at < 4; at++) {
    const part = yield* Random.nextIntBetween(0, 0xff_ff_ff_ff)
    parts.push(part.toString(16).padStart(8, "0"))
  }
  return parts.join("")
})
