import * as Context from "effect/Context"

/** Whether the request under way goes to an origin that its credentials do not belong to. */
export const ForeignOrigin: Context.Reference<boolean> = /*#__PURE__*/ Context.Reference<boolean>(
  "@effect-poll/http/ForeignOrigin",
  { defaultValue: () => false }
)
