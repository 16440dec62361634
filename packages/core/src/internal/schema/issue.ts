/** Decode issues: what they say about the state word, and how much of them is kept. */
import type * as SchemaAST from "effect/SchemaAST"
import * as SchemaIssue from "effect/SchemaIssue"

/** The most issues that are kept of one decoding. */
const maxIssues = 16

/** The most keys and indexes that are shown of each end of a path. */
const maxPathEnd = 16

type Segments = ReadonlyArray<PropertyKey>

/** The rest of `path` below `prefix`, or `undefined` if `path` leads elsewhere. */
const below = (path: Segments | undefined, prefix: Segments): Segments | undefined =>
  path !== undefined && prefix.length <= path.length && prefix.every((key, i) => key === path[i])
    ? path.slice(prefix.length)
    : undefined

/** The issue at `path`, if decoding failed there. */
export const issueAt = (issue: SchemaIssue.Issue, path: Segments | undefined): SchemaIssue.Issue | undefined => {
  if (path === undefined) return undefined
  if (path.length === 0) return issue
  switch (issue._tag) {
    case "Pointer":
      return issueAt(issue.issue, below(path, issue.path))
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

/** The issues of the members of a union that take the word at `path`; of all members if none does. */
const alternatives = (issue: SchemaIssue.AnyOf, path: Segments | undefined): ReadonlyArray<SchemaIssue.Issue> => {
  const fitting = issue.issues.filter((each) => issueAt(each, path) === undefined)
  return fitting.length === 0 ? issue.issues : fitting
}

/** Issues of payloads whose word is known: an issue has no room for a mark. */
export const withKnownWord: WeakSet<SchemaIssue.Issue> = /*#__PURE__*/ new WeakSet()

/** Tests whether an issue, or one within it, is of a payload with a known word. */
export const hasKnownWord = (root: SchemaIssue.Issue): boolean => {
  const todo: Array<SchemaIssue.Issue> = [root]
  // An issue of a user's Schema may nest as deep as the payload.
  for (let issue = todo.pop(); issue !== undefined; issue = todo.pop()) {
    if (withKnownWord.has(issue)) return true
    if (issue._tag === "Composite" || issue._tag === "AnyOf") todo.push(...issue.issues)
    else if (issue._tag === "Pointer" || issue._tag === "Encoding" || issue._tag === "Filter") todo.push(issue.issue)
  }
  return false
}

/**
 * Tests whether decoding failed at nothing but fields that are absent or null, in a payload with its word at `path`.
 * Needs the inputs in the issue.
 */
export const lacksFields = (issue: SchemaIssue.Issue, path: Segments | undefined): boolean => {
  if (SchemaIssue.hasInput(issue) && (issue.input === null || issue.input === undefined)) return true
  switch (issue._tag) {
    case "MissingKey":
      return true
    case "Pointer":
      return lacksFields(issue.issue, below(path, issue.path))
    case "Encoding":
    case "Filter":
      return lacksFields(issue.issue, path)
    case "Composite":
      return issue.issues.every((each) => lacksFields(each, path))
    case "AnyOf":
      return issue.issues.length > 0 && alternatives(issue, path).every((each) => lacksFields(each, path))
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
  /** The rest of the path to the word. */
  readonly path: Segments | undefined
  /** The object whose keys a pointer names. */
  readonly owner: SchemaAST.AST | undefined
}

/**
 * The issue without what a server decides: at most 16 of its parts, paths of at most 32 keys, and `*` for a key that the
 * Schema does not declare, such as that of a record. Without the inputs and all but the first misfit, unless `options`
 * ask for them. `path` leads to the word, which chooses among the members of a union.
 */
export const bounded = (
  root: SchemaIssue.Issue,
  options: SchemaAST.ParseOptions,
  path?: Segments
): SchemaIssue.Issue => {
  const kept: Array<SchemaIssue.Issue> = []
  let ast: SchemaAST.AST | undefined
  // A loop, since a recursive Schema nests issues as deep as the payload.
  const todo: Array<Step> = [{ issue: root, place: undefined, path, owner: undefined }]
  for (let step = todo.pop(); step !== undefined && kept.length < maxIssues; step = todo.pop()) {
    const { issue } = step
    if (issue._tag === "Pointer") {
      todo.push(within(step, issue))
    } else if (issue._tag === "Encoding") {
      todo.push({ ...step, issue: issue.issue })
    } else if (issue._tag === "Composite" || (issue._tag === "AnyOf" && issue.issues.length > 0)) {
      ast ??= issue.ast
      const all = issue._tag === "AnyOf" ? alternatives(issue, step.path) : issue.issues
      const parts = issue._tag === "Composite" && options.errors !== "all" ? all.slice(0, 1) : all.slice(0, maxIssues)
      for (const each of parts.toReversed()) todo.push({ ...step, issue: each, owner: issue.ast })
    } else {
      const leaf = options.reportInput === true ? issue : withoutInput(issue)
      kept.push(step.place === undefined ? leaf : new SchemaIssue.Pointer(pathTo(step.place), leaf))
    }
  }
  const [first, ...others] = kept
  return first === undefined ? root : others.length === 0 ? first : new SchemaIssue.Composite(ast!, [first, ...others])
}

/** The step to the issue that a pointer points at. */
const within = ({ owner, path, place }: Step, pointer: SchemaIssue.Pointer): Step => ({
  issue: pointer.issue,
  place: pointer.path.reduce<Place | undefined>(
    (outer, key, i) => ({ key: i === 0 ? declared(key, owner) : key, outer }),
    place
  ),
  path: below(path, pointer.path),
  owner: undefined
})

const declared = (key: PropertyKey, owner: SchemaAST.AST | undefined): PropertyKey =>
  owner?._tag === "Objects" && !owner.propertySignatures.some(({ name }) => name === key) ? "*" : key

const withoutInput = (issue: SchemaIssue.Issue): SchemaIssue.Issue => {
  const { input: _, ...fields } = issue
  const inner = issue._tag === "Filter" ? { issue: withoutInput(issue.issue) } : undefined
  return Object.assign(Object.create(Object.getPrototypeOf(issue) as object), fields, inner)
}

const pathTo = (place: Place): Segments => {
  const path: Array<PropertyKey> = []
  for (let at: Place | undefined = place; at !== undefined; at = at.outer) path.push(at.key)
  path.reverse()
  return path.length <= 2 * maxPathEnd
    ? path
    : [...path.slice(0, maxPathEnd), "…", ...path.slice(path.length - maxPathEnd)]
}
