// Pollers that do everything wrong, each in its own way: `broken.ts` prints for each case which of them fail it. A case that
// none of them fails cannot fail.
import { Console } from "node:console"
import type { Adapter, Feature, Setup } from "../conformance/adapter.ts"
import { VirtualClock } from "../conformance/clock.ts"

globalThis.console = new Console(process.stderr)
const clock = new VirtualClock()
clock.install()

const { features } = await import("../conformance/adapter.ts")
const { cases } = await import("../conformance/cases/all.ts")
const { judgeAll } = await import("../conformance/judge.ts")

process.on("unhandledRejection", () => {})
process.on("uncaughtException", () => clock.uncaught++)

const sleep = (millis: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, millis))
const forever = new Promise<never>(() => {})

const broken = (name: string, wait: Adapter["wait"]): Adapter => ({
  name,
  packages: [],
  how: "",
  features: new Set(Object.keys(features) as ReadonlyArray<Feature>),
  wait,
  watch: (setup) => ({
    wait: () => wait(setup),
    listen: () => {
      void wait(setup)
      void wait(setup)
      return () => {}
    },
    token: () => Promise.resolve(JSON.stringify("SECRET")),
    wake: () => void setup.server.request()
  }),
  resume: (_token, setup) => wait(setup),
  // Each by itself, all as impatient as the first, the same result for each.
  many: ({ ended, ids, interval, server }) => {
    const checks = async () => {
      for (let n = 0; n < 100; n++) {
        const words = await server.lookup(ids).catch(() => undefined)
        const end = words === undefined ? "lost" : [...words.values()].find((word) => word !== "running")
        if (end === "lost") ids.forEach((_id, index) => ended(index, { tag: "error", error: end }))
        else if (end !== undefined) ids.forEach((_id, index) => ended(index, { tag: "succeeded", value: end }))
        await sleep(interval(0))
      }
    }
    void checks()
  }
})

/** Asks every millisecond, hears nothing, never ends. */
const deaf = async ({ server, signal }: Setup): Promise<never> => {
  signal?.addEventListener("abort", () => {})
  for (let n = 0; n < 400; n++) {
    void server.request().catch(() => {})
    await sleep(1)
  }
  return forever
}

/** Never asks at all, and leaves a timer. */
const mute = async (): Promise<never> => {
  setTimeout(() => {}, 2 ** 31 - 1)
  return forever
}

/** Takes whatever it is told first for the result, whenever it comes, and goes on to ask. */
const hasty = async ({ server }: Setup): Promise<{ tag: "succeeded"; value: unknown }> => {
  setTimeout(() => void server.request().catch(() => {}), 60_000)
  return {
    tag: "succeeded",
    value: await server.request().then(
      () => "whatever",
      () => "whatever"
    )
  }
}

/** Calls everything that happens to it a failure of the job. */
const gloomy = async ({ server }: Setup): Promise<{ tag: "failed"; error: unknown }> => {
  await server.request().catch(() => {})
  return { tag: "failed", error: new Error("no idea") }
}

/** A plain loop with a fixed delay, as everybody writes it once. */
const naive = async ({ interval = 20, server }: Setup): Promise<{ tag: "succeeded"; value: unknown }> => {
  while (true) {
    const { body } = await server.request()
    const { status, result } = JSON.parse(body) as { readonly status: string; readonly result: unknown }
    if (status === "succeeded") return { tag: "succeeded", value: result }
    await sleep(interval)
  }
}

const failedBy: Record<string, Array<string>> = {}

/** The same, but it takes its time. */
const slow = (setup: Setup) => naive({ ...setup, interval: (setup.interval ?? 20) * 20 })

for (const [name, wait] of Object.entries({ deaf, mute, hasty, gloomy, naive, slow })) {
  const outcomes = await judgeAll(broken(name, wait), cases, clock)
  for (const [text, { verdict }] of Object.entries(outcomes)) {
    const failing = (failedBy[text] ??= [])
    if (verdict === "fail") failing.push(name)
  }
}
process.stdout.write(JSON.stringify(failedBy), () => process.exit(0))
