/**
 * Reads `docs/renames.md` and the API reports of `etc`, so that a test can hold the one against the other.
 *
 * A public name is a path: a module, an export of it, and members of that (`Poll.Options.stall.onStall`). A string that a
 * type allows follows a colon (`PollEvent.WaitReason: "lastCheck"`).
 */
import { isNode, type Node, nameOf, parse, walk } from "./ast.ts"

export interface Rename {
  readonly old: string
  readonly new: string
  /** The line of the file. */
  readonly line: number
}

/** The rows of every table of two columns, by the headings above it: "effect-poll", "Calls", "Files". */
export const renames = (page: string): ReadonlyMap<string, ReadonlyArray<Rename>> => {
  const sections = new Map<string, Array<Rename>>()
  let section = ""
  for (const [index, text] of page.split("\n").entries()) {
    const heading = /^## (.+)$/.exec(text)?.[1]
    if (heading !== undefined) section = heading.replaceAll("`", "")
    const row = /^\| (.+?) +\| (.+?) +\|$/.exec(text)
    if (row === null || row[1] === "old" || row[1]!.startsWith("---")) continue
    const rows = sections.get(section) ?? []
    sections.set(section, rows)
    rows.push({ old: plain(row[1]!), new: plain(row[2]!), line: index + 1 })
  }
  return sections
}

/** Without the backticks around the whole cell: what is gone is told in words. */
const plain = (cell: string): string => /^`([^`]+)`$/.exec(cell)?.[1] ?? cell

/** Whether a path of an API report can be written by a user. */
export interface Names {
  readonly has: (path: string) => boolean
}

/** The public names of an API report. */
export const namesOf = (report: string): Names => {
  const paths = new Set<string>()
  /** The types that the type of a path names: its members are theirs too. */
  const types = new Map<string, Set<string>>()
  /** Where a type is declared, by its name alone. */
  const declared = new Map<string, Array<string>>()
  const [, ...sections] = report.split(/^## /m)
  for (const section of sections) {
    const module = section.slice(0, section.indexOf("\n")).split("/").at(-1)!
    const internal = section.startsWith("internal/")
    const code = /```ts\n([^]*?)\n```/.exec(section)?.[1]
    if (code === undefined) continue
    const parsed = parse(code)
    if ("message" in parsed) throw new Error(`${module}, line ${parsed.line}: ${parsed.message}`)
    if (!internal) paths.add(module)
    for (const statement of parsed.program["body"] as ReadonlyArray<Node>) {
      if (statement.type === "ImportDeclaration") continue
      for (const alias of (statement["specifiers"] ?? []) as ReadonlyArray<Node>) {
        const path = `${module}.${nameOf(alias["exported"])}`
        paths.add(path)
        types.set(path, new Set([nameOf(alias["local"])!]))
      }
      const inner = isNode(statement["declaration"]) ? statement["declaration"] : statement
      const first = Array.isArray(inner["declarations"]) ? (inner["declarations"][0] as Node) : inner
      const name = nameOf(first["id"])
      if (name === undefined) continue
      // What is not exported, or is internal, has a name that no user can write; its members are reached all the same.
      const path = `${internal ? "internal " : ""}${statement.type.startsWith("Export") ? "" : "hidden "}${module}.${name}`
      paths.add(path)
      declared.set(name, [...(declared.get(name) ?? []), path])
      visit(inner, path, paths, types)
    }
  }

  const below = (path: string, member: string, seen: ReadonlySet<string> = new Set()): string | undefined => {
    if (paths.has(`${path}${member}`)) return `${path}${member}`
    for (const type of types.get(path) ?? []) {
      for (const other of declared.get(type) ?? []) {
        if (seen.has(other)) continue
        const found = below(other, member, new Set([...seen, other]))
        if (found !== undefined) return found
      }
    }
    return undefined
  }
  return {
    has: (path) => {
      const [, names = "", text] = /^([^:]+?)(: ".*")?$/.exec(path) ?? []
      const [module, name, ...members] = names.split(".")
      let at = name === undefined ? module! : `${module}.${name}`
      if (!paths.has(at)) return false
      for (const member of [...members.map((each) => `.${each}`), ...(text === undefined ? [] : [text])]) {
        const next = below(at, member)
        if (next === undefined) return false
        at = next
      }
      return true
    }
  }
}

const memberTypes = new Set(["TSPropertySignature", "TSMethodSignature", "PropertyDefinition", "MethodDefinition"])

/** Adds the members of a declaration, the strings that it allows, and the types that it names. */
const visit = (node: Node, path: string, paths: Set<string>, types: Map<string, Set<string>>): void => {
  walk(node, (child) => {
    const member = memberTypes.has(child.type) ? nameOf(child["key"]) : undefined
    if (member !== undefined && child !== node) {
      paths.add(`${path}.${member}`)
      visit(child, `${path}.${member}`, paths, types)
      return false
    }
    const literal = child.type === "TSLiteralType" ? nameOf(child["literal"]) : undefined
    if (literal !== undefined) paths.add(`${path}: "${literal}"`)
    const named = child["typeName"] ?? child["expression"] ?? child["superClass"]
    if (!isNode(named)) return true
    const type = nameOf(named) ?? nameOf(named["right"]) ?? nameOf(named["property"])
    if (type !== undefined) types.set(path, (types.get(path) ?? new Set()).add(type))
    return true
  })
}
