// Programs that read answers wrongly, each in its own way, and servers that answer wrongly. Prints what the fuzz says of
// the programs (a fault that none of them has cannot be found at all), and which cases are content with every such server
// (they cannot fail at all).
import { Console } from "node:console"
import type * as StreamModule from "effect/Stream"
import type { Subject } from "../answers/fuzz.ts"
import type { Handler } from "../answers/server.ts"
import { VirtualClock } from "../conformance/clock.ts"

globalThis.console = new Console(process.stderr)
const clock = new VirtualClock()
clock.install()
process.on("unhandledRejection", () => {})
process.on("uncaughtException", () => clock.uncaught++)

const Effect = await import("effect/Effect")
const HttpClient = await import("effect/http/HttpClient")
const CheckResult = await import("effect-poll/CheckResult")
const Poll = await import("effect-poll/Poll")
const Strategy = await import("effect-poll/Strategy")
const HttpCheck = await import("@effect-poll/http/HttpCheck")
const { fuzz, sentinel } = await import("../answers/fuzz.ts")
const { job } = await import("../answers/generate.ts")
const { AnswerStatus, ours } = await import("../answers/subject.ts")

/** Two requests, then whatever comes. */
const twice = Effect.andThen(HttpClient.get(job), Effect.delay(HttpClient.get(job), "1 second"))

const subjects: Readonly<Record<string, Subject>> = {
  /** Takes every answer for the result. */
  hasty: () => Effect.as(Effect.ignore(twice), "whatever"),
  /** Takes every answer for a refusal. */
  gloomy: () => Effect.andThen(Effect.ignore(twice), Effect.fail("no idea" as const)),
  /** Hears nothing but the last answer. */
  deaf: () => Effect.as(Effect.andThen(Effect.ignore(twice), Effect.delay(HttpClient.get(job), "2 hours")), sentinel),
  /** Ours, without the requested delays. */
  impatient: ({ strict }) =>
    Poll.until(Effect.map(HttpCheck.get(job, AnswerStatus), CheckResult.unannotated), {
      deadline: "30 hours",
      strategy: Strategy.spaced("1 second"),
      checkErrors: { maxConsecutive: strict ? 0 : 5 }
    }),
  /** Ours, with the credential in a log line. */
  leaky: (round, store) => Effect.andThen(Effect.logDebug(`sent ${round.credential}`), ours(round, store)),
  /** Ours, with the secret of an answer in its token. */
  careless: (round, store) =>
    Effect.andThen(
      Effect.sync(() => store({ body: round.marker })),
      ours(round, store)
    ),
  /** Dies of what it cannot parse. */
  fragile: () =>
    Effect.andThen(
      HttpClient.get(job),
      Effect.flatMap(Effect.delay(HttpClient.get(job), "1 second"), ({ json }) => Effect.orDie(json))
    ),
  /** Reads bodies to their end. */
  greedy: () =>
    Effect.andThen(
      HttpClient.get(job),
      Effect.flatMap(Effect.delay(HttpClient.get(job), "1 second"), ({ stream }) => drain(stream))
    )
}

const Stream = await import("effect/Stream")

/** Up to 32 MiB: more would take long to generate. */
const drain = (stream: StreamModule.Stream<Uint8Array, unknown>) => {
  let bytes = 0
  return Stream.runForEachWhile(stream, (chunk) => Effect.sync(() => (bytes += chunk.length) < 2 ** 25))
}

const broken: Record<string, unknown> = {}
for (const [name, subject] of Object.entries(subjects)) {
  // Endless bodies are rare.
  const to = name === "greedy" ? 2_000 : 120
  broken[name] = await fuzz(clock, subject, { seed: 1, from: 0, to, realMillis: () => 0 })
}

const { cases } = await import("../answers/cases/all.ts")
const { judge } = await import("../answers/judge.ts")

/** Whatever is asked: dead, at once content, or in a state that is not listed. */
const servers: ReadonlyArray<Handler> = [
  () => ({ status: 500 }),
  () => ({ json: { status: "done", url: "x" } }),
  () => ({ json: { status: "asleep" }, headers: { "retry-after": "7200" } })
]

const underClock = cases.filter(({ where }) => where === "clock")
const content = new Set(underClock.map(({ id }) => id))
for (const server of servers) {
  for (const [id, complaint] of Object.entries(await judge(underClock, clock, server))) {
    if (complaint !== null) content.delete(id)
  }
}
process.stdout.write(JSON.stringify({ broken, content: [...content] }), () => process.exit(0))
