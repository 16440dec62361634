// Single waits in real time whose end only the last check can see.
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { setTimeout as sleep } from "node:timers/promises"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import type { Subject } from "./subject.ts"
import { randomOf } from "./virtual.ts"

export interface Load {
  readonly waits: number
  /** Over how long the waits start. */
  readonly overMillis: number
  /** For how long the event loop is blocked again and again, and for how long it is free in between. */
  readonly blockedMillis: number
  readonly freeMillis: number
}

export const idle: Load = { waits: 400, overMillis: 6_000, blockedMillis: 0, freeMillis: 12 }
export const busy: Load = { ...idle, blockedMillis: 4, freeMillis: 8 }

export interface Seen {
  /** The share of the ends that were seen. */
  readonly seen: number
  /** The share that a last check by hand sees, which leaves 20 milliseconds. */
  readonly byHandSeen: number
  /** How late plain timers were. */
  readonly lateP99Millis: number
}

const marginMillis = 20

/**
 * Waits with deadlines of 300 to 1,500 milliseconds, checks of 5 to 100 milliseconds and no regular check besides the
 * first. The job ends half way.
 */
export const singleSeen = async (subject: Subject, load: Load): Promise<Seen> => {
  const random = randomOf(7)
  const late: Array<number> = []
  const work = async (isOver: () => boolean): Promise<void> => {
    while (!isOver()) {
      const at = performance.now()
      await sleep(load.freeMillis)
      late.push(performance.now() - at - load.freeMillis)
      const began = performance.now()
      while (performance.now() - began < load.blockedMillis);
    }
  }
  /** What a last check by hand would see that leaves a margin for late timers. */
  const byHand = async (checkMillis: number, deadline: number): Promise<boolean> => {
    const began = performance.now()
    await sleep(deadline - checkMillis - marginMillis)
    await sleep(checkMillis)
    return performance.now() - began <= deadline
  }
  let byHandSeen = 0
  const one = async (): Promise<boolean> => {
    const checkMillis = 5 + Math.floor(random() * 96)
    const deadline = 300 + Math.floor(random() * 1_200)
    await sleep(random() * load.overMillis)
    const endsAt = performance.now() + deadline / 2
    // The server looks at the job when the request begins.
    const check = Effect.promise(async () => {
      const hasEnded = performance.now() >= endsAt
      await sleep(checkMillis)
      return hasEnded ? Status.succeeded("done") : Status.pending()
    })
    const options = { deadline, strategy: Strategy.spaced("1 hour") }
    const control = byHand(checkMillis, deadline)
    const isSeen = Exit.isSuccess(await Effect.runPromiseExit(subject.until(check, options)))
    if (await control) byHandSeen++
    return isSeen
  }
  let isDone = false
  const working = work(() => isDone)
  const seen = await Promise.all(Array.from({ length: load.waits }, one))
  isDone = true
  await working
  late.sort((a, b) => a - b)
  return {
    seen: seen.filter(Boolean).length / load.waits,
    byHandSeen: byHandSeen / load.waits,
    lateP99Millis: late[Math.floor(late.length * 0.99)] ?? Number.NaN
  }
}
