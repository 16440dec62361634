// Broken pollers, each in its own way. `broken.ts` prints which of them fail each case: a case that none of them fails
// cannot fail at all.
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
    wake: () => void setup.server.request(),
    leave: () => Promise.resolve(JSON.stringify("SECRET")),
    close: () => Promise.resolve([])
  }),
  resume: (_token, setup) => wait(setup),
  // No batches, the interval of the first job for all, and the same result for all.
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

/** Checks every millisecond, ignores every answer, never ends. */
const deaf = async ({ server, signal }: Setup): Promise<never> => {
  signal?.addEventListener("abort", () => {})
  for (let n = 0; n < 400; n++) {
    void server.request().catch(() => {})
    await sleep(1)
  }
  return forever
}

/** Never checks, and leaves a timer behind. */
const mute = async (): Promise<never> => {
  setTimeout(() => {}, 2 ** 31 - 1)
  return forever
}

/** Takes the first answer for the result, and checks again later. */
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

/** Reports everything as a failed job. */
const gloomy = async ({ server }: Setup): Promise<{ tag: "failed"; error: unknown }> => {
  await server.request().catch(() => {})
  return { tag: "failed", error: new Error("no idea") }
}

/** The usual hand-written loop with a fixed delay. */
const naive = async ({ interval = 20, server }: Setup): Promise<{ tag: "succeeded"; value: unknown }> => {
  while (true) {
    const { body } = await server.request()
    const { status, result } = JSON.parse(body) as { readonly status: string; readonly result: unknown }
    if (status === "succeeded") return { tag: "succeeded", value: result }
    await sleep(interval)
  }
}

/** `naive`, which takes whatever it is told for a success, as often as it is told. */
const gullible = async (setup: Setup): Promise<{ tag: "succeeded"; value: unknown }> => {
  const told = new Promise<{ tag: "succeeded"; value: unknown }>((resolve) =>
    setup.told?.(() => {
      setup.ended?.()
      resolve({ tag: "succeeded", value: "told" })
    })
  )
  const polled = naive(setup).finally(() => setup.ended?.())
  return Promise.race([told, polled])
}

/** `naive`, which does not listen. */
const unhearing = async (setup: Setup): Promise<{ tag: "succeeded"; value: unknown }> => {
  const ended = await naive(setup)
  setup.ended?.()
  return ended
}

const failedBy: Record<string, Array<string>> = {}

/** `naive` with an interval twenty times as long. */
const slow = (setup: Setup) => naive({ ...setup, interval: (setup.interval ?? 20) * 20 })

for (const [name, wait] of Object.entries({ deaf, mute, hasty, gloomy, naive, slow, gullible, unhearing })) {
  const outcomes = await judgeAll(broken(name, wait), cases, clock)
  for (const [text, { verdict }] of Object.entries(outcomes)) {
    const failing = (failedBy[text] ??= [])
    if (verdict === "fail") failing.push(name)
  }
}
process.stdout.write(JSON.stringify(failedBy), () => process.exit(0))
