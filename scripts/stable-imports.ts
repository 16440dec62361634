/**
 * Holds the packages to their rules:
 *
 * - the core uses only those exports of effect that are tagged `@stability stable`, checked per export;
 * - imports between packages go one way (see docs/decisions/0005-packages-and-arrows.md);
 * - time, randomness and transport come from effect's services, and effects are run in a few named modules only.
 */
import { existsSync, globSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { type Comment, isNode, lineAt, nameOf, type Node, parse, printProblem, type Problem, walk } from "./ast.ts"

/** Which workspace packages each package may import. A package that is not listed may not exist. */
export const arrows: Readonly<Record<string, ReadonlyArray<string>>> = {
  core: [],
  durable: ["effect-poll"],
  http: ["effect-poll"],
  lab: ["effect-poll"],
  learned: ["effect-poll"],
  providers: ["effect-poll", "@effect-poll/http"],
  react: ["effect-poll", "@effect-poll/web"],
  testing: ["effect-poll"],
  web: ["effect-poll"]
}

/** The job server is the oracle of other tests, so it shares nothing with what it tests. Assertions may. */
const assertions = /^packages\/testing\/src\/(Assertion|internal\/assertion)\.ts$/

interface Allowance {
  readonly files: RegExp
  readonly what: ReadonlyArray<string>
  readonly why: string
}

/** Places where a forbidden thing is meant. Each says why. */
export const allowances: ReadonlyArray<Allowance> = [
  {
    files:
      /^packages\/core\/src\/(Poller|internal\/single\/(advance|alone|host|promises|toPromise)|internal\/poller\/registry)\.ts$/,
    what: ["Effect.run*"],
    why: "the hosts of the loop fork checks, and Promises are the way out of Effect"
  },
  {
    files: /^packages\/durable\/src\/internal\/runner\/runner\.ts$/,
    what: ["Effect.run*"],
    why: "a runner is a host of waits: it forks submits and hooks from its own loop, and ends them with its scope"
  },
  {
    files: /^packages\/web\/src\/(PollStore|internal\/loop)\.ts$/,
    what: ["Effect.run*"],
    why: "a store is the host of waits in a page without Effect: views subscribe by plain functions"
  },
  {
    files: /^packages\/web\/src\/internal\/(development|snapshots)\.ts$/,
    what: ["Effect.run*"],
    why: "a warning and the error of a listener are logged where no fiber runs"
  },
  {
    files: /^packages\/react\/src\/query\.ts$/,
    what: ["Effect.run*"],
    why: "the functions of a query return Promises, and read the time while TanStack Query renders"
  },
  {
    files: /^packages\/react\/src\/internal\/holds\.ts$/,
    what: ["new Promise", "setTimeout"],
    why: "React suspends on a Promise, which has to be the same one at each render; a warning in development comes later"
  },
  {
    files: /^packages\/react\/src\/internal\/polls\.ts$/,
    what: ["setTimeout"],
    why: "renders are put off by the time of a frame; no wait depends on it, and React has no runtime to ask"
  },
  {
    files: /^packages\/web\/src\/internal\/crossTab\/(browser|claim)\.ts$/,
    what: ["Date.now", "setTimeout", "new Promise"],
    why: "a page gives a lock up in the event that freezes it, where no fiber runs; tests replace the services"
  }
]

const exported = (node: Node): ReadonlyArray<{ readonly name: string; readonly at: Node }> => {
  if (node.type === "VariableDeclaration") {
    return (node["declarations"] as ReadonlyArray<Node>).flatMap((each) => {
      const name = nameOf(each["id"])
      return name === undefined ? [] : [{ name, at: node }]
    })
  }
  const name = nameOf(node["id"])
  return name === undefined ? [] : [{ name, at: node }]
}

/**
 * The stability of every export of a module of effect, by name, and of the members of its namespaces as `All.Return`.
 * An export declared several times (type, value, namespace) is stable only if every tag it has says so;
 * one without a tag is "untagged".
 */
export const stabilities = (source: string): ReadonlyMap<string, string> => {
  const module = parse(source)
  if ("message" in module) throw new Error(module.message)
  const docs = new Map<number, Comment>()
  for (const comment of module.comments) {
    if (comment.type !== "Block" || !comment.value.startsWith("*")) continue
    // Directives such as `// @ts-expect-error` may stand between a doc comment and what it tells of.
    const rest = /^(?:\s|\/\/.*)*/.exec(source.slice(comment.end, comment.end + 1000))![0].length
    docs.set(comment.end + rest, comment)
  }
  const tag = (node: Node): string | undefined => {
    const doc = docs.get(node.start)
    return doc === undefined ? undefined : /@stability\s+(\w+)/.exec(doc.value)?.[1]
  }
  const found = new Map<string, string>()
  const add = (name: string, stability: string | undefined): void => {
    const before = found.get(name)
    if (stability === undefined) found.set(name, before ?? "untagged")
    else if (before === undefined || before === "untagged" || before === "stable") found.set(name, stability)
  }
  const locals = new Map<string, string | undefined>()
  const visit = (body: ReadonlyArray<Node>, prefix: string): void => {
    for (const statement of body) {
      for (const { name, at } of exported(statement)) locals.set(prefix + name, tag(at))
      if (statement.type === "ExportAllDeclaration" && statement["exported"] !== null) {
        add(prefix + nameOf(statement["exported"])!, tag(statement))
      }
      if (statement.type !== "ExportNamedDeclaration") continue
      const declaration = statement["declaration"]
      if (isNode(declaration)) {
        for (const { name } of exported(declaration)) add(prefix + name, tag(statement))
        const inner = declaration["body"]
        if (declaration.type === "TSModuleDeclaration" && isNode(inner)) {
          visit(inner["body"] as ReadonlyArray<Node>, `${prefix}${nameOf(declaration["id"])!}.`)
        }
      }
      for (const specifier of statement["specifiers"] as ReadonlyArray<Node>) {
        const local = nameOf(specifier["local"])!
        add(prefix + nameOf(specifier["exported"])!, tag(specifier) ?? tag(statement) ?? locals.get(prefix + local))
      }
    }
  }
  visit(module.program["body"] as ReadonlyArray<Node>, "")
  return found
}

/** Gives the stabilities of `effect/<name>`, or undefined if there is no such module. */
export type Lookup = (name: string) => ReadonlyMap<string, string> | undefined

const globals = new Set(["globalThis", "window", "self", "global"])

/** The name of a forbidden thing that begins at this node, as it is written in `allowances`. */
const forbidden = (node: Node, parent: Node | undefined): string | undefined => {
  const member = (of: Node) => (of["computed"] === true && !isNode(of["property"]) ? undefined : nameOf(of["property"]))
  if (node.type === "MemberExpression") {
    const object = nameOf(node["object"])
    const property = member(node)
    if (object === "Date" && property === "now") return "Date.now"
    if (object === "Math" && property === "random") return "Math.random"
    if (object !== undefined && globals.has(object)) {
      if (property === "setTimeout" || property === "setInterval" || property === "fetch") return property
    }
  }
  if (node.type === "NewExpression" && nameOf(node["callee"]) === "Promise") return "new Promise"
  if (node.type === "NewExpression" && (node["arguments"] as ReadonlyArray<Node>).length === 0) {
    if (nameOf(node["callee"]) === "Date") return "new Date()"
  }
  if (node.type === "CallExpression" && nameOf(node["callee"]) === "fetch") return "fetch"
  if (node.type === "Identifier" && (node["name"] === "setTimeout" || node["name"] === "setInterval")) {
    const isName =
      (parent?.["property"] === node && parent["computed"] !== true) ||
      (parent?.["key"] === node && parent["value"] !== node) ||
      parent?.type === "TSQualifiedName"
    if (!isName) return node["name"]
  }
  return undefined
}

/** Checks one module of `packages/<name>/src`. `file` is its path from the root of the repository. */
export const check = (file: string, source: string, lookup: Lookup): ReadonlyArray<Problem> => {
  const module = parse(source)
  if ("message" in module) return [{ file, ...module }]
  const problems: Array<Problem> = []
  const name = file.split("/")[1]!
  const wrong = (at: Node, message: string): void => {
    problems.push({ file, line: lineAt(source, at.start), message })
  }
  const refuse = (at: Node, what: string): void => {
    if (allowances.some((each) => each.files.test(file) && each.what.includes(what))) return
    wrong(at, `${what} is not allowed here`)
  }
  const member = (at: Node, effectModule: string, path: string): void => {
    if (effectModule === "Effect" && path.startsWith("run")) refuse(at, "Effect.run*")
    if (name !== "core") return
    const known = lookup(effectModule)
    if (known === undefined) return
    const stability = known.get(path)
    // A member of a namespace without a tag of its own has that of the namespace.
    if (path.includes(".") && (stability === undefined || stability === "untagged")) return
    if (stability === undefined) wrong(at, `effect/${effectModule} has no export ${path}`)
    else if (stability !== "stable") wrong(at, `${effectModule}.${path} is ${stability}`)
  }

  /** Checks what is named in an import or an export; answers the module of effect it names, if any. */
  const specifier = (at: Node, from: string): string | undefined => {
    const allowed = arrows[name]
    if (from === "effect") wrong(at, "import a module such as effect/Schedule instead of effect")
    else if (from.startsWith("effect/")) {
      const path = from.slice("effect/".length)
      if (name === "core" && !/^[A-Z]\w*$/.test(path)) wrong(at, `the core does not import ${from}`)
      else if (name === "core" && lookup(path) === undefined) wrong(at, `there is no ${from}`)
      else return path
    } else if (from === "effect-poll" || from.startsWith("effect-poll/") || from.startsWith("@effect-poll/")) {
      const parts = from.split("/")
      const target = from.startsWith("@") ? parts.slice(0, 2).join("/") : parts[0]!
      if (allowed === undefined) wrong(at, `package ${name} has no arrows yet: say them in scripts/stable-imports.ts`)
      else if (!allowed.includes(target)) wrong(at, `${name} does not import ${target}`)
      else if (name === "testing" && !assertions.test(file)) wrong(at, `the job server does not import ${target}`)
      else if (parts.includes("internal")) wrong(at, `${from} is internal`)
    } else if (from.startsWith(".")) {
      if (!join(file, "..", from).startsWith(`packages/${name}/src/`)) wrong(at, `${from} leaves the package`)
    } else if (name === "core") wrong(at, `the core does not import ${from}`)
    return undefined
  }

  const namespaces = new Map<string, string>()
  const named = new Map<string, { readonly module: string; readonly imported: string }>()
  for (const statement of module.program["body"] as ReadonlyArray<Node>) {
    const from = nameOf(statement["source"])
    if (from === undefined) continue
    const effectModule = specifier(statement, from)
    if (effectModule === undefined) continue
    if (statement.type === "ExportAllDeclaration" && name === "core")
      wrong(statement, "name what is exported from effect")
    for (const each of (statement["specifiers"] ?? []) as ReadonlyArray<Node>) {
      if (each.type === "ImportNamespaceSpecifier") namespaces.set(nameOf(each["local"])!, effectModule)
      else {
        const imported = nameOf(each["imported"] ?? each["local"])!
        member(each, effectModule, imported)
        if (each.type === "ImportSpecifier") named.set(nameOf(each["local"])!, { module: effectModule, imported })
      }
    }
  }

  walk(module.program, (node, parent) => {
    if (node.type === "ImportDeclaration") return false
    const what = forbidden(node, parent)
    if (what !== undefined) refuse(node, what)
    if (node.type === "ImportExpression" || node.type === "TSImportType") {
      const from = nameOf(node["source"] ?? node["argument"])
      if (from === undefined) wrong(node, "an import needs a plain string")
      else if (specifier(node, from) !== undefined) wrong(node, `import ${from} at the top of the module`)
    }
    const [left, right] =
      node.type === "MemberExpression"
        ? [node["object"], node["computed"] === true ? undefined : node["property"]]
        : node.type === "TSQualifiedName"
          ? [node["left"], node["right"]]
          : []
    const leftName = nameOf(left)
    if (isNode(left) && left.type === "Identifier" && leftName !== undefined) {
      const space = namespaces.get(leftName)
      if (space !== undefined) {
        const first = nameOf(right)
        if (first === undefined) wrong(node, `${leftName} is read by a computed name`)
        else {
          member(node, space, first)
          const second = parent?.type === "TSQualifiedName" ? nameOf(parent["right"]) : undefined
          if (second !== undefined) member(parent!, space, `${first}.${second}`)
        }
      }
      const one = named.get(leftName)
      if (one !== undefined && node.type === "TSQualifiedName") {
        member(node, one.module, `${one.imported}.${nameOf(right)!}`)
      }
    }
    // A namespace may only stand before a dot: handed on whole, its members could not be followed.
    if (node.type === "Identifier" && namespaces.has(node["name"] as string) && parent !== undefined) {
      const before = (parent["object"] === node && parent.type === "MemberExpression") || parent["left"] === node
      const label =
        (parent["property"] === node && parent["computed"] !== true) ||
        parent["key"] === node ||
        parent["right"] === node ||
        parent["id"] === node ||
        parent.type === "ExportSpecifier" ||
        parent.type === "TSTypeReference" ||
        parent.type === "TSInterfaceHeritage"
      if (name === "core" && !before && !label) wrong(node, `${node["name"] as string} is used whole`)
    }
    return true
  })
  return problems
}

/** Checks modules up in the sources that effect ships. */
export const lookupIn = (directory: string): Lookup => {
  const known = new Map<string, ReadonlyMap<string, string> | undefined>()
  return (name) => {
    if (!known.has(name)) {
      const path = join(directory, `${name}.ts`)
      known.set(name, existsSync(path) ? stabilities(readFileSync(path, "utf8")) : undefined)
    }
    return known.get(name)
  }
}

if (import.meta.main) {
  const root = join(import.meta.dirname, "..")
  const lookup = lookupIn(join(root, "node_modules", "effect", "src"))
  const files = globSync("packages/*/src/**/*.ts", { cwd: root }).toSorted()
  const problems = files.flatMap((file) => check(file, readFileSync(join(root, file), "utf8"), lookup))
  for (const problem of problems) console.error(printProblem(problem))
  console.log(`${files.length} modules, ${problems.length} problems`)
  if (files.length === 0 || problems.length > 0) process.exitCode = 1
}
