/**
 * Checks that every public overload has a doc comment of its own.
 *
 * TypeScript 5.9 and 6 show the doc of an overload in a hover. If it has none, they show no doc at all: the one of the
 * constant or function counts only if there is a single signature.
 */
import { globSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { type Comment, isNode, lineAt, nameOf, type Node, parse, printProblem, type Problem, walk } from "./ast.ts"

/** The signatures of one function that a caller chooses from. */
interface Overloads {
  readonly name: string
  readonly signatures: ReadonlyArray<Node>
}

/** Checks one public module. `file` is its path from the root of the repository. */
export const check = (file: string, source: string): ReadonlyArray<Problem> => {
  const module = parse(source)
  if ("message" in module) return [{ file, ...module }]
  const documented = docEnds(source, module.comments)
  return overloadsIn(exportsOf(module.program)).flatMap(({ name, signatures }) =>
    signatures.flatMap(({ start }, at) => {
      if (signatures.length < 2 || documented.has(start)) return []
      return { file, line: lineAt(source, start), message: `overload ${at + 1} of ${name} has no doc comment` }
    })
  )
}

// ---- internal ----

/** The offsets of the nodes that directly follow a doc comment with a text. */
const docEnds = (source: string, comments: ReadonlyArray<Comment>): ReadonlySet<number> => {
  const ends = new Set<number>()
  for (const { end, start, type, value } of comments) {
    if (type !== "Block" || !value.startsWith("*") || !/^[\s*]*[^\s*@]/.test(value)) continue
    // TypeScript takes a comment behind other code on its line for a remark on that code.
    if (!/^[ \t]*$/.test(source.slice(source.lastIndexOf("\n", start) + 1, start))) continue
    // Directives such as `// @ts-expect-error` may stand between a doc comment and its node.
    ends.add(end + /^(?:\s|\/\/.*)*/.exec(source.slice(end))![0].length)
  }
  return ends
}

/** The exported statements of a module, and the declarations that it exports by name. */
const exportsOf = (program: Node): ReadonlyArray<Node> => {
  const statements = program["body"] as ReadonlyArray<Node>
  const exports = statements.filter(({ type }) => type === "ExportNamedDeclaration")
  const specifiers = exports.flatMap((each) => each["specifiers"] as ReadonlyArray<Node>)
  const locals = new Set(specifiers.map((each) => nameOf(each["local"])))
  return statements.filter((each) =>
    exports.includes(each) ? isNode(each["declaration"]) : namesOf(each).some((name) => locals.has(name))
  )
}

const namesOf = (declaration: Node): ReadonlyArray<string> => {
  const declared = declaration.type === "VariableDeclaration" ? declaration["declarations"] : [declaration]
  return (declared as ReadonlyArray<Node>).flatMap((each) => nameOf(each["id"]) ?? [])
}

const overloadsIn = (statements: ReadonlyArray<Node>): ReadonlyArray<Overloads> => {
  const functions = new Map<string, Array<Node>>()
  const found: Array<Overloads> = []
  for (const statement of statements) {
    const declaration = isNode(statement["declaration"]) ? statement["declaration"] : statement
    if (declaration.type === "TSDeclareFunction") {
      const name = nameOf(declaration["id"])!
      functions.set(name, [...(functions.get(name) ?? []), statement])
      continue
    }
    const name = namesOf(declaration)[0] ?? "?"
    walk(declaration, (node) => {
      if (node.type === "BlockStatement") return false
      const members =
        node.type === "TSTypeLiteral"
          ? node["members"]
          : node.type === "TSInterfaceBody" || node.type === "ClassBody"
            ? node["body"]
            : []
      found.push(...byName(name, members as ReadonlyArray<Node>))
      return true
    })
  }
  for (const [name, signatures] of functions) found.push({ name, signatures })
  return found
}

/** The call signatures of a type, and its methods, by name. */
const byName = (owner: string, members: ReadonlyArray<Node>): ReadonlyArray<Overloads> => {
  const signatures = new Map<string, Array<Node>>()
  for (const member of members) {
    const isMethod = member.type === "TSMethodSignature" || isOverload(member)
    if (!isMethod && member.type !== "TSCallSignatureDeclaration") continue
    const name = isMethod ? `${owner}.${nameOf(member["key"]) ?? "?"}` : owner
    signatures.set(name, [...(signatures.get(name) ?? []), member])
  }
  return Array.from(signatures, ([name, list]) => ({ name, signatures: list }))
}

/** Whether a member of a class is an overload: a method without a body. */
const isOverload = (member: Node): boolean =>
  (member.type === "MethodDefinition" || member.type === "TSAbstractMethodDefinition") &&
  isNode(member["value"]) &&
  member["value"].type === "TSEmptyBodyFunctionExpression"

if (import.meta.main) {
  const root = join(import.meta.dirname, "..")
  const files = globSync("packages/*/src/*.ts", { cwd: root }).toSorted()
  const problems = files.flatMap((file) => check(file, readFileSync(join(root, file), "utf8")))
  for (const problem of problems) console.error(printProblem(problem))
  console.log(`${files.length} public modules, ${problems.length} overloads without a doc comment`)
  if (files.length === 0 || problems.length > 0) process.exitCode = 1
}
