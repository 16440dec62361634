import * as Schema from "effect/Schema"

/** Integers within bounds, both included, for property tests. */
export const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))
