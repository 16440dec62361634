/**
 * What the tests of the documents read: headings, links and tables of a page, members of an interface, titles of tests.
 */
import { lineAt, nameOf, type Node, parse, walk } from "./ast.ts"
import { fences } from "./snippets.ts"

/** The text of a page without its fences, line by line, so that samples are neither headings nor links. */
export const prose = (page: string): string => {
  const lines = page.split("\n")
  for (const { code, line } of fences("", page)) {
    for (let at = line - 1; at <= line + code.split("\n").length; at++) lines[at] = ""
  }
  return lines.join("\n")
}

/** The anchors of a page, as GitHub makes them from its headings. */
export const anchors = (page: string): ReadonlySet<string> => {
  const found = new Set<string>()
  for (const [, heading] of prose(page).matchAll(/^#{1,6} (.+)$/gm)) {
    const slug = heading!
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
      .replaceAll(" ", "-")
    let anchor = slug
    for (let again = 1; found.has(anchor); again++) anchor = `${slug}-${again}`
    found.add(anchor)
  }
  return found
}

/** A relative link of a page: where it stands, the file and the anchor, either of which may be empty. */
export interface Link {
  readonly line: number
  readonly file: string
  readonly anchor: string
}

/** The links of a page to files of this repository and to anchors. */
export const links = (page: string): ReadonlyArray<Link> => {
  const text = prose(page)
  return [...text.matchAll(/\]\(([^)\s]*)\)/g)].flatMap((match) => {
    const [, target] = match
    if (/^[a-z][a-z+.-]*:/i.test(target!)) return []
    const [file, anchor] = target!.split("#", 2)
    return [{ line: lineAt(text, match.index), file: file!, anchor: anchor ?? "" }]
  })
}

/** The cells of a row. A `\|` does not end a cell. */
const cellsOf = (line: string): ReadonlyArray<string> =>
  line
    .split(/(?<!\\)\|/)
    .slice(1, -1)
    .map((cell) => cell.trim().replaceAll("\\|", "|"))

/** The rows of all tables of a page whose head is this, as records by column. */
export const table = (
  page: string,
  ...head: ReadonlyArray<string>
): ReadonlyArray<Readonly<Record<string, string>>> => {
  const rows: Array<Record<string, string>> = []
  let inTable = false
  for (const line of prose(page).split("\n")) {
    if (!line.startsWith("|")) {
      inTable = false
      continue
    }
    const cells = cellsOf(line)
    if (cells.join("|") === head.join("|")) inTable = true
    else if (inTable && !/^\|[\s:|-]+$/.test(line)) {
      rows.push(Object.fromEntries(head.map((name, at) => [name, cells[at] ?? ""])))
    }
  }
  return rows
}

/** What a cell shows in its first code span, otherwise its text. */
export const codeOf = (cell: string): string => /`([^`]*)`/.exec(cell)?.[1] ?? cell

const parsed = (source: string): Node => {
  const module = parse(source)
  if ("message" in module) throw new Error(`line ${module.line}: ${module.message}`)
  return module.program
}

/** The declaration of this name in a module. */
const declaration = (source: string, name: string): Node => {
  let found: Node | undefined
  walk(parsed(source), (node) => {
    if (node.type.endsWith("Declaration") && nameOf(node["id"]) === name) found = node
  })
  if (found === undefined) throw new Error(`${name} is not declared`)
  return found
}

/** The names of the members of an interface. */
export const membersOf = (source: string, name: string): ReadonlyArray<string> => {
  const { body } = declaration(source, name)["body"] as Node
  return (body as ReadonlyArray<Node>).flatMap((member) => nameOf(member["key"]) ?? [])
}

/** The names of the types in a union, or the texts of a union of literals. */
export const unionOf = (source: string, name: string): ReadonlyArray<string> => {
  const { types } = declaration(source, name)["typeAnnotation"] as Node
  return (types as ReadonlyArray<Node>).flatMap((type) => nameOf(type["typeName"]) ?? nameOf(type["literal"]) ?? [])
}

/** The names of the classes that a module exports. */
export const classesOf = (source: string): ReadonlyArray<string> => {
  const found: Array<string> = []
  walk(parsed(source), (node, parent) => {
    if (node.type === "ClassDeclaration" && parent?.type === "ExportNamedDeclaration") found.push(nameOf(node["id"])!)
  })
  return found
}

/** The numbers of rules (`R12`) in a text. */
const rulesIn = (text: string): ReadonlyArray<string> => text.match(/\bR[1-9]\d?\b/g) ?? []

/** The rules that the titles of tests name: the strings and templates that a test file has outside of its imports. */
export const rulesOfTitles = (source: string): ReadonlyArray<string> => {
  if (rulesIn(source).length === 0) return []
  const found: Array<string> = []
  walk(parsed(source), (node) => {
    if (node.type !== "CallExpression" && node.type !== "Property") return
    const isTitle = node.type === "Property" ? nameOf(node["key"]) === "name" : isTest(node["callee"] as Node)
    const title = node.type === "Property" ? node["value"] : (node["arguments"] as ReadonlyArray<Node>)[0]
    if (isTitle && title !== undefined) found.push(...rulesIn(textOf(title as Node)))
  })
  return found
}

/** `it`, `describe`, and what is called on them: `it.effect`, `it.effect.prop`, `describe.each(hosts)`. */
const isTest = (callee: Node): boolean => {
  switch (callee.type) {
    case "Identifier":
      return ["describe", "it", "test"].includes(callee["name"] as string)
    case "MemberExpression":
      return isTest(callee["object"] as Node)
    case "CallExpression":
      return isTest(callee["callee"] as Node)
    default:
      return false
  }
}

const textOf = (node: Node): string =>
  node.type === "TemplateLiteral"
    ? (node["quasis"] as ReadonlyArray<Node>).map((quasi) => (quasi["value"] as { readonly raw: string }).raw).join(" ")
    : (nameOf(node) ?? "")

const namedRule = /(?:\b[Rr]ules? |\[|\()(R[1-9]\d?)\b/

/** The rules that the comments of a module name, as `rule R12` or `[R12]`; `R2` alone may be a type parameter. */
export const rulesOfComments = (source: string): ReadonlyArray<string> => {
  // Most files name none, and parsing all of them takes seconds.
  if (!namedRule.test(source)) return []
  const module = parse(source)
  if ("message" in module) return []
  return module.comments.flatMap(({ value }) =>
    [...value.matchAll(new RegExp(namedRule, "g"))].map(([, rule]) => rule!)
  )
}
