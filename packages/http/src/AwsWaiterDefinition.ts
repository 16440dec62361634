/**
 * The definition of an AWS waiter: its acceptors and delays, in one form for both published forms.
 *
 * `AwsWaiter` exports these too, and makes waiters from them. Unlike `AwsWaiter`, this module does not need the
 * optional peer `@jmespath-community/jmespath`.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import { hasProperty } from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import * as SchemaParser from "effect/SchemaParser"
import * as forms from "./internal/aws/waiterForms.ts"

/**
 * A definition, in one form for both published forms. The Schema `Definition` decodes it, `AwsWaiter.make` makes a
 * waiter from it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Definition {
  /** The name of the waiter in failures; undefined for the Smithy form, which has none. */
  readonly name: string | undefined
  /** The acceptors in their order: the first that matches an outcome decides. */
  readonly acceptors: ReadonlyArray<Acceptor>
  /** Whether there is an acceptor with the state `failure`. Without one, a failed job looks like a running one. */
  readonly failure: "declared" | "none"
  /** The `delay` of the older form, in milliseconds, and its `maxAttempts`; undefined for the Smithy form. */
  readonly fixed: { readonly delayMillis: number; readonly maxAttempts: number } | undefined
  /** The `minDelay` of the Smithy form, in milliseconds. Default: 2 seconds, as in the specification. */
  readonly minDelayMillis: number
  /** The `maxDelay` of the Smithy form, in milliseconds. Default: 120 seconds, as in the specification. */
  readonly maxDelayMillis: number
}

/**
 * What an outcome of a call means if it matches.
 *
 * @category models
 * @since 0.1.0
 */
export interface Acceptor {
  readonly state: "success" | "failure" | "retry"
  readonly matcher: Matcher
  /** The JMESPath of the message of a failure within the value; undefined in the older form. */
  readonly message: string | undefined
}

/**
 * Which outcomes of a call an acceptor matches.
 *
 * **Details**
 *
 * - `Path`: values in which `path` finds `expected` (`equals`), or a list of which every member (`all`) or some member
 *   (`any`) is `expected`. With `inputOutput` the path is applied to `{ input, output }`.
 * - `Error`: errors with the code `expected`; any error (`true`); any value (`false`).
 * - `Status`: values and errors with the HTTP status `expected`.
 *
 * @category models
 * @since 0.1.0
 */
export type Matcher =
  | {
      readonly _tag: "Path"
      readonly on: "output" | "inputOutput"
      readonly path: string
      readonly comparison: "equals" | "all" | "any"
      readonly expected: unknown
    }
  | { readonly _tag: "Error"; readonly expected: string | boolean }
  | { readonly _tag: "Status"; readonly expected: number }

/**
 * The Schema of a definition, in either form. It only decodes, and does not parse paths: `AwsWaiter.make` does.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Definition: Schema.Codec<Definition, unknown> = /*#__PURE__*/ Schema.Unknown.pipe(
  /*#__PURE__*/ Schema.decodeTo(
    /*#__PURE__*/ Schema.declare((u: unknown): u is Definition => hasProperty(u, "acceptors"), { title: "Definition" }),
    {
      decode: /*#__PURE__*/ SchemaGetter.transformEffect((raw, options) =>
        forms.isSmithy(raw)
          ? Effect.map(decodeSmithy(raw, options), fromSmithy)
          : Effect.map(decodeOlder(raw, options), fromOlder)
      ),
      encode: /*#__PURE__*/ SchemaGetter.forbidden(() => "a definition is only decoded")
    }
  )
)

// ---- internal ----

const decodeOlder = /*#__PURE__*/ SchemaParser.decodeUnknownEffect(forms.Older)
const decodeSmithy = /*#__PURE__*/ SchemaParser.decodeUnknownEffect(forms.Smithy)

const comparisons = { path: "equals", pathAll: "all", pathAny: "any" } as const

const fromOlder = (waiter: typeof forms.Older.Type): Definition => ({
  name: waiter.waiter,
  fixed: { delayMillis: waiter.delay * 1000, maxAttempts: waiter.maxAttempts },
  minDelayMillis: forms.defaultMinDelaySeconds * 1000,
  maxDelayMillis: forms.defaultMaxDelaySeconds * 1000,
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

const fromSmithy = (waiter: typeof forms.Smithy.Type): Definition => ({
  name: undefined,
  fixed: undefined,
  minDelayMillis: (waiter.minDelay ?? forms.defaultMinDelaySeconds) * 1000,
  maxDelayMillis: (waiter.maxDelay ?? forms.defaultMaxDelaySeconds) * 1000,
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

const fromPathMatcher = (on: "output" | "inputOutput", matcher: typeof forms.PathMatcher.Type): Matcher => ({
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
