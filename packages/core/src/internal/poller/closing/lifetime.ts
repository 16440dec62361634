import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import type { Fiber } from "effect/Fiber"
import type { Scope } from "effect/Scope"

/** What ends a Poller: the scopes that close it, and the fibers that made it or built its layer. */
export interface Lifetime {
  readonly scopes: ReadonlyArray<Scope>
  readonly makers: ReadonlyArray<AnyFiber>
}

type AnyFiber = Fiber<unknown, unknown>

/** Where the layer of a Poller is built: another fiber, with its own scope, may make the Poller. */
export const Building: Context.Reference<Lifetime> = /*#__PURE__*/ Context.Reference("effect-poll/Poller/Building", {
  defaultValue: (): Lifetime => ({ scopes: [], makers: [] })
})

/**
 * Whether a caller is interrupted, or leaves its stream, because the Poller or the program ends:
 *
 * - its scope, or one that contains it, is closed;
 * - the fiber that made it is interrupted as well;
 * - a signal interrupts the caller: `runMain` interrupts the fiber of a program with the id of that fiber.
 *
 * A caller that made the Poller itself counts only in the first and the last case.
 */
export const isEnding = ({ makers, scopes }: Lifetime, caller: AnyFiber): boolean =>
  scopes.some(isClosed) || makers.some((maker) => maker !== caller && isInterrupted(maker)) || hasSignal(caller)

// ---- internal ----

const isClosed = ({ parent, state }: Scope): boolean =>
  state._tag === "Closed" || (parent !== undefined && isClosed(parent))

const isInterrupted = (fiber: AnyFiber): boolean =>
  interruption(fiber) !== undefined && fiber.pollUnsafe() === undefined

const hasSignal = (fiber: AnyFiber): boolean => {
  const cause = interruption(fiber)
  return cause !== undefined && Cause.interruptors(cause).has(fiber.id)
}

/** The cause of the interruption of a fiber. It is not a public field, but nothing else has it. */
const interruption = (fiber: AnyFiber): Cause.Cause<never> | undefined =>
  (fiber as { readonly _interruptedCause?: Cause.Cause<never> | undefined })._interruptedCause
