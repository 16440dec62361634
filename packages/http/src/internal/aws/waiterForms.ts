import { hasProperty } from "effect/Predicate"
import * as Schema from "effect/Schema"

// The two forms in which waiters are published, as they stand in their files.

/** The defaults of the Smithy specification. */
export const defaultMinDelaySeconds = 2
export const defaultMaxDelaySeconds = 120

const State = Schema.Literals(["success", "failure", "retry"])
const Seconds = Schema.Finite.check(Schema.isGreaterThan(0))
const Count = Schema.Int.check(Schema.isGreaterThan(0))

const acceptorsOf = <A, I>(acceptor: Schema.Codec<A, I>) =>
  Schema.Array(acceptor).check(
    Schema.makeFilter((all: ReadonlyArray<A>) =>
      all.some((each) => hasProperty(each, "state") && each.state === "success")
        ? undefined
        : "Expected at least one acceptor with the state success"
    )
  )

/** The form of botocore. */
export const Older = Schema.Struct({
  waiter: Schema.optionalKey(Schema.String),
  delay: Seconds,
  maxAttempts: Count,
  acceptors: acceptorsOf(
    Schema.Union([
      Schema.Struct({
        state: State,
        matcher: Schema.Literals(["path", "pathAll", "pathAny"]),
        argument: Schema.String,
        expected: Schema.Json
      }),
      Schema.Struct({
        state: State,
        matcher: Schema.Literal("error"),
        expected: Schema.Union([Schema.String, Schema.Boolean])
      }),
      Schema.Struct({ state: State, matcher: Schema.Literal("status"), expected: Schema.Int })
    ])
  )
})

export const PathMatcher = Schema.Union([
  Schema.Struct({
    path: Schema.String,
    comparator: Schema.Literals(["stringEquals", "allStringEquals", "anyStringEquals"]),
    expected: Schema.String
  }),
  Schema.Struct({
    path: Schema.String,
    comparator: Schema.Literal("booleanEquals"),
    expected: Schema.Literals(["true", "false"])
  })
])

/** The trait `smithy.waiters#waitable`. */
export const Smithy = Schema.Struct({
  minDelay: Schema.optionalKey(Seconds),
  maxDelay: Schema.optionalKey(Seconds),
  acceptors: acceptorsOf(
    Schema.Struct({
      state: State,
      message: Schema.optionalKey(Schema.String),
      matcher: Schema.Union([
        Schema.Struct({ output: PathMatcher }),
        Schema.Struct({ inputOutput: PathMatcher }),
        Schema.Struct({ success: Schema.Boolean }),
        Schema.Struct({ errorType: Schema.String })
      ])
    })
  )
}).check(
  Schema.makeFilter((waiter) =>
    (waiter.minDelay ?? defaultMinDelaySeconds) <= (waiter.maxDelay ?? defaultMaxDelaySeconds)
      ? undefined
      : "Expected a minDelay that is at most maxDelay"
  )
)

/** Tests for the Smithy form: its matchers are objects, those of the older form words. */
export const isSmithy = (raw: unknown): boolean =>
  hasProperty(raw, "acceptors") &&
  Array.isArray(raw.acceptors) &&
  raw.acceptors.some((each) => hasProperty(each, "matcher") && typeof each.matcher === "object")
