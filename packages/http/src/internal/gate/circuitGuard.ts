import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as CircuitBreaker from "effect/persistence/CircuitBreaker"
import * as Result from "effect/Result"
import * as Gate from "effect-poll/Gate"
import { isAuthorizationFailure } from "../request/authorizationFailure.ts"
import * as evictingMap from "./evictingMap.ts"

// The rules between a gate and its circuit breaker: which checks wait, for how long, and which request is the probe.

/** The settings of a gate; times are milliseconds. */
export interface Settings {
  readonly endpoint: string | ((subject: Gate.Subject) => string)
  readonly timeoutMillis: number
  readonly spreadMillis: number
}

/** The guard of a `CircuitBreakerGate`. */
export const guardOf = (self: { readonly "~@effect-poll/http/CircuitBreakerGate": unknown }): CircuitGuard =>
  // Only `CircuitBreakerGate.make` writes under this key, and it writes guards.
  self["~@effect-poll/http/CircuitBreakerGate"] as CircuitGuard

export class CircuitGuard {
  readonly breaker: CircuitBreaker.CircuitBreaker
  readonly settings: Settings
  private readonly endpoints = evictingMap.make(create, isHealthy)

  constructor(breaker: CircuitBreaker.CircuitBreaker, settings: Settings) {
    this.breaker = breaker
    this.settings = settings
  }

  /**
   * How long a question may take: a probe has a time limit of its own, but the calls of the store before and after it have
   * none.
   */
  get questionTimeout(): number | "unbounded" {
    const { timeoutMillis } = this.settings
    return Number.isFinite(timeoutMillis) ? timeoutMillis + 2 * storeTimeoutMillis : "unbounded"
  }

  endpointOf(subject: Gate.Subject): string {
    const { endpoint } = this.settings
    return typeof endpoint === "string" ? endpoint : endpoint(subject)
  }

  /** Fails an effect that takes longer than the gate allows: the breaker ignores interruptions. */
  within<A, E, R, E2>(effect: Effect.Effect<A, E, R>, tooLate: () => E2): Effect.Effect<A, E | E2, R> {
    const { timeoutMillis } = this.settings
    return Number.isFinite(timeoutMillis)
      ? Effect.timeoutOrElse(effect, { duration: timeoutMillis, orElse: () => Effect.fail(tooLate()) })
      : effect
  }

  /** Runs an effect and records its outcome at the breaker; `repeat` is the part of it that a probe may repeat. */
  execute<A, E, R>(
    name: string,
    effect: Effect.Effect<A, E, R>,
    judge: (exit: Exit.Exit<A, E>) => Effect.Effect<CircuitBreaker.Outcome>,
    repeat: Effect.Effect<A, E, R> | undefined
  ): Effect.Effect<A, E, R> {
    return Effect.contextWith((context: Context.Context<R>) => {
      let ran = false
      const noted = Effect.suspend(() => {
        ran = true
        return effect
      })
      const probe: Probe | undefined =
        repeat === undefined
          ? undefined
          : () =>
              this.breaker.execute(
                Effect.updateContext(repeat, (now: Context.Context<never>) => Context.merge(context, now)),
                { key: name, classify: (exit) => Effect.map(judge(exit), (outcome) => ofProbe(exit, outcome)) }
              )
      const classify = (exit: Exit.Exit<A, E>) => Effect.tap(judge(exit), (outcome) => this.note(name, outcome, probe))
      return Effect.catch(this.breaker.execute(noted, { key: name, classify }), (error) =>
        // The gate let it through before the circuit opened: it runs all the same, unrecorded.
        ran ? Effect.fail(error as E) : effect
      )
    })
  }

  ask(subject: Gate.Subject): Effect.Effect<Gate.Answer> {
    return Effect.suspend(() => {
      const name = this.endpointOf(subject)
      return this.stateOf(name, (endpoint, state, now) => {
        const remaining = state._tag === "Open" ? Duration.toMillis(state.retryAfter) : 0
        if (remaining > 0) return this.postpone(endpoint, now, remaining, byOpen)
        if (state._tag === "HalfOpen" && state.probing) return this.postpone(endpoint, now, probeDelayMillis, byProbe)
        return this.probe(name, endpoint, subject, state.consecutiveOpenings, now)
      })
    })
  }

