/**
 * Writes `etc/<package>.api.md`: the public surface of each package, from the declarations that tsc emitted.
 * `--check` compares instead, and fails where a report differs.
 *
 * A report has every module that can be imported, and the modules of `internal` that their declarations name: nothing
 * that a user's code can depend on changes without a line in `etc`.
 */
import { existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { basename, dirname, join, relative } from "node:path"
import { format } from "oxfmt"
import { isNode, type Module, type Node, nameOf, parse, walk } from "./ast.ts"

const layout = { semi: false, trailingComma: "none", printWidth: 120, objectWrap: "collapse" } as const

/** A declaration file without its comments, in one layout. */
export const strip = async (declarations: string): Promise<string> => {
  const { comments } = parsed(declarations)
  let code = ""
  let at = 0
  for (const { end, start } of comments) {
    code += declarations.slice(at, start)
    at = end
  }
  code += declarations.slice(at)
  // Lines inside of a declaration that hold nothing are those that comments leave behind.
  const result = await format("module.ts", code.replace(/^\s*\n/gm, ""), layout)
  if (result.errors.length > 0) throw new Error(result.errors.map((error) => error.message).join("\n"))
  const statements = statementsOf(result.code)
    .map((node) => ({ name: declared(node), text: result.code.slice(node.start, node.end) }))
    // `export {}` only says "module".
    .filter(({ text }) => text !== "export {}")
    // By name, imports first: that a declaration moved within its file is no news. The order of overloads is kept.
    .toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
  let out = ""
  for (const [index, { text }] of statements.entries()) {
    const before = statements[index - 1]?.text
    const gap = before === undefined ? "" : (before + text).includes("\n") || before[0] !== text[0] ? "\n\n" : "\n"
    out += gap + text
  }
  return out
}

/** The name that a statement declares; none for imports and for what is exported from elsewhere. */
const declared = (node: Node): string => {
  const inner = isNode(node["declaration"]) ? node["declaration"] : node
  const first = Array.isArray(inner["declarations"]) ? (inner["declarations"][0] as Node) : inner
  return nameOf(first["id"]) ?? ""
}

const parsed = (source: string): Module => {
  const module = parse(source)
  if ("message" in module) throw new Error(`line ${module.line} of declarations: ${module.message}`)
  return module
}

const statementsOf = (source: string): ReadonlyArray<Node> => parsed(source).program["body"] as ReadonlyArray<Node>

export interface Import {
  readonly from: string
  /** What is named of it; "*" is the whole module. */
  readonly names: ReadonlyArray<string>
}

/** What a declaration file imports by a relative path, `import("./a.ts").A` included. */
export const importsOf = (declarations: string): ReadonlyArray<Import> => {
  const { program } = parsed(declarations)
  const found: Array<Import> = []
  walk(program, (node) => {
    const from = nameOf(node["source"])
    if (from?.startsWith(".") !== true) return
    if (node.type === "TSImportType") found.push({ from, names: [nameOf(node["qualifier"]) ?? "*"] })
    const specifiers = (node["specifiers"] ?? []) as ReadonlyArray<Node>
    const names = specifiers.flatMap((each) => {
      const local = nameOf(each["local"])!
      return each.type === "ImportNamespaceSpecifier" ? membersOf(program, local) : [nameOf(each["imported"]) ?? local]
    })
    if (node.type !== "TSImportType") found.push({ from, names: names.length === 0 ? ["*"] : names })
  })
  return found
}

/** What is named of a namespace: `A` and `B` in `interface C extends space.A<space.B> {}`. */
const membersOf = (program: Node, space: string): ReadonlyArray<string> => {
  const found = new Set<string>()
  walk(program, (node) => {
    const [left, right] =
      node.type === "TSQualifiedName" ? [node["left"], node["right"]] : [node["object"], node["property"]]
    if (nameOf(left) === space) found.add(nameOf(right)!)
  })
  return [...found]
}

/** The report of a package. `read` gives a declaration file by its path below `dist`, without extension. */
export const report = async (
  name: string,
  modules: ReadonlyArray<string>,
  read: (module: string) => string
): Promise<string> => {
  const sections = new Map<string, string>()
  const leaks = new Set<string>()
  const add = async (module: string): Promise<void> => {
    if (sections.has(module)) return
    const declarations = read(module)
    sections.set(module, "")
    sections.set(module, await strip(declarations))
    for (const { from, names } of importsOf(declarations)) {
      const target = join(dirname(module), from).replace(/\.(ts|js)$/, "")
      if (!target.startsWith("internal/")) continue
      if (!module.startsWith("internal/"))
        for (const each of names) leaks.add(`- \`${module}\`: \`${each}\` of \`${target}\``)
      await add(target)
    }
  }
  for (const module of modules) await add(module)
  const rank = (module: string): string =>
    module === "index" ? "" : module.startsWith("internal/") ? `~${module}` : module
  const order = [...sections.keys()].toSorted((a, b) => (rank(a) < rank(b) ? -1 : 1))
  return [
    `# API of ${name}`,
    "Written by `pnpm api-report` from the declarations; not edited by hand.",
    `## Taken from internal modules\n\n${leaks.size === 0 ? "Nothing." : [...leaks].toSorted().join("\n")}`,
    ...order.map((module) => {
      const title = module === "index" ? name : module.startsWith("internal/") ? module : `${name}/${module}`
      return `## ${title}\n\n\`\`\`ts\n${sections.get(module)!}\n\`\`\``
    })
  ]
    .join("\n\n")
    .concat("\n")
}

/** The first lines that differ, for a message. */
export const difference = (committed: string, current: string): string => {
  const [before, after] = [committed.split("\n"), current.split("\n")]
  let at = 0
  while (before[at] === after[at]) at++
  const module =
    after
      .slice(0, at)
      .findLast((line) => line.startsWith("## "))
      ?.slice(3) ?? "its head"
  const line = (text: string | undefined) => text ?? "(end of the report)"
  return `line ${at + 1}, in ${module}:\n  - ${line(before[at])}\n  + ${line(after[at])}`
}

const root = join(import.meta.dirname, "..")

/** The reports of all published packages, by path. */
const reports = async (): Promise<ReadonlyMap<string, string>> => {
  const found = new Map<string, string>()
  for (const manifest of globSync("packages/*/package.json", { cwd: root }).toSorted()) {
    const folder = dirname(join(root, manifest))
    const { name, private: isPrivate } = JSON.parse(readFileSync(join(root, manifest), "utf8")) as {
      readonly name: string
      readonly private?: boolean
    }
    if (isPrivate === true) continue
    const modules = globSync("*.ts", { cwd: join(folder, "src") }).map((file) => basename(file, ".ts"))
    const read = (module: string): string => {
      const path = join(folder, "dist", `${module}.d.ts`)
      if (existsSync(path)) return readFileSync(path, "utf8")
      throw new Error(`${relative(root, path)} is missing: run \`pnpm build --force\``)
    }
    found.set(`etc/${name.replace("@", "").replace("/", "-")}.api.md`, await report(name, modules, read))
  }
  return found
}

if (import.meta.main) {
  const check = process.argv.includes("--check")
  const current = await reports()
  mkdirSync(join(root, "etc"), { recursive: true })
  for (const [file, text] of current) {
    const path = join(root, file)
    const committed = existsSync(path) ? readFileSync(path, "utf8") : ""
    if (committed === text) continue
    if (!check) writeFileSync(path, text)
    else {
      console.error(`${file} differs from the declarations at ${difference(committed, text)}`)
      process.exitCode = 1
    }
  }
  for (const file of globSync("etc/*.api.md", { cwd: root })) {
    if (current.has(file)) continue
    if (!check) rmSync(join(root, file))
    else {
      console.error(`${file} is the report of no package`)
      process.exitCode = 1
    }
  }
  if (process.exitCode === 1) console.error("If the change of the API is meant: `pnpm api-report`, and commit `etc`.")
  else console.log(`${current.size} API reports`)
}
