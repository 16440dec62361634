import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import * as Clock from "effect/Clock"
import * as Fiber from "effect/Fiber"
import type * as Job from "effect-poll/Job"
import * as Poll from "effect-poll/Poll"
import * as Poller from "effect-poll/Poller"
import * as AwsWaiter from "@effect-poll/http/AwsWaiter"
import * as DeviceFlow from "@effect-poll/http/DeviceFlow"
import * as LongRunning from "@effect-poll/http/LongRunning"
import * as McpTasks from "@effect-poll/http/McpTasks"

const options = {
  checkTimeout: "20 seconds",
  stall: { after: "1 minute" },
  confirm: { success: { times: 2 } },
  stateLimits: { RUNNING: "1 minute" },
  minInterval: "15 minutes",
  onAction: "fail"
} as const

const waiter = AwsWaiter.load(
  {
    delay: 5,
    maxAttempts: 9,
    acceptors: [{ state: "success", matcher: "path", argument: "ready", expected: true }]
  },
  { failure: "optional" }
)

const client = {
  deviceAuthorizationUrl: "https://id.example/device",
  tokenUrl: "https://id.example/token",
  clientId: "tv"
}
const grant: DeviceFlow.Grant = {
  deviceCode: Redacted.make("SECRET"),
  userCode: "WDJB",
  verificationUri: "https://id.example/activate",
  verificationUriComplete: undefined,
  expiresAt: 600_000,
  interval: Duration.seconds(5)
}

type Carried = Partial<Pick<Job.Options<string, unknown, unknown, never, never>, keyof typeof options>>

const makers: ReadonlyArray<readonly [string, (carried: Carried) => object]> = [
  ["LongRunning.job", (carried) => LongRunning.job("x", carried as LongRunning.JobOptions)],
  ["DeviceFlow.job", (carried) => DeviceFlow.job("x", { client, grant, ...(carried as typeof options) })],
  [
    "AwsWaiter.job",
    (carried) =>
      AwsWaiter.job("x", { waiter, call: () => Effect.succeed({ ready: true }), ...(carried as typeof options) })
  ],
  [
    "McpTasks.job",
    (carried) => McpTasks.job("x", { dialect: "extension", call: () => Effect.never, ...(carried as typeof options) })
  ]
]

describe("options that a job carries (R39)", () => {
  it.each(makers)("%s - takes each of them", (_, make) => {
    const made = make(options) as Record<string, unknown>
    const names = Object.keys(options) as ReadonlyArray<keyof typeof options>
    assert.deepStrictEqual(Object.fromEntries(names.map((name) => [name, made[name]])), options)
  })

  it.each(makers)("%s - without them leaves them to the wait", (_, make) => {
    const made = make({}) as Record<string, unknown>
    for (const name of Object.keys(options)) assert.strictEqual(made[name], undefined, name)
  })

  it.effect.each(["Poll", "Poller"])("AwsWaiter.job - keeps the gap and confirms the end (%s)", (host) =>
    Effect.gen(function* () {
      const at: Array<number> = []
      const job = AwsWaiter.job("bucket", {
        waiter,
        call: () => Effect.map(Clock.currentTimeMillis, (now) => (at.push(now / 1000), { ready: true })),
        minInterval: "1 minute",
        confirm: { success: { times: 2 } }
      })
      const wait = { deadline: "1 hour" } as const
      const until =
        host === "Poll"
          ? Poll.until(job, "logs", wait)
          : Effect.scoped(Effect.flatMap(Poller.make({ stagger: false }), (poller) => poller.until(job, "logs", wait)))
      const fiber = yield* Effect.forkChild(until)
      yield* TestClock.adjust("1 hour")
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(at, [0, 60])
    })
  )

  it("LongRunning.job - allows a check longer than `wait`, by default 30 seconds more", () => {
    assert.deepStrictEqual(LongRunning.job("x", { wait: "90 seconds" }).checkTimeout, Duration.seconds(120))
    assert.throws(
      () => LongRunning.job("x", { wait: "90 seconds", checkTimeout: "1 minute" }),
      RangeError,
      "LongRunning.job: checkTimeout"
    )
    assert.strictEqual(LongRunning.job("x", { checkErrors: "unbounded" }).checkErrors, "unbounded")
  })
})
