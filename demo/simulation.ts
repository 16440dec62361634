import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import type { HttpCheckError } from "@effect-poll/http/HttpCheckError"
import * as JobServer from "@effect-poll/testing/JobServer"
import type { Truth } from "@effect-poll/testing/Truth"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type { ServeError } from "effect/http/HttpServerError"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Poll from "effect-poll/Poll"
import * as SignalStore from "effect-poll/SignalStore"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import type { StrategyName } from "./cli.ts"
import * as Comparison from "./comparison.ts"
import * as Judge from "./judge.ts"
import * as Launcher from "./launcher.ts"
import * as Learning from "./learning.ts"
import type { Plan } from "./plan.ts"
import * as Population from "./population.ts"
import * as Pushes from "./pushes.ts"
import * as Report from "./report.ts"
import type { Screen } from "./screen.ts"
import * as Table from "./table.ts"
import * as Tally from "./tally.ts"
import * as Watch from "./watch.ts"

/** The report of a simulation; with learned strategies that of their last round, with the mismatches of all waits. */
export interface Result extends Report.Report {
  readonly strategy: StrategyName
  /** The comparison with the published strategies; empty without learned ones. */
  readonly rounds: ReadonlyArray<Comparison.Round>
}

/** Waits for jobs on servers of the demo, and compares the results with what the servers recorded. */
export const run: (
  options: { readonly jobs: number; readonly speed: number; readonly strategy?: StrategyName | undefined },
  screen: Screen
) => Effect.Effect<Result, HttpCheckError | ServeError, Scope.Scope> = Effect.fnUntraced(function* (
  { jobs, speed, strategy = "published" },
  screen
) {
  const startedAt = yield* Clock.currentTimeMillis
  const panels: Array<Panel> = []
  const drawing = yield* Effect.forkScoped(draw(screen, panels, { speed, startedAt }))
  const mismatches: Array<Judge.Mismatch> = []
  const play = Effect.fnUntraced(function* (plans: ReadonlyArray<Plan>, name?: string, learning?: Learning.Learning) {
    const tally = Tally.make()
    panels.push({ name, tally })
    const played = yield* wait(plans, { speed, tally, learning })
    mismatches.push(...played.mismatches)
    return played
  }, Effect.scoped)
  const reported = Effect.fnUntraced(function* (played: Played, rounds: ReadonlyArray<Comparison.Round>) {
    yield* Fiber.interrupt(drawing)
    const elapsedMillis = (yield* Clock.currentTimeMillis) - startedAt
    return { ...Report.make({ ...played, mismatches, speed, elapsedMillis }), strategy, rounds }
  })

  if (strategy === "published") return yield* reported(yield* play(Population.make(jobs)), [])
  const learning = Learning.make(speed)
  const round = Effect.fnUntraced(function* (index: number) {
    const plans = Population.make(jobs, index)
    const endingsBefore = learning.endings()
    panels.length = 0
    const title = (name: string) => `${name} strategies, round ${index + 1} of 2`
    const [published, learned] = yield* Effect.all(
      [play(plans, title("published")), play(plans, title("learned"), learning)],
      { concurrency: "unbounded" }
    )
    return { learned, compared: Comparison.make({ endingsBefore, published, learned, speed }) }
  })
  const first = yield* round(0)
  const second = yield* round(1)
  return yield* reported(second.learned, [first.compared, second.compared])
})

// ---- internal ----

/** A table that is drawn, with a name if there are several. */
interface Panel {
  readonly name: string | undefined
  readonly tally: Tally.Tally
}

/** What happened to the jobs of some plans on one server. */
interface Played {
  readonly waits: ReadonlyArray<Watch.WaitOutcome>
  readonly truths: ReadonlyArray<Truth>
  readonly tally: Tally.Tally
  readonly mismatches: ReadonlyArray<Judge.Mismatch>
}

/** Starts a server, submits all jobs, waits for them concurrently, and compares the results with the server's records. */
const wait = Effect.fnUntraced(
  function* (
    plans: ReadonlyArray<Plan>,
    options: {
      readonly speed: number
      readonly tally: Tally.Tally
      readonly learning: Learning.Learning | undefined
    }
  ) {
    const { learning, speed, tally } = options
    const server = yield* JobServer.make({ speed, script: Population.scriptOf(plans), token: Launcher.token })
    const pushes = yield* Pushes.make
    const signals = yield* SignalStore.SignalStore
    const launcher = Launcher.make({ urls: server.urls, pushes, signals, speed, learning })
    const sent = Tally.requests()
    const badges = { notifications: Tally.requests(), messages: Tally.requests() }

    const work = Effect.gen(function* () {
      const badgeWatch = yield* Watch.badges({ baseUrl: server.urls.EventPlatform, speed }, badges).pipe(
        Tally.counted(tally.EventPlatform.requests),
        Effect.forkChild
      )
      const waits = yield* Effect.forEach(
        plans,
        (plan) => {
          const row = tally[plan.provider]
          return Tally.counted(row.requests)(Watch.job(launcher, plan, row))
        },
        { concurrency: "unbounded" }
      )
      yield* Fiber.interrupt(badgeWatch)
      const listed = yield* Tally.counted(tally.Mixpeek.requests)(launcher.mixpeek.list())
      return { waits, listed: listed.map((task) => task.task_id ?? "") }
    })
    const { listed, waits } = yield* Tally.counted(sent)(work)
    const posts = yield* receivedPosts(pushes, plans)

    const truths = yield* server.truth
    const evidence = {
      waits,
      truths,
      endpoints: {
        notifications_stats: badges.notifications,
        messages_unread: badges.messages,
        tasks_list: { sent: 1, open: 0, aborted: 0 }
      },
      listed,
      sent,
      received: yield* server.requests,
      posts
    }
    return { waits, truths, tally, mismatches: Judge.judge(evidence) } satisfies Played
  },
  // Each server has signals of its own.
  (effect) =>
    Effect.provide(effect, [NodeHttpClient.layerNodeHttpOptions({ keepAlive: true }), SignalStore.layerMemory()])
)

/** Draws the counts repeatedly until it is interrupted, and on a terminal once more at the end. */
const draw = (
  screen: Screen,
  panels: ReadonlyArray<Panel>,
  { speed, startedAt }: { readonly speed: number; readonly startedAt: number }
): Effect.Effect<unknown> => {
  const once = Effect.map(Clock.currentTimeMillis, (now) => {
    const seconds = (now - startedAt) / 1000
    screen.draw(
      screen.isTerminal
        ? panels.flatMap(({ name, tally }) =>
            Table.render(tally, { name, speed, seconds }, { columns: screen.columns(), colors: screen.colors })
          )
        : panels.map(({ name, tally }) => Table.summary(tally, seconds, name))
    )
  })
  return once.pipe(
    Effect.repeat(Schedule.spaced(screen.isTerminal ? "100 millis" : "1 second")),
    Effect.ensuring(screen.isTerminal ? once : Effect.void)
  )
}

/** Counts the webhooks by path, as soon as all expected ones have arrived or after two seconds. */
const receivedPosts = (pushes: Pushes.Pushes, plans: ReadonlyArray<Plan>) => {
  const wanted = Object.entries(Pushes.expected(plans))
  const check = Effect.map(pushes.counts, (counts) =>
    wanted.every(([path, count]) => (counts[path] ?? 0) >= count) ? Status.succeeded(counts) : Status.pending()
  )
  return Poll.until(check, { strategy: Strategy.spaced("20 millis"), deadline: "2 seconds" }).pipe(
    Effect.catch(() => pushes.counts)
  )
}
