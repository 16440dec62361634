/** Decode issues: what they say about the state word, and how much of them is kept. */
import type * as SchemaAST from "effect/SchemaAST"
import * as SchemaIssue from "effect/SchemaIssue"

/** The most issues that are kept of one decoding. */
const maxIssues = 16

/** The most keys and indexes that are shown of each end of a path. */
const maxPathEnd = 16

/** The issue at `path`, if decoding failed there. */
export const issueAt = (issue: SchemaIssue.Issue, path: ReadonlyArray<PropertyKey>): SchemaIssue.Issue | undefined => {
  if (path.length === 0) return issue
  switch (issue._tag) {
    case "Pointer":
      return issue.path.length <= path.length && issue.path.every((key, i) => key === path[i])
        ? issueAt(issue.issue, path.slice(issue.path.length))
        : undefined
    case "Encoding":
      return issueAt(issue.issue, path)
    case "Composite":
      return issue.issues.map((each) => issueAt(each, path)).find((each) => each !== undefined)
    case "AnyOf": {
      const found = issue.issues.map((each) => issueAt(each, path))
      return found.every((each) => each !== undefined) ? found[0] : undefined
    }
    default:
      return undefined
  }
}

/** Tests whether decoding failed at nothing but fields that are absent or null. Needs the inputs in the issue. */
export const lacksFields = (issue: SchemaIssue.Issue): boolean => {
  if (SchemaIssue.hasInput(issue) && (issue.input === null || issue.input === undefined)) return true
  switch (issue._tag) {
    case "MissingKey":
      return true
    case "Pointer":
    case "Encoding":
    case "Filter":
      return lacksFields(issue.issue)
    case "Composite":
    case "AnyOf":
      return issue.issues.length > 0 && issue.issues.every(lacksFields)
    default:
      return false
  }
}

interface Place {
  readonly key: PropertyKey
  readonly outer: Place | undefined
}

interface Step {
  readonly issue: SchemaIssue.Issue
  readonly place: Place | undefined
  /** The object whose keys a pointer names. */
  readonly owner: SchemaAST.AST | undefined
}

/**
 * The issue without what a server decides: at most 16 of its parts, paths of at most 32 keys, and `*` for a key that the
 * Schema does not declare, such as that of a record.
 */
export const bounded = (root: SchemaIssue.Issue): SchemaIssue.Issue => {
  const kept: Array<SchemaIssue.Issue> = []
  let ast: SchemaAST.AST | undefined
  // A loop, since a recursive Schema nests issues as deep as the payload.
  const todo: Array<Step> = [{ issue: root, place: undefined, owner: undefined }]
  for (let step = todo.pop(); step !== undefined && kept.length < maxIssues; step = todo.pop()) {
    const { issue, owner, place } = step
    if (issue._tag === "Pointer") {
      const inner = issue.path.reduce<Place | undefined>(
        (outer, key, i) => ({ key: i === 0 ? declared(key, owner) : key, outer }),
        place
      )
      todo.push({ issue: issue.issue, place: inner, owner: undefined })
    } else if (issue._tag === "Encoding") {
      todo.push({ ...step, issue: issue.issue })
    } else if (issue._tag === "Composite" || (issue._tag === "AnyOf" && issue.issues.length > 0)) {
      ast ??= issue.ast
      for (const each of issue.issues.toReversed()) todo.push({ issue: each, place, owner: issue.ast })
    } else {
      kept.push(place === undefined ? issue : new SchemaIssue.Pointer(pathTo(place), issue))
    }
  }
  const [first, ...others] = kept
  return first === undefined ? root : others.length === 0 ? first : new SchemaIssue.Composite(ast!, [first, ...others])
}

const declared = (key: PropertyKey, owner: SchemaAST.AST | undefined): PropertyKey =>
  owner?._tag === "Objects" && !owner.propertySignatures.some(({ name }) => name === key) ? "*" : key

const pathTo = (place: Place): ReadonlyArray<PropertyKey> => {
  const path: Array<PropertyKey> = []
  for (let at: Place | undefined = place; at !== undefined; at = at.outer) path.push(at.key)
  path.reverse()
  return path.length <= 2 * maxPathEnd
    ? path
    : [...path.slice(0, maxPathEnd), "…", ...path.slice(path.length - maxPathEnd)]
}
