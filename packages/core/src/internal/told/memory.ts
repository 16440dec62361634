import * as Context from "effect/Context"

/** What a stream keeps from one subscription of a wait to the next; undefined for a subscription that nobody repeats. */
export const Memory: Context.Reference<Map<unknown, unknown> | undefined> = /*#__PURE__*/ Context.Reference<
  Map<unknown, unknown> | undefined
>("effect-poll/Told/Memory", { defaultValue: () => undefined })
