// Closing a Poller whose cancels hang: how long it takes, and whether the tokens come first.
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as Job from "effect-poll/Job"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import type { Figures, Row } from "./row.ts"
import { ours, type Subject } from "./subject.ts"
import { virtually } from "./virtual.ts"

export interface Size {
  /** Waits whose jobs are canceled by closing. Ten more run on. */
  readonly waits: number
  readonly concurrency: number
  readonly cancelTimeoutMillis: number
}

export const full: Size = { waits: 1_000, concurrency: 100, cancelTimeoutMillis: 10_000 }

/** How checks and cancels hang. */
export interface Hanging {
  /** The cancel of the nth job. */
  readonly cancel: (index: number) => Effect.Effect<void>
  /** What a check does when the Poller closes. Default: no check is in flight then. */
  readonly check?: Effect.Effect<Status.Status<string>>
}

const forever: Effect.Effect<never> = Effect.never

export const hanging = {
  cancels: { cancel: () => forever },
  uninterruptible: { cancel: () => Effect.uninterruptible(forever) },
  checks: { cancel: () => forever, check: Effect.uninterruptible(forever) },
  /** The first tenth hangs, the others take 50 milliseconds. */
  some: { cancel: (index) => (index < full.waits / 10 ? forever : Effect.sleep("50 millis")) }
} satisfies Record<string, Hanging>

const runningOn = 10

/** Closes the scope of a Poller, or calls `shutdown`. */
const closing = (subject: Subject, size: Size, hangs: Hanging) =>
  Effect.gen(function* () {
    let [cancels, done] = [0, 0]
    let cancelsAtTokens = -1
    let tokens = -1
    const handed = (count: number) =>
      Effect.sync(() => {
        cancelsAtTokens = cancels
        tokens = count
      })
    const scope = yield* Scope.make()
    const poller = yield* Effect.provideService(
      subject.make({ concurrency: size.concurrency, stagger: false, onShutdown: ({ length }) => handed(length) }),
      Scope.Scope,
      scope
    )
    let isClosing = false
    const job = Job.make("job", {
      check: () =>
        Effect.suspend(() => (isClosing && hangs.check !== undefined ? hangs.check : Effect.succeed(Status.pending()))),
      cancel: (key) =>
        Effect.suspend(() => {
          cancels++
          return Effect.andThen(
            hangs.cancel(Number(key)),
            Effect.sync(() => done++)
          )
        })
    })
    const options = {
      deadline: "1 day",
      strategy: Strategy.spaced("1 minute"),
      cancelTimeout: size.cancelTimeoutMillis
    } as const
    const keys = Array.from({ length: size.waits }, (_, index) => String(index))
    yield* Effect.forEach(keys, (key) => poller.add(job, key, { ...options, onClose: "cancelRemote" }))
    for (let index = 0; index < runningOn; index++) yield* poller.add(job, `on${index}`, options)
    yield* Effect.sleep("30 seconds")
    isClosing = true
    // Checks that hang are in flight by now.
    if (hangs.check !== undefined) yield* Effect.sleep("31 seconds")
    return {
      cancels: () => ({ canceledShare: cancels / size.waits, doneShare: done / size.waits }),
      isFirst: () => cancelsAtTokens === 0 && tokens === runningOn,
      handed,
      poller,
      scope
    }
  })

/** The seconds that it takes to close the scope, at most `atMostSeconds`; and whether `onShutdown` was called first. */
const byScope = (subject: Subject, size: Size, hangs: Hanging) =>
  Effect.gen(function* () {
    const { cancels, isFirst, scope } = yield* closing(subject, size, hangs)
    const before = yield* Clock.currentTimeMillis
    const closed = yield* Effect.forkDetach(Scope.close(scope, Exit.void), { startImmediately: true })
    while (closed.pollUnsafe() === undefined) {
      yield* Effect.sleep("10 millis")
      if ((yield* Clock.currentTimeMillis) - before >= atMostSeconds * 1_000) break
    }
    const seconds = ((yield* Clock.currentTimeMillis) - before) / 1_000
    return { seconds, isFirst: isFirst(), ...cancels() }
  })

const atMostSeconds = 600

/** Whether `shutdown` returned the tokens before any cancel was called. */
const byShutdown = (subject: Subject, size: Size, hangs: Hanging) =>
  Effect.gen(function* () {
    const { handed, isFirst, poller } = yield* closing(subject, size, hangs)
    const tokens = yield* poller.shutdown
    yield* handed(tokens.length)
    return isFirst()
  })

export const measure = async (subject: Subject, size: Size, hangs: Hanging): Promise<Figures> => {
  const options = { atMostMillis: (atMostSeconds + 300) * 1_000 }
  const { isFirst, ...figures } = await virtually(byScope(subject, size, hangs), options)
  const tokensFirst = isFirst && (await virtually(byShutdown(subject, size, hangs), options))
  return { ...figures, tokensFirst }
}

export const row: Row = {
  name: "close",
  what:
    "Closing the scope of a Poller with 1,000 waits of onClose cancelRemote and 10 that run on, concurrency 100, " +
    "cancelTimeout 10 s, where each cancel hangs: the seconds, and whether shutdown and onShutdown had the 10 tokens " +
    "before a cancel was called. seconds is the worse of cancels that can be interrupted and that cannot; " +
    "checksSeconds is with checks in flight that hang and cannot be interrupted, too. canceledShare: the share of the jobs " +
    "whose cancel was called. healthyShare: if only the first tenth of the cancels hangs, and the others take 50 ms, the " +
    "share of those that were completed.",
  aims: {
    seconds: { atMost: 11 },
    tokensFirst: { is: true },
    canceledShare: { atLeast: 1 },
    healthyShare: { atLeast: 0.999 }
  },
  parts: {
    cancels: () => measure(ours, full, hanging.cancels),
    uninterruptible: () => measure(ours, full, hanging.uninterruptible),
    checks: () => measure(ours, full, hanging.checks),
    some: () => measure(ours, full, hanging.some)
  },
  combine: ({ cancels, checks, some, uninterruptible }) => ({
    seconds: Math.max(Number(cancels!.seconds), Number(uninterruptible!.seconds)),
    tokensFirst: [cancels, uninterruptible, checks].every((figures) => figures!.tokensFirst === true),
    cancelTimeouts:
      Math.max(Number(cancels!.seconds), Number(uninterruptible!.seconds)) / (full.cancelTimeoutMillis / 1_000),
    checksSeconds: Number(checks!.seconds),
    canceledShare: Math.min(
      ...[cancels, uninterruptible, checks, some].map((figures) => Number(figures!.canceledShare))
    ),
    healthyShare: Number(some!.doneShare) / 0.9
  })
}
