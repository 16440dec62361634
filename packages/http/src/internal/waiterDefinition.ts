import * as Effect from "effect/Effect"
import { hasProperty } from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import * as SchemaParser from "effect/SchemaParser"
import type { Acceptor, Definition, Matcher } from "../AwsWaiter.ts"

// The two forms in which waiters are published, decoded into one.

/** Decodes either form. */
export const decodeDefinition = (): Schema.Codec<Definition, unknown> => {
  const older = SchemaParser.decodeUnknownEffect(Older)
  const smithy = SchemaParser.decodeUnknownEffect(Smithy)
  return Schema.Unknown.pipe(
    Schema.decodeTo(
      Schema.declare((u: unknown): u is Definition => hasProperty(u, "acceptors"), { title: "Definition" }),
      {
        decode: SchemaGetter.transformEffect((raw, options) =>
          isSmithy(raw) ? Effect.map(smithy(raw, options), fromSmithy) : Effect.map(older(raw, options), fromOlder)
        ),
        encode: SchemaGetter.forbidden(() => "a definition is only decoded")
      }
    )
  )
}

// ---- internal ----

/** Its matchers are objects; those of the older form are words. */
const isSmithy = (raw: unknown): boolean =>
  hasProperty(raw, "acceptors") &&
  Array.isArray(raw.acceptors) &&
  raw.acceptors.some((each) => hasProperty(each, "matcher") && typeof each.matcher === "object")

const State = Schema.Literals(["success", "failure", "retry"])
const Seconds = Schema.Finite.check(Schema.isGreaterThan(0))
const Count = Schema.Int.check(Schema.isGreaterThan(0))

const AwsWaiter = <A, I>(acceptor: Schema.Codec<A, I>) =>
  Schema.Array(acceptor).check(
    Schema.makeFilter((all: ReadonlyArray<A>) =>
      all.some((each) => hasProperty(each, "state") && each.state === "success")
        ? undefined
        : "Expected at least one acceptor with the state success"
    )
  )

const Older = Schema.Struct({
  waiter: Schema.optionalKey(Schema.String),
  delay: Seconds,
  maxAttempts: Count,
  acceptors: AwsWaiter(
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

const PathMatcher = Schema.Union([
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

const Smithy = Schema.Struct({
  minDelay: Schema.optionalKey(Seconds),
  maxDelay: Schema.optionalKey(Seconds),
  acceptors: AwsWaiter(
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
    (waiter.minDelay ?? defaultMinDelay) <= (waiter.maxDelay ?? defaultMaxDelay)
      ? undefined
      : "Expected a minDelay that is at most maxDelay"
  )
)

/** In seconds; the figures of the specification. */
const defaultMinDelay = 2
const defaultMaxDelay = 120

const comparisons = { path: "equals", pathAll: "all", pathAny: "any" } as const

const fromOlder = (waiter: typeof Older.Type): Definition => ({
  name: waiter.waiter,
  fixed: { delay: waiter.delay * 1000, maxAttempts: waiter.maxAttempts },
  minDelay: defaultMinDelay * 1000,
  maxDelay: defaultMaxDelay * 1000,
  ...ends(
    waiter.acceptors.map((each): Acceptor => ({
      state: each.state,
      message: undefined,
      matcher:
        each.matcher === "error"
          ? { _tag: "Error", expected: each.expected }
          : each.matcher === "status"
            ? { _tag: "Status", expected: each.expected }
            : {
                _tag: "Path",
                on: "output",
                path: each.argument,
                comparison: comparisons[each.matcher],
                expected: each.expected
              }
    }))
  )
})

const fromSmithy = (waiter: typeof Smithy.Type): Definition => ({
  name: undefined,
  fixed: undefined,
  minDelay: (waiter.minDelay ?? defaultMinDelay) * 1000,
  maxDelay: (waiter.maxDelay ?? defaultMaxDelay) * 1000,
  ...ends(
    waiter.acceptors.map(({ matcher, message, state }): Acceptor => ({
      state,
      message,
      matcher:
        "output" in matcher
          ? fromPathMatcher("output", matcher.output)
          : "inputOutput" in matcher
            ? fromPathMatcher("inputOutput", matcher.inputOutput)
            : "success" in matcher
              ? { _tag: "Error", expected: !matcher.success }
              : { _tag: "Error", expected: matcher.errorType }
    }))
  )
})

const fromPathMatcher = (on: "output" | "inputOutput", matcher: typeof PathMatcher.Type): Matcher => ({
  _tag: "Path",
  on,
  path: matcher.path,
  comparison:
    matcher.comparator === "allStringEquals" ? "all" : matcher.comparator === "anyStringEquals" ? "any" : "equals",
  expected: matcher.comparator === "booleanEquals" ? matcher.expected === "true" : matcher.expected
})

const ends = (acceptors: ReadonlyArray<Acceptor>): Pick<Definition, "acceptors" | "failure"> => ({
  acceptors,
  failure: acceptors.some((each) => each.state === "failure") ? "declared" : "none"
})
