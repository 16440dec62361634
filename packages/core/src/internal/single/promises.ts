import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"
import type { CheckContext } from "../../CheckContext.ts"
import { type CheckResult, isCheckResult } from "../../CheckResult.ts"
import { isJob, type Job, make as makeOf, type OnAction, type Options } from "../../Job.ts"
import type { PollOptions } from "../../PollOptions.ts"
import type { ResumeToken } from "../../ResumeToken.ts"
import { Context as CheckContextClass } from "../concealed.ts"
import { checkOptions } from "../options/jobShape.ts"
import * as request from "../options/request.ts"
import { noResult } from "../text.ts"
import * as validate from "../validate.ts"
import { advance as advanced, type Advanced } from "./advance.ts"
import * as handles from "./handle.ts"
import * as host from "./host.ts"
import { type CallerOptions, withObserver } from "./progress.ts"
import { resume as resumed } from "./resume.ts"
import * as submit from "./submit.ts"
import { CallerSignal, inPromise, toPromise, valueOf } from "./toPromise.ts"

// Calls of async functions as effects, and waits for callers with Promises.

/** What a check is given besides its key; public as `promise.Context`. */
export type AsyncContext = CheckContext & { readonly signal: AbortSignal }

/** Waits for the job that the arguments of an entry point name: (job, key, options) or (check, options). */
// @effect-diagnostics-next-line asyncFunction:off
export const poll = async (name: string, args: ReadonlyArray<unknown>, signal: AbortSignal | undefined) => {
  const wanted = requestOf(name, args)
  return toPromise(host.run<never, unknown, never>(wanted), signal)
}

/** The wait that the arguments of an entry point name. A check is an effect, or a function that may be async. */
export const requestOf = (name: string, [of, second, third]: ReadonlyArray<unknown>): request.Request => {
  if (isJob(of)) return request.ofAny(name, of, second, third as AnyOptions)
  if (typeof of === "function") return request.ofCheck(name, of, second as AnyOptions, callAsync)
  if (!Effect.isEffect(of)) validate.refuse(`${name}: the check`, "a function that returns a status", of)
  return request.ofCheck(name, of, second as AnyOptions)
}

/** The options that a wait takes, with effects in place of the callbacks of the caller. */
export const withCallbacks = <O extends CallerOptions>(name: string, options: O) => {
  // A caller without types may have left them out.
  const given = (options as O | null | undefined) ?? ({} as O)
  validate.fields(name, { signal: given.signal, onProgress: given.onProgress }, ofCaller)
  const { onAction, ...rest } = withObserver(given)
  return onAction === undefined ? rest : { ...rest, onAction: actionHandler(onAction) }
}

/** The option `onAction` of a wait, for one whose handler may be async. */
export const actionHandler = (onAction: CallerOptions["onAction"]): OnAction | undefined =>
  typeof onAction === "function"
    ? (action, context) => Effect.orDie(fromAsync((signal) => onAction(action, { ...context, signal })))
    : onAction

/** The arguments of an entry point, with the options that its wait takes, and the signal of the caller. */
export const caller = (name: string, args: ReadonlyArray<unknown>) => {
  const at = isJob(args[0]) ? 2 : 1
  const { signal, ...options } = withCallbacks(name, (args[at] ?? {}) as CallerOptions & Omit<AnyOptions, "onAction">)
  return { call: [...args.slice(0, at), options], signal }
}

/** Submits a job and waits for its end. */
// @effect-diagnostics-next-line asyncFunction:off
export const run = async <A>(name: string, job: object, input: unknown, options: object, signal: Signal): Promise<A> =>
  toPromise(submit.ofJob(name, job as never, input, options as never) as Effect.Effect<A, unknown>, signal)

/** Continues a wait from its token. */
// @effect-diagnostics-next-line asyncFunction:off
export const resume = async <A>(
  name: string,
  job: object,
  token: Effect.Effect<ResumeToken, unknown>,
  options: object,
  signal: Signal
): Promise<A> =>
  toPromise(
    Effect.flatMap(token, (valid) => resumed(name, job as never, valid, options) as Effect.Effect<A, unknown>),
    signal
  )

/** Makes at most one check of a wait: it is pending, or has ended with a value. */
// @effect-diagnostics-next-line asyncFunction:off
export const advance = async (name: string, job: object, of: unknown, options: object, signal: Signal) => {
  const found = await toPromise(advanced(name, job as never, of, options) as Effect.Effect<Advanced, unknown>, signal)
  return found._tag === "Pending" ? found : ({ _tag: "Ended", value: valueOf(found.exit, signal) } as const)
}

