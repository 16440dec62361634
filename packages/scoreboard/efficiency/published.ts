// The strategies that providers, documents and other clients recommend. Their limits are left out, so that all jobs are
// found: a strategy that gives up would look cheap.
import * as Published from "@effect-poll/lab/Published"
import * as Strategy from "effect-poll/Strategy"

const seconds = (value: number) => value * 1_000

const fixed = (interval: number) => Strategy.spaced(seconds(interval))

const after = (firstWait: number, interval: number) => Strategy.withFirstWait(fixed(interval), seconds(firstWait))

const exponential = (initial: number, factor: number, cap: number) =>
  Strategy.exponential({ initial: seconds(initial), factor, cap: seconds(cap) })

export const published: Readonly<Record<string, Strategy.Strategy>> = {
  "JobStatus: fixed 2 s": fixed(2),
  "EventPlatform tasks: exponential 2 s x1.5 cap 10": exponential(2, 1.5, 10),
  "EventPlatform tasks: linear 2 s + 2 s cap 10": Strategy.linear({
    initial: seconds(2),
    increment: seconds(2),
    cap: seconds(10)
  }),
  "EventPlatform packages: fixed 5 s": fixed(5),
  "EventPlatform badges: fixed 10 s": fixed(10),
  "EventPlatform badges: fixed 15 min": fixed(900),
  "GenerationApi: fixed 3 s": fixed(3),
  "GenerationApi nano-banana: 5 s, then 3 s": after(5, 3),
  "GenerationApi flux-2: 10 s, then 5 s": after(10, 5),
  "GenerationApi sora-2: 60 s, then 15 s": after(60, 15),
  "GenerationApi veo-3-1: 45 s, then 10 s": after(45, 10),
  "GenerationApi suno: 30 s, then 10 s": after(30, 10),
  "GenerationApi other models: 10 s, then 5 s": after(10, 5),
  "GenerationApi many tasks: rounds of 3 s": fixed(3),
  "GenerationApi resilient: fixed 3 s": fixed(3),
  "GenerationApi: exponential 2 s x1.5 cap 30": exponential(2, 1.5, 30),
  "Mixpeek: exponential 1 s x1.5 cap 30": exponential(1, 1.5, 30),
  "AsyncQueue: 5 s, then 5 s": after(5, 5),
  "AsyncQueue signals: 5 s, then 5 s x2 cap 5 min": Strategy.withFirstWait(exponential(5, 2, 300), seconds(5)),
  "AWS waiter 2..120": Published.awsWaiter(2, 120),
  "AWS waiter 15..120": Published.awsWaiter(15, 120),
  "Azure core-lro: fixed 2 s": fixed(2),
  "google-gax: 100 ms x1.3 cap 60": exponential(0.1, 1.3, 60),
  "OpenAI: fixed 5 s": fixed(5),
  "effect-poll default: linear 1 s + 2 s": Strategy.linear({ initial: seconds(1), increment: seconds(2) })
}
