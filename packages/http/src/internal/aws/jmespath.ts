import { compile as parse, TreeInterpreter } from "@jmespath-community/jmespath"
import { hasProperty } from "effect/Predicate"

// The one module that knows the JMESPath library. Only `AwsWaiter` imports it, so that no other module bundles it.

/** A compiled expression: yields what it finds in a value, or undefined where it cannot be applied to the value. */
export type Expression = (value: unknown) => unknown

/** The longest expression, in characters. The longest that AWS publishes has 87. */
export const maxLength = 1_024

/** How many copies of its input an expression may make: 26 joins of `[@, @]` would make 67 million. */
export const maxCopies = 4_096

/** Compiles an expression; throws an Error that says what is wrong with it. */
export const compile = (expression: string): Expression => {
  if (expression.length > maxLength) {
    throw new Error(`Expected at most ${maxLength} characters, got ${expression.length}`)
  }
  // Bare words between backticks are deprecated JMESPath, but the AWS tools take them.
  const parsed = parse(expression, { enable_legacy_literals: true })
  probe(parsed)
  const copies = copiesOf(parsed)
  if (copies > maxCopies) throw new Error(`Expected at most ${maxCopies} copies of the input, got ${copies}`)
  return (value) => {
    try {
      return TreeInterpreter.search(parsed, value as never)
    } catch {
      // A value of the wrong type, as in `length(Images)` of an answer without images.
      return undefined
    }
  }
}

// ---- internal ----

/** The functions of the specification (https://jmespath.org/specification.html). The library knows further ones. */
const functions: ReadonlySet<string> = /*#__PURE__*/ new Set(
  (
    "abs avg ceil contains ends_with floor join keys length map max max_by merge min min_by not_null " +
    "reverse sort sort_by starts_with sum to_array to_number to_string type values"
  ).split(" ")
)

/**
 * Refuses what the specification does not have. The library finds an unknown function, or one with too many arguments,
 * only when it evaluates the call, which may never happen. So each call in the tree is evaluated once, with nulls.
 */
const probe = (node: unknown): void => {
  if (typeof node !== "object" || node === null) return
  if (isLiteral(node)) return
  const type = hasProperty(node, "type") ? node.type : undefined
  if (type === "LetExpression" || type === "Root") throw new Error(`Not in the specification of JMESPath: ${type}`)
  if (type === "Function" && hasProperty(node, "children") && Array.isArray(node.children)) {
    if (hasProperty(node, "name") && !functions.has(String(node.name))) {
      throw new Error(`Unknown function: ${String(node.name)}()`)
    }
    const children = node.children.map(() => ({ type: "Literal", value: null }))
    try {
      TreeInterpreter.search({ ...node, children } as never, null)
    } catch (error) {
      if (error instanceof Error && /^(Unknown function|Invalid arity)/.test(error.message)) throw error
    }
  }
  Object.values(node).forEach(probe)
}

/** An upper bound of how often the input may stand in the result: parts side by side add up, steps multiply. */
const copiesOf = (node: unknown): number => {
  if (typeof node !== "object" || node === null || isLiteral(node)) return 1
  if (hasProperty(node, "children") && Array.isArray(node.children)) {
    return Math.max(
      1,
      node.children.reduce<number>((sum, child) => sum + (isLiteral(child) ? 0 : copiesOf(child)), 0)
    )
  }
  return Object.values(node).reduce<number>((product, child) => product * copiesOf(child), 1)
}

const isLiteral = (node: unknown): boolean => hasProperty(node, "type") && node.type === "Literal"
