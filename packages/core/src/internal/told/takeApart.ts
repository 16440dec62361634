import * as Strategy from "../../Strategy.ts"
import { ofWait } from "../options/shape.ts"
import * as validate from "../validate.ts"
import type { Split, TakeApart, ToldGiven } from "./loaded.ts"

/** Takes what tells a wait something out of its options. Throws a RangeError. */
export const takeApart: TakeApart = (name, job, given, ownStrategy, isByKey) => {
  const { behind, push, signal, ...options } = given as typeof given & ToldGiven
  validate.fields(name, { signal, push, behind }, isByKey ? ofKeys : ofWait)
  const isTold = signal !== undefined || push !== undefined
  if (!isTold && job?.push === undefined) throw new RangeError(`${name}: behind needs the option signal or push`)
  return {
    options,
    strategy: behind ?? options.strategy ?? (isTold ? undefined : ownStrategy()) ?? seldom,
    expects: signal === undefined ? missedPush : missedSignal,
    sources: [
      ...(signal === undefined ? [] : [{ by: "signal", stream: signal } as const]),
      ...[push, job?.push].flatMap((stream) => (stream === undefined ? [] : [{ by: "push", stream } as const]))
    ]
  }
}

// ---- internal ----

const missed =
  (by: "signal" | "push"): Split["expects"] =>
  (wait) => {
    if (wait.cold.endNoticedBy !== by)
      wait.setting.emit(wait as never, { _tag: "SignalMissed", attempt: wait.attempts, by })
  }
const missedSignal = /*#__PURE__*/ missed("signal")
const missedPush = /*#__PURE__*/ missed("push")

const ofKeys: validate.Shape = { signal: "a function", push: "a function", behind: ofWait.behind }

/** When to check behind what tells the wait something: most often it need not. */
const seldom = /*#__PURE__*/ Strategy.exponential({ initial: "5 seconds", factor: 3, cap: "5 minutes" })