/** Starts a wait in the background. */
export const startHandle = <A, F>(wanted: request.Request, signal: AbortSignal | undefined) => {
  const controller = new AbortController()
  const start = handles.start<A, F, unknown, never>(wanted)
  const handle = Effect.runSync(
    inPromise(start).pipe(
      Effect.provideService(Scope.Scope, Scope.makeUnsafe()),
      Effect.provideService(CallerSignal, controller.signal)
    )
  )
  const end = <B>(effect: Effect.Effect<B>, reason: unknown): Promise<B> => {
    controller.abort(reason)
    return Effect.runPromise(effect)
  }
  const onAbort = (): void => void end(handle.interrupt, signal?.reason)
  signal?.addEventListener("abort", onAbort)
  const result = Effect.runPromiseExit(handle.await).then((exit) => {
    signal?.removeEventListener("abort", onAbort)
    return valueOf(exit, controller.signal)
  })
  // The program may not be interested in the result.
  result.catch(() => {})
  const sync = (effect: Effect.Effect<void>) => (): void => Effect.runSync(effect)
  return {
    result,
    status: () => Effect.runSync(handle.status),
    token: () => Effect.runSync(handle.token),
    checkNow: (options?: Parameters<typeof handle.checkNow>[0]) => Effect.runSync(handle.checkNow(options)),
    pause: sync(handle.pause),
    unpause: sync(handle.unpause),
    cancel: () => toPromise(handle.cancel, undefined),
    interrupt: (reason: unknown = interrupted()) => end(handle.interrupt, reason),
    leave: () => end(handle.leave, interrupted())
  }
}

/** Calls a function that may be async. An interruption aborts its signal, with the reason of the caller's. */
export const fromAsync = <A>(call: (signal: AbortSignal) => A | PromiseLike<A>): Effect.Effect<A, unknown> =>
  Effect.flatMap(CallerSignal, (caller) =>
    Effect.callback<A, unknown>((resume) => {
      const controller = new AbortController()
      const fail = (error: unknown): void => resume(Effect.fail(error))
      try {
        const value = call(controller.signal)
        if (isPromiseLike(value)) void value.then((awaited) => resume(Effect.succeed(awaited)), fail)
        else resume(Effect.succeed(value))
      } catch (error) {
        fail(error)
      }
      return Effect.sync(() => controller.abort(caller?.aborted === true ? caller.reason : undefined))
    })
  )

/** Makes a check of a function that may be async. */
export const checkOf = <A, F>(
  context: CheckContext,
  call: (context: AsyncContext) => CheckResult<A, F> | PromiseLike<CheckResult<A, F>>
): Effect.Effect<CheckResult<A, F>, unknown> =>
  Effect.flatMap(
    fromAsync((signal) => call(new WithSignal(context, signal))),
    (result) => (isCheckResult(result) ? Effect.succeed(result) : Effect.die(noResult(result)))
  )

/** Holds what `promise.job` is given to its rules, before its functions are wrapped. */
export const checkJob = (name: unknown, options: { readonly check?: unknown } | undefined): void => {
  validate.nonEmpty("promise.job: name", name as string)
  checkOptions("promise.job", options)
}

/** Makes a job of its calls and of the options that need none. */
export const makeJob = <K, A, F, I>(
  name: string,
  options: object,
  calls: Options<K, A, F, unknown, never, I, unknown>
): Job<K, A, F, unknown, never, I, unknown> =>
  // Whether the key needs a codec was checked where the options were given.
  makeOf<A, F, unknown, never, I, unknown, K>(name, { ...options, ...calls } as never)

// ---- internal ----

const interrupted = (): DOMException => new DOMException("the wait was interrupted", "AbortError")

/** The options that only callers with Promises have, see `ofWait`. */
const ofCaller = { signal: "{ aborted, addEventListener() }", onProgress: "a function" }

type AnyOptions = PollOptions<never, unknown>
type Signal = AbortSignal | undefined
type AsyncCheck = (context: AsyncContext) => CheckResult<unknown, unknown> | PromiseLike<CheckResult<unknown, unknown>>

const callAsync = (check: unknown, context: CheckContext) => checkOf(context, check as AsyncCheck)

class WithSignal extends CheckContextClass {
  readonly signal: AbortSignal

  constructor({ attempt, cursor, elapsedMillis, last }: CheckContext, signal: AbortSignal) {
    super(cursor, attempt, elapsedMillis, last)
    this.signal = signal
  }
}

const isPromiseLike = <A>(value: A | PromiseLike<A>): value is PromiseLike<A> =>
  typeof value === "object" && value !== null && "then" in value && typeof value.then === "function"