  /** Answers by the state of a circuit that is not closed. A store that fails or is silent counts as closed. */
  private stateOf(
    name: string,
    answer: (endpoint: Endpoint, state: NotClosed, now: number) => Effect.Effect<Gate.Answer>
  ): Effect.Effect<Gate.Answer> {
    const found = Effect.timeoutOrElse(this.breaker.state(name), {
      duration: storeTimeoutMillis,
      orElse: () => Effect.fail("no answer in time")
    })
    return Effect.flatMap(Effect.result(found), (read) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) => {
        const endpoint = this.endpoints.get(name, now)
        if (Result.isSuccess(read) && read.success._tag !== "Closed") return answer(endpoint, read.success, now)
        if (endpoint.outageAt !== undefined) settle(endpoint)
        return Effect.succeed(Gate.open)
      })
    )
  }

  /**
   * The circuit waits for a probe: the gate makes it, or lets this check be the probe. The request that was answered
   * last may fail for reasons of its own, and must not hold the others back for good.
   */
  private probe(
    name: string,
    endpoint: Endpoint,
    subject: Gate.Subject,
    openings: number,
    now: number
  ): Effect.Effect<Gate.Answer> {
    const { answered, failed, probed, reservationEndsAt } = endpoint
    const repeat = answered ?? failed
    const own = JSON.stringify([subject.job, subject.key])
    if (repeat === undefined || ((answered === undefined || openings % checkProbeEvery === 0) && !probed.has(own))) {
      if (now < reservationEndsAt) return this.postpone(endpoint, now, probeDelayMillis, byProbe)
      endpoint.outageAt ??= now
      endpoint.reservationEndsAt = now + reservationMillis
      probed.add(own)
      return Effect.succeed(Gate.open)
    }
    return Effect.andThen(
      // The breaker lets one of them through, however many try.
      Effect.exit(Effect.suspend(repeat)),
      this.stateOf(name, (_, state, later) =>
        state._tag === "Open"
          ? this.postpone(endpoint, later, Duration.toMillis(state.retryAfter), byOpen)
          : this.postpone(endpoint, later, probeDelayMillis, byProbe)
      )
    )
  }

  /**
   * Holds for all checks of the endpoint: the one that asked comes back as soon as it can probe, the others are spread
   * behind it.
   */
  private postpone(endpoint: Endpoint, now: number, millis: number, reason: string): Effect.Effect<Gate.Answer> {
    const { outageAt = now } = endpoint
    endpoint.outageAt = outageAt
    const spreadMillis = Math.min(this.settings.spreadMillis, Math.max(minSpreadMillis, now - outageAt + millis))
    return Effect.succeed(Gate.postponed(Math.max(1, millis), reason, spreadMillis))
  }

  private note(name: string, outcome: CircuitBreaker.Outcome, probe: Probe | undefined): Effect.Effect<void> {
    return Effect.map(Clock.currentTimeMillis, (now) => {
      const endpoint = this.endpoints.get(name, now)
      endpoint.reservationEndsAt = 0
      if (outcome._tag === "Success") {
        endpoint.answered = probe ?? endpoint.answered
        endpoint.failed = undefined
      } else if (outcome._tag === "Failure") endpoint.failed = probe ?? endpoint.failed
    })
  }
}

// ---- internal ----

const byOpen = "breaker open"
const byProbe = "breaker half-open"

/**
 * The breaker would repeat an ignored probe without end, and hold the other checks back as long. Any answer, a 429 too,
 * says that the server is up; a defect and a token that cannot be had do not.
 */
const ofProbe = (exit: Exit.Exit<unknown, unknown>, outcome: CircuitBreaker.Outcome): CircuitBreaker.Outcome => {
  if (outcome._tag !== "Ignored") return outcome
  const error = Exit.findErrorOption(exit)
  const isAnswer = Exit.isSuccess(exit) || (error._tag === "Some" && !isAuthorizationFailure(error.value))
  return isAnswer ? CircuitBreaker.success : CircuitBreaker.failure()
}

/** Postponed checks come back over at least this time. */
const minSpreadMillis = 1_000

/** The delay of checks while a probe is under way: not so short that many of them do nothing but ask. */
const probeDelayMillis = 1_000

/** How long a call of the store may take. */
const storeTimeoutMillis = 2_000

/** After this many openings in a row a check probes instead of the gate. */
const checkProbeEvery = 4

/** How long a check that was let through as a probe has to begin. */
const reservationMillis = 5_000

type NotClosed = Exclude<CircuitBreaker.State, { readonly _tag: "Closed" }>

/** Repeats a request or a check, to learn whether it is answered now. */
type Probe = () => Effect.Effect<unknown, unknown>

/** What the gate knows of an endpoint, beside its circuit. */
interface Endpoint {
  /** Repeats the request that was answered last. */
  answered: Probe | undefined
  /** Repeats the request that failed last. */
  failed: Probe | undefined
  /** When a check first found the circuit open; undefined while there is no outage. */
  outageAt: number | undefined
  /** Until when a check that was let through as a probe may begin. */
  reservationEndsAt: number
  /** The checks that were let through as probes in this outage. */
  readonly probed: Set<string>
}

const create = (): Endpoint => ({
  answered: undefined,
  failed: undefined,
  outageAt: undefined,
  reservationEndsAt: 0,
  probed: new Set()
})

const isHealthy = ({ outageAt }: Endpoint): boolean => outageAt === undefined

const settle = (endpoint: Endpoint): void => {
  endpoint.outageAt = endpoint.failed = undefined
  endpoint.reservationEndsAt = 0
  endpoint.probed.clear()
}
