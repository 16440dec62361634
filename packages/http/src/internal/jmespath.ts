import { compile as parse, TreeInterpreter } from "@jmespath-community/jmespath"
import { hasProperty } from "effect/Predicate"

// The one module that knows the JMESPath library, and reached from `AwsWaiter` alone: nobody else is to bundle it.

/** An expression that was parsed: yields what it finds in a value, undefined where it cannot be applied to it. */
export type Expression = (value: unknown) => unknown

/** Parses an expression; throws an Error that says what is wrong with it. */
export const compile = (expression: string): Expression => {
  // Bare words between backticks are deprecated JMESPath, but the AWS tools take them.
  const parsed = parse(expression, { enable_legacy_literals: true })
  probe(parsed)
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

/**
 * The library finds an unknown function, or one with too many arguments, when it gets there, which may be never. So
 * each call in the tree is tried once, with nulls.
 */
const probe = (node: unknown): void => {
  if (typeof node !== "object" || node === null) return
  const type = hasProperty(node, "type") ? node.type : undefined
  if (type === "Literal") return
  if (type === "Function" && hasProperty(node, "children") && Array.isArray(node.children)) {
    const children = node.children.map(() => ({ type: "Literal", value: null }))
    try {
      TreeInterpreter.search({ ...node, children } as never, null)
    } catch (error) {
      if (error instanceof Error && /^(Unknown function|Invalid arity)/.test(error.message)) throw error
    }
  }
  Object.values(node).forEach(probe)
}
