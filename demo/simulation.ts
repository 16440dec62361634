import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import type { HttpCheckError } from "@effect-poll/http/HttpCheckError"
import * as JobServer from "@effect-poll/testing/JobServer"
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
import * as Judge from "./judge.ts"
import * as Launcher from "./launcher.ts"
import type { Plan } from "./plan.ts"
import * as Population from "./population.ts"
import * as Pushes from "./pushes.ts"
import * as Report from "./report.ts"
import type { Screen } from "./screen.ts"
import * as Table from "./table.ts"
import * as Tally from "./tally.ts"
import * as Watch from "./watch.ts"

/** Starts a server, submits all jobs, waits for them concurrently, and compares the results with the server's records. */
export const run: (
  options: { readonly jobs: number; readonly speed: number },
  screen: Screen
) => Effect.Effect<Report.Report, HttpCheckError | ServeError, Scope.Scope> = Effect.fnUntraced(
  function* ({ jobs, speed }, screen) {
    const startedAt = yield* Clock.currentTimeMillis
    const plans = Population.make(jobs)
    const server = yield* JobServer.make({ speed, script: Population.scriptOf(plans), token: Launcher.token })
    const pushes = yield* Pushes.make
    const signals = yield* SignalStore.SignalStore
    const launcher = Launcher.make({ urls: server.urls, pushes, signals, speed })
    const tally = Tally.make()
    const sent = Tally.requests()
    const badges = { notifications: Tally.requests(), messages: Tally.requests() }

    const drawing = yield* Effect.forkScoped(draw(screen, tally, { speed, startedAt }))
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
    yield* Fiber.interrupt(drawing)

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
    const elapsedMillis = (yield* Clock.currentTimeMillis) - startedAt
    return Report.make({ waits, truths, tally, mismatches: Judge.judge(evidence), speed, elapsedMillis })
  },
  Effect.provide([NodeHttpClient.layerNodeHttpOptions({ keepAlive: true }), SignalStore.layerMemory()])
)

// ---- internal ----

/** Draws the counts repeatedly until it is interrupted, and on a terminal once more at the end. */
const draw = (
  screen: Screen,
  tally: Tally.Tally,
  { speed, startedAt }: { readonly speed: number; readonly startedAt: number }
): Effect.Effect<unknown> => {
  const once = Effect.map(Clock.currentTimeMillis, (now) => {
    const seconds = (now - startedAt) / 1000
    screen.draw(
      screen.isTerminal
        ? Table.render(tally, { speed, seconds }, { columns: screen.columns(), colors: screen.colors })
        : [Table.summary(tally, seconds)]
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
