/**
 * Turns the samples of the guides and of the doc comments into modules under `docs/_snippets`.
 *
 * `tsc -b` checks those modules and the test project `docs` runs them. CONTRIBUTING.md tells the marks a fence may carry.
 */
import { globSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { lineAt, type Node, parse, printProblem, type Problem, walk } from "./ast.ts"

/** The text between two fences, as it stands in a file. */
export interface Fence {
  readonly file: string
  /** The line of the opening fence. */
  readonly line: number
  readonly marks: ReadonlyArray<string>
  readonly code: string
}

/** A module made of one fence, or of several that continue each other. */
export interface Snippet {
  readonly name: string
  /** `tsx` if one of the fences is: such a module is checked, and not run. */
  readonly extension: "ts" | "tsx"
  readonly file: string
  readonly line: number
  readonly run: boolean
  readonly code: string
  /** For each line of `code`, the line of `file` it came from. */
  readonly lines: ReadonlyArray<number>
}

export interface Extracted {
  readonly snippets: ReadonlyArray<Snippet>
  readonly problems: ReadonlyArray<Problem>
}

const root = join(import.meta.dirname, "..")
export const directory: string = join(root, "docs", "_snippets")

const opening = /^(\s*)(`{3,})(.*)$/

/** The fences of a Markdown text, of every language. `firstLine` is the line of the file that `text` begins with. */
export const fences = (file: string, text: string, firstLine = 1): ReadonlyArray<Fence> => {
  const found: Array<Fence> = []
  const lines = text.split("\n")
  for (let at = 0; at < lines.length; at++) {
    const match = opening.exec(lines[at]!)
    if (match === null) continue
    const [, indent, ticks, info] = match as unknown as [string, string, string, string]
    const start = at
    const body: Array<string> = []
    while (++at < lines.length && lines[at]!.trim() !== ticks) {
      const line = lines[at]!
      body.push(line.startsWith(indent) ? line.slice(indent.length) : line.trimStart())
    }
    found.push({ file, line: firstLine + start, marks: info.trim().split(/\s+/), code: body.join("\n") })
  }
  return found
}

/** The fences that stand under an **Example** heading in the doc comments of a module. */
export const docFences = (file: string, source: string): ReadonlyArray<Fence> | Problem => {
  const module = parse(source)
  if ("message" in module) return { file, ...module }
  return module.comments.flatMap((comment) => {
    if (comment.type !== "Block" || !comment.value.startsWith("*")) return []
    let inExample = false
    let inFence = false
    const lines = comment.value.split("\n").map((line) => {
      const text = line.replace(/^\s*\*? ?/, "")
      if (!inFence && /^\*\*[^*]+\*\*/.test(text)) inExample = text.startsWith("**Example**")
      if (!inFence && text.startsWith("@")) inExample = false
      if (opening.test(text)) inFence = !inFence
      return inExample ? text : ""
    })
    return fences(file, lines.join("\n"), lineAt(source, comment.start))
  })
}

const marksAllowed = new Set(["no-run", "continue"])

/**
 * Rewrites `expr // => value` into an assertion, and `const x = expr // => value` into the same with one after it.
 * No line is added, so that lines of the module and of the fence stay in step.
 */
export const assertions = (
  code: string
): { readonly code: string; readonly problems: ReadonlyArray<Omit<Problem, "file">> } => {
  const module = parse(code)
  if ("message" in module) return { code, problems: [module] }
  const statements: Array<Node> = []
  walk(module.program, (node) => {
    if (node.type === "ExpressionStatement" || node.type === "VariableDeclaration") statements.push(node)
  })
  const problems: Array<Omit<Problem, "file">> = []
  const insertions: Array<{ readonly at: number; readonly text: string }> = []
  for (const comment of module.comments) {
    const value = /^\s*=>\s*(.*)$/.exec(comment.value)?.[1]
    if (comment.type !== "Line" || value === undefined) continue
    const line = lineAt(code, comment.start)
    const wrong = (message: string) => problems.push({ line, message })
    // The innermost statement that ends right before the comment: on its line, or the line above when the comment stands alone.
    const statement = statements
      .filter((node) => node.end <= comment.start && /^[ \t;]*\n?[ \t]*$/.test(code.slice(node.end, comment.start)))
      .toSorted((a, b) => b.start - a.start)[0]
    if (statement === undefined) {
      wrong("`// =>` must follow an expression or a `const`")
      continue
    }
    if ("message" in parse(`;(${value})`)) {
      wrong(`\`// => ${value}\` is not an expression`)
      continue
    }
    const end = code[statement.end - 1] === ";" ? statement.end - 1 : statement.end
    if (statement.type === "ExpressionStatement") {
      insertions.push({ at: statement.start, text: "same$(" }, { at: end, text: `, (${value}))` })
      continue
    }
    const [declaration, ...others] = statement["declarations"] as ReadonlyArray<Node>
    const id = declaration!["id"] as Node
    if (others.length > 0 || id.type !== "Identifier") wrong("`// =>` after a declaration needs a single plain name")
    else insertions.push({ at: end, text: `; same$(${id["name"] as string}, (${value}))` })
  }
  let out = code
  for (const { at, text } of insertions.toSorted((a, b) => b.at - a.at)) out = out.slice(0, at) + text + out.slice(at)
  return { code: out, problems }
}

const header = (file: string, line: number, asserts: boolean): string =>
  `// ${file}:${line}, written by scripts/snippets.ts` +
  (asserts
    ? `\nimport { deepStrictEqual as deepStrictEqual$ } from "node:assert/strict"` +
      `\nconst same$: (actual: unknown, expected: unknown) => void = deepStrictEqual$`
    : "")

/**
 * "docs/guide/01-start.md" is "guide-01-start", "packages/core/src/Poll.ts" is "core-Poll". The pages of docs/providers
 * keep their "docs", so that mixpeek.md and Mixpeek.ts are two files where case does not count.
 */
export const slug = (file: string): string =>
  file
    .replace(/^docs\/(?!providers\/)|^packages\//, "")
    .replace("/src/", "/")
    .replace(/\.(md|ts)$/, "")
    .replaceAll("/", "-")

/** Groups the `ts` and `tsx` fences of one file into modules. */
export const snippets = (file: string, all: ReadonlyArray<Fence>): Extracted => {
  const problems: Array<Problem> = []
  const groups: Array<Array<Fence>> = []
  for (const fence of all) {
    const [language, ...marks] = fence.marks
    const wrong = (message: string) => problems.push({ file, line: fence.line, message })
    if (language === "typescript") wrong("write `ts` instead of `typescript`")
    if (language !== "ts" && language !== "tsx") continue
    for (const mark of marks) if (!marksAllowed.has(mark)) wrong(`unknown mark \`${mark}\` on a \`ts\` fence`)
    if (!marks.includes("continue")) groups.push([fence])
    else if (groups.length === 0) wrong("nothing to continue: this is the first `ts` fence of the file")
    else groups.at(-1)!.push(fence)
  }
  const made = groups.map((group, index): Snippet => {
    const extension = group.some((fence) => fence.marks[0] === "tsx") ? "tsx" : "ts"
    const parts = group.map((fence) => {
      if (fence.marks[0] === "tsx") return fence.code
      const result = assertions(fence.code)
      for (const { line, message } of result.problems) problems.push({ file, line: fence.line + line, message })
      return result.code
    })
    const body = parts.join("\n")
    const { line } = group[0]!
    const head = header(file, line, body.includes("same$("))
    // Without an import or an export a file is still a module here, but says so to every tool.
    const code = `${head}\n${body}\nexport {}\n`
    const lines = [
      ...head.split("\n").map(() => line),
      ...group.flatMap((fence) => fence.code.split("\n").map((_, at) => fence.line + 1 + at))
    ]
    const run = extension === "ts" && group.every((fence) => !fence.marks.includes("no-run"))
    return { name: `${slug(file)}-${index + 1}`, extension, file, line, run, code, lines }
  })
  return { snippets: made, problems }
}

/** Reads every sample of the repository. */
export const collect = (): Extracted => {
  const read = (file: string) => readFileSync(join(root, file), "utf8")
  const list = (...patterns: ReadonlyArray<string>) => globSync(patterns, { cwd: root }).toSorted()
  const results: Array<Extracted> = []
  for (const file of list("README.md", "docs/guide/*.md", "docs/providers/*.md", "docs/recipes/*.md")) {
    results.push(snippets(file, fences(file, read(file))))
  }
  for (const file of list("packages/*/src/**/*.ts")) {
    const found = docFences(file, read(file))
    results.push("message" in found ? { snippets: [], problems: [found] } : snippets(file, found))
  }
  return {
    snippets: results.flatMap((result) => result.snippets),
    problems: results.flatMap((result) => result.problems)
  }
}

/** Brings `docs/_snippets` up to date and leaves files that did not change alone. */
export const write = (all: ReadonlyArray<Snippet>): void => {
  mkdirSync(directory, { recursive: true })
  const old = new Set(readdirSync(directory))
  for (const snippet of all) {
    const name = `${snippet.name}.${snippet.extension}`
    const path = join(directory, name)
    if (!old.delete(name) || readFileSync(path, "utf8") !== snippet.code) writeFileSync(path, snippet.code)
  }
  for (const name of old) rmSync(join(directory, name))
}

/** Where in the fence an error was thrown, read from its stack; the opening fence if the stack does not say. */
export const place = (snippet: Snippet, error: unknown): string => {
  const stack = error instanceof Error ? (error.stack ?? "") : ""
  const at = new RegExp(`${snippet.name.replaceAll(".", "\\.")}\\.ts:(\\d+)`).exec(stack)?.[1]
  return `${snippet.file}:${(at === undefined ? undefined : snippet.lines[Number(at) - 1]) ?? snippet.line}`
}

if (import.meta.main) {
  const { problems, snippets: all } = collect()
  write(all)
  for (const problem of problems) console.error(printProblem(problem))
  console.log(`${all.length} snippets, ${all.filter((snippet) => !snippet.run).length} of them only checked`)
  if (problems.length > 0) process.exitCode = 1
}
