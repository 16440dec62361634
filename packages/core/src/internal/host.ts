import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Pull from "effect/Pull"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import type { Look } from "../Look.ts"
import type { Observation } from "../Observation.ts"
import type { Decision } from "../Strategy.ts"
import * as machine from "./machine.ts"
import type { Policy, Stepper } from "./policy.ts"
import { make as makeWait, type Wait } from "./wait.ts"

/**
 * Runs one wait: does what the machine says, and tells it what happened.
 *
 * Looks and sleeps are fibers of their own that nobody waits for, so that a look can be given up without being waited
 * for and a sleep can be cut short. One watchdog guards the looks of a wait; it sleeps from one `lookBy` to the next
 * instead of being set for each look.
 */
export const run = <A, E, R>(policy: Policy, emit?: Wait["emit"]): Effect.Effect<A, E, R> =>
  Effect.contextWith((context: Context.Context<R>) =>
    Effect.callback<A, E>((resume) => {
      const host = new Host(policy, context as Context.Context<unknown>, emit, (exit) =>
        resume(exit as Exit.Exit<A, E>)
      )
      host.tell(machine.started)
      return host.stop
    })
  )

// ---- internal ----

type Step = (now: number, input: Observation) => Pull.Pull<[unknown, Duration.Duration], never, unknown, unknown>

class Host {
  private readonly wait: Wait
  private readonly clock: Clock.Clock
  private readonly fork: <A, E>(effect: Effect.Effect<A, E, unknown>) => Fiber.Fiber<A, E>
  private readonly done: (exit: Exit.Exit<unknown, unknown>) => void
  private readonly steps = new Map<Stepper, Step>()
  /** The look, the sleep or the step under way. */
  private activity: Fiber.Fiber<unknown, unknown> | undefined
  private watchdog: Fiber.Fiber<void> | undefined
  private spins = 0
  private stopped = false

  constructor(
    policy: Policy,
    context: Context.Context<unknown>,
    emit: Wait["emit"],
    done: (exit: Exit.Exit<unknown, unknown>) => void
  ) {
    const random = Context.get(context, Random.Random)
    this.wait = makeWait(policy, () => random.nextDoubleUnsafe(), emit)
    this.clock = Context.get(context, Clock.Clock)
    this.fork = Effect.runForkWith(context)
    this.done = done
  }

  /** Tells the machine what happened and does what it says, until that takes time. */
  tell(happened: machine.Event): void {
    let event: machine.Event | undefined = happened
    while (event !== undefined) {
      const command: machine.Command = machine.step(this.wait, event, this.clock.currentTimeMillisUnsafe())
      // A reader of an event, or a check, may have stopped us meanwhile.
      if (command === "continue" || this.stopped) return
      this.activity?.interruptUnsafe()
      this.activity = undefined
      switch (command) {
        case "look":
          event = this.start(this.look(), looked)
          if (event === undefined && !this.stopped) this.guard()
          break
        case "sleep":
          event = this.start(this.sleepUntil(this.wait.dueAt), () => machine.due)
          break
        case "step":
          event = this.start(this.step(), stepped)
          break
        case "end":
          this.stopped = true
          this.watchdog?.interruptUnsafe()
          this.done(this.wait.exit!)
          return
      }
    }
  }

  /** Stops everything at once, and waits for the finalizers of a look under way. */
  readonly stop: Effect.Effect<void> = Effect.suspend(() => {
    this.stopped = true
    const running = [this.activity, this.watchdog].filter((fiber) => fiber !== undefined)
    this.activity = undefined
    return Fiber.interruptAll(running)
  })

  /** Starts an effect; yields its event if it ended at once, otherwise tells it when it ends. */
  private start<A, E>(
    effect: Effect.Effect<A, E, unknown>,
    toEvent: (exit: Exit.Exit<A, E>) => machine.Event
  ): machine.Event | undefined {
    const fiber = this.fork(effect)
    const exit = fiber.pollUnsafe()
    if (exit !== undefined) return toEvent(exit)
    if (this.stopped) {
      fiber.interruptUnsafe()
      return undefined
    }
    this.activity = fiber
    fiber.addObserver((late) => {
      if (this.activity !== fiber) return
      this.activity = undefined
      this.tell(toEvent(late))
    })
    return undefined
  }

  private look(): Effect.Effect<Look<unknown, unknown>, unknown, unknown> {
    const { policy, fallbackKey } = this.wait
    return fallbackKey === undefined ? policy.check : policy.missing.checkFallback!(fallbackKey)
  }

  private sleepUntil(at: number): Effect.Effect<void> {
    const millis = at - this.clock.currentTimeMillisUnsafe()
    if (millis > 0) return this.clock.sleep(Duration.millis(millis))
    // A strategy without delays must not starve the process, whatever the clock makes of a sleep of no length.
    return ++this.spins % 256 === 0 ? Effect.yieldNow : this.clock.sleep(Duration.zero)
  }

  private guard(): void {
    if (this.watchdog !== undefined || this.wait.lookBy === Number.POSITIVE_INFINITY) return
    // It comes in two legs, the last a millisecond long, so that an answer that arrives at `lookBy` is heard first.
    const millis = this.wait.lookBy - this.clock.currentTimeMillisUnsafe()
    const fiber = this.fork(this.clock.sleep(Duration.millis(millis > 1 ? millis - 1 : millis)))
    this.watchdog = fiber
    fiber.addObserver((exit) => {
      if (this.watchdog !== fiber) return
      this.watchdog = undefined
      if (exit._tag === "Failure" || this.wait.phase !== "looking") return
      this.tell(machine.lookOverdue)
      if (this.wait.phase === "looking") this.guard()
    })
  }

  private step(): Effect.Effect<Decision, never, unknown> {
    const { stepCount, stepping } = this.wait
    const begin = stepCount === 1 ? undefined : this.steps.get(stepping!)
    const step: Effect.Effect<Step, never, unknown> =
      begin === undefined ? Schedule.toStep(stepping!.schedule) : Effect.succeed(begin)
    return Effect.flatMap(step, (run) => {
      this.steps.set(stepping!, run)
      return Pull.matchEffect(run(this.wait.now, machine.observe(this.wait)), {
        onSuccess: ([, delay]) => Effect.succeed<Decision>(Duration.toMillis(delay)),
        onDone: () => Effect.succeed<Decision>("end"),
        onFailure: Effect.failCause
      })
    })
  }
}

const looked = (exit: Exit.Exit<Look<unknown, unknown>, unknown>): machine.Event => ({ _tag: "Looked", exit })

const stepped = (exit: Exit.Exit<Decision>): machine.Event => ({ _tag: "Stepped", exit })
