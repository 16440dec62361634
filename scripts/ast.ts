/**
 * A very small view of a parsed module: nodes with a place, and a walk over them.
 */
import { parseSync } from "vite"

export interface Node {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [field: string]: unknown
}

export interface Comment {
  readonly type: "Line" | "Block"
  readonly value: string
  readonly start: number
  readonly end: number
}

export interface Module {
  readonly program: Node
  readonly comments: ReadonlyArray<Comment>
}

/** A mistake found in a file of the repository. */
export interface Problem {
  readonly file: string
  readonly line: number
  readonly message: string
}

export const printProblem = (problem: Problem): string => `${problem.file}:${problem.line} ${problem.message}`

/** The 1-based line of an offset. */
export const lineAt = (source: string, offset: number): number => {
  let line = 1
  for (let at = source.indexOf("\n"); at >= 0 && at < offset; at = source.indexOf("\n", at + 1)) line++
  return line
}

/** Parses TypeScript. A module that does not parse gives the line and the message of its first error. */
export const parse = (source: string): Module | { readonly line: number; readonly message: string } => {
  const result = parseSync("module.ts", source)
  const [error] = result.errors
  if (error !== undefined) return { line: lineAt(source, error.labels[0]?.start ?? 0), message: error.message }
  return { program: result.program as unknown as Node, comments: result.comments }
}

export const isNode = (value: unknown): value is Node =>
  typeof value === "object" && value !== null && "type" in value && "start" in value

/** Visits every node below `node`, parents first; a visitor that returns false skips what is below. */
export const walk = (node: Node, visit: (node: Node, parent: Node | undefined) => boolean | void): void => {
  const go = (current: Node, parent: Node | undefined): void => {
    if (visit(current, parent) === false) return
    for (const value of Object.values(current)) {
      for (const child of Array.isArray(value) ? value : [value]) if (isNode(child)) go(child, current)
    }
  }
  go(node, undefined)
}

/** The name of an identifier or the text of a string literal: `a` in `{ a }`, `{ "a": 1 }`, `x as "a"`. */
export const nameOf = (node: unknown): string | undefined => {
  if (!isNode(node)) return undefined
  if (node.type === "Identifier") return node["name"] as string
  if (node.type === "Literal" && typeof node["value"] === "string") return node["value"]
  return undefined
}
