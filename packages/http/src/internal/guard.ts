import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as CircuitBreaker from "effect/persistence/CircuitBreaker"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import * as Gate from "effect-poll/Gate"
import * as registry from "./registry.ts"

// What stands between a gate and a circuit breaker: which checks wait for how long, and who probes.

export interface Setting {
  readonly endpoint: string | ((subject: Gate.Subject) => string)
  readonly timeout: number
  readonly spread: number
}

export class Guard {
  readonly breaker: CircuitBreaker.CircuitBreaker
  readonly setting: Setting
  private readonly endpoints = registry.make(create, isWell)

  constructor(breaker: CircuitBreaker.CircuitBreaker, setting: Setting) {
    this.breaker = breaker
    this.setting = setting
  }

  endpointOf(subject: Gate.Subject): string {
    const { endpoint } = this.setting
    return typeof endpoint === "string" ? endpoint : endpoint(subject)
  }

  /** Fails an effect that takes longer than the gate allows: an interruption would count as nothing. */
  within<A, E, R, E2>(effect: Effect.Effect<A, E, R>, tooLate: () => E2): Effect.Effect<A, E | E2, R> {
    const { timeout } = this.setting
    return Number.isFinite(timeout)
      ? Effect.timeoutOrElse(effect, { duration: timeout, orElse: () => Effect.fail(tooLate()) })
      : effect
  }

  /** Runs an effect and tells the breaker how it went; `repeat` is what a probe may do again of it. */
  run<A, E, R>(
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
        // The gate let it through before the circuit opened: it is done all the same, and not recorded.
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
        if (state._tag === "HalfOpen" && state.probing) return this.postpone(endpoint, now, probePause, byProbe)
        return this.probe(name, endpoint, subject, state.consecutiveOpenings, now)
      })
    })
  }

  /** Makes an answer of the state of a circuit that is not closed. A store that fails is no reason to stop checking. */
  private stateOf(
    name: string,
    answer: (endpoint: Endpoint, state: NotClosed, now: number) => Effect.Effect<Gate.Answer>
  ): Effect.Effect<Gate.Answer> {
    return Effect.flatMap(Effect.result(this.breaker.state(name)), (read) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) => {
        const endpoint = this.endpoints.get(name, now)
        if (Result.isSuccess(read) && read.success._tag !== "Closed") return answer(endpoint, read.success, now)
        if (endpoint.since !== undefined) settle(endpoint)
        return Effect.succeed(Gate.open)
      })
    )
  }

  /**
   * The circuit waits for a probe: the gate makes it, or lets this check be one. A check that was answered may be the very
   * one that fails now, and must not hold the others back for ever.
   */
  private probe(
    name: string,
    endpoint: Endpoint,
    subject: Gate.Subject,
    openings: number,
    now: number
  ): Effect.Effect<Gate.Answer> {
    const { answered, failed, probed, promisedUntil } = endpoint
    const repeat = answered ?? failed
    const own = JSON.stringify([subject.job, subject.key])
    if (repeat === undefined || ((answered === undefined || openings % everyFourth === 0) && !probed.has(own))) {
      if (now < promisedUntil) return this.postpone(endpoint, now, probePause, byProbe)
      endpoint.since ??= now
      endpoint.promisedUntil = now + promise
      probed.add(own)
      return Effect.succeed(Gate.open)
    }
    return Effect.andThen(
      // The breaker lets one of them through, however many try.
      Effect.exit(Effect.suspend(repeat)),
      this.stateOf(name, (_, state, later) =>
        state._tag === "Open"
          ? this.postpone(endpoint, later, Duration.toMillis(state.retryAfter), byOpen)
          : this.postpone(endpoint, later, probePause, byProbe)
      )
    )
  }

  /** The first check that is postponed comes back as soon as there is something to do, the others are spread behind it. */
  private postpone(endpoint: Endpoint, now: number, millis: number, why: string): Effect.Effect<Gate.Answer> {
    const { quickAt, since = now } = endpoint
    const least = Math.max(1, millis)
    endpoint.since = since
    if (quickAt <= now) {
      endpoint.quickAt = now + least
      return Effect.succeed(Gate.postponed(least, why))
    }
    const spread = Math.min(this.setting.spread, Math.max(leastSpread, now - since + millis))
    return Effect.map(Random.next, (random) => Gate.postponed(least + random * spread, why))
  }

  private note(name: string, outcome: CircuitBreaker.Outcome, probe: Probe | undefined): Effect.Effect<void> {
    return Effect.map(Clock.currentTimeMillis, (now) => {
      const endpoint = this.endpoints.get(name, now)
      endpoint.promisedUntil = 0
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
 * A probe that says nothing would be made again and again, and the others wait for it for ever: an answer says that the server
 * is there, be it that it is asked too often; one that dies does not.
 */
const ofProbe = (exit: Exit.Exit<unknown, unknown>, outcome: CircuitBreaker.Outcome): CircuitBreaker.Outcome => {
  if (outcome._tag !== "Ignored") return outcome
  const isAnswer = Exit.isSuccess(exit) || Exit.findErrorOption(exit)._tag === "Some"
  return isAnswer ? CircuitBreaker.success : CircuitBreaker.failure()
}

/** The least time that checks come back over, in milliseconds. */
const leastSpread = 1_000

/** The pause before a check asks again while another one probes, in milliseconds. */
const probePause = 250

/** Of the openings of a circuit, those after which a check probes. */
const everyFourth = 4

/** How long a check that was let through as a probe has to become one, in milliseconds. */
const promise = 5_000

type NotClosed = Exclude<CircuitBreaker.State, { readonly _tag: "Closed" }>

/** Repeats something, to see whether it is answered now. */
type Probe = () => Effect.Effect<unknown, unknown>

/** What the gate knows of an endpoint, beside its circuit. */
interface Endpoint {
  /** What was answered last; and what failed last. */
  answered: Probe | undefined
  failed: Probe | undefined
  /** When the outage was first noticed by a check; undefined while there is none. */
  since: number | undefined
  /** When a check comes back without a spread. */
  quickAt: number
  /** Until when a check that was let through as a probe may become one. */
  promisedUntil: number
  /** The checks that were let through as probes in this outage. */
  readonly probed: Set<string>
}

const create = (): Endpoint => ({
  answered: undefined,
  failed: undefined,
  since: undefined,
  quickAt: 0,
  promisedUntil: 0,
  probed: new Set()
})

const isWell = ({ since }: Endpoint): boolean => since === undefined

const settle = (endpoint: Endpoint): void => {
  endpoint.since = endpoint.failed = undefined
  endpoint.quickAt = endpoint.promisedUntil = 0
  endpoint.probed.clear()
}
