/**
 * Judges the packages as a user gets them: packs each, lints the tarballs (publint, attw), installs them into empty
 * folders, and runs and type-checks what a user would write there.
 *
 * - `readme-1`, `readme-2`: the programs of README.md, each with exactly the packages it imports, installed by npm.
 * - `bare`: every module of every package, installed by pnpm without optional peers. What an index exports has to load;
 *   what it leaves out has to need an optional peer.
 * - `full`: the same with optional peers, by `import` and by `require`.
 *
 * The tools are pinned by scripts/pack-check/package-lock.json and installed there on demand: Bun and Deno are large.
 */
import { spawn } from "node:child_process"
import {
  copyFileSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { basename, dirname, join, relative } from "node:path"
import { nameOf, parse, walk } from "./ast.ts"
import { fences, type Snippet, snippets } from "./snippets.ts"

const root = join(import.meta.dirname, "..")
const tools = join(import.meta.dirname, "pack-check")

export interface Manifest {
  readonly name: string
  readonly version: string
  readonly private?: boolean
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>
}

const json = (path: string): unknown => JSON.parse(readFileSync(path, "utf8"))

// ---- what is judged ----

export interface Program {
  readonly plain: string
  readonly asserting: Snippet
}

/** The `ts` fences of a README that run, in order. */
export const programsOf = (readme: string): ReadonlyArray<Program> => {
  const run = fences("README.md", readme).filter(({ marks }) => marks[0] === "ts" && !marks.includes("no-run"))
  if (run.length === 0) throw new Error("README.md has no `ts` program to run")
  return run.map((fence) => ({ plain: fence.code, asserting: snippets("README.md", [fence]).snippets[0]! }))
}

/** The packages that a program imports, Node's own modules left out. */
export const packagesOf = (program: string): ReadonlyArray<string> => {
  const module = parse(program)
  if ("message" in module) throw new Error(`line ${module.line}: ${module.message}`)
  const found = new Set<string>()
  walk(module.program, (node) => {
    const from = nameOf(node["source"])
    if (from === undefined || from.startsWith(".") || from.startsWith("node:")) return
    found.add(from.split("/", from.startsWith("@") ? 2 : 1).join("/"))
  })
  return [...found].toSorted()
}

/** The packages among `ours` that `names` need: they are not on the registry, so each must be installed by tarball. */
export const closure = (names: ReadonlyArray<string>, ours: ReadonlyMap<string, Manifest>): ReadonlySet<string> => {
  const found = new Set<string>()
  const visit = (name: string): void => {
    const manifest = ours.get(name)
    if (manifest === undefined || found.has(name)) return
    found.add(name)
    Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }).forEach(visit)
  }
  names.forEach(visit)
  return found
}

export const optionalPeers = (manifest: Manifest): ReadonlyArray<string> =>
  Object.entries(manifest.peerDependenciesMeta ?? {}).flatMap(([name, { optional }]) =>
    optional === true ? [name] : []
  )

/**
 * What is wrong with the files of an installed package: a missing text, a source without its build, a map without its
 * source, an import of what the manifest does not declare. `read` gives the text of a file.
 */
export const fileProblems = (files: ReadonlySet<string>, read: (file: string) => string): ReadonlyArray<string> => {
  const problems = ["package.json", "README.md", "LICENSE", "AGENTS.md"].flatMap((file) =>
    files.has(file) ? [] : [`${file} is missing`]
  )
  const { dependencies, name, peerDependencies } = JSON.parse(read("package.json")) as Manifest
  const declared = new Set([name, ...Object.keys({ ...dependencies, ...peerDependencies })])
  for (const file of files) {
    if (file.startsWith("src/") && file.endsWith(".ts")) {
      const build = file.replace("src/", "dist/").replace(/\.ts$/, "")
      for (const end of [".js", ".js.map", ".d.ts", ".d.ts.map"]) {
        if (!files.has(build + end)) problems.push(`${build}${end} is missing`)
      }
    }
    if (/^dist\/.*\.(js|d\.ts)$/.test(file)) {
      for (const imported of packagesOf(read(file))) {
        if (!declared.has(imported)) problems.push(`${file} imports ${imported}, which the manifest does not declare`)
      }
    }
    if (file.endsWith(".map")) {
      const { sources, sourceRoot } = JSON.parse(read(file)) as {
        readonly sources: ReadonlyArray<string>
        readonly sourceRoot?: string
      }
      for (const source of sources) {
        const path = join(dirname(file), sourceRoot ?? "", source)
        if (!files.has(path)) problems.push(`${file} maps to ${path}, which is missing`)
      }
    } else if (!/^(src\/.*\.ts|dist\/.*\.(js|d\.ts)|package\.json|[A-Z]+\.md|LICENSE)$/.test(file)) {
      problems.push(`${file} does not belong into the package`)
    }
  }
  return problems
}

// ---- how ----

interface Result {
  readonly code: number | null
  readonly output: string
}

const run = (cwd: string, command: string, args: ReadonlyArray<string>, env: NodeJS.ProcessEnv = {}): Promise<Result> =>
  new Promise((done, fail) => {
    const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] })
    const timer = setTimeout(() => child.kill("SIGKILL"), 120_000)
    let output = ""
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += String(chunk)))
    child.once("error", fail)
    child.once("close", (code) => {
      clearTimeout(timer)
      done({ code, output })
    })
  })

let failures = 0

/** Does one step and prints how it went; a failed one is counted, and what it printed is shown. */
const step = async (title: string, work: () => Promise<Result>): Promise<boolean> => {
  const start = performance.now()
  const { code, output } = await work()
  const seconds = ((performance.now() - start) / 1000).toFixed(1)
  console.log(`${code === 0 ? "ok  " : "FAIL"} ${title} (${seconds} s)`)
  if (code === 0) return true
  failures++
  console.log(output.trim().replace(/^/gm, "     "))
  return false
}

const verdict = (problems: ReadonlyArray<string>): Result => ({
  code: problems.length === 0 ? 0 : 1,
  output: problems.join("\n")
})

/** Something that no later step can do without. */
const need = async (title: string, work: () => Promise<Result>): Promise<void> => {
  if (!(await step(title, work))) throw new Error(`${title}: failed`)
}

const node = (...args: ReadonlyArray<string>): readonly [string, ReadonlyArray<string>] => [process.execPath, args]

const pnpm = (...args: ReadonlyArray<string>): readonly [string, ReadonlyArray<string>] => {
  const path = process.env["npm_execpath"] ?? ""
  return basename(path).startsWith("pnpm") ? [path, args] : ["npx", ["-y", "pnpm@12", ...args]]
}

const npmInstall = ["--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"]

/** Installs the tools unless those of this very lock file are there. */
const installTools = async (): Promise<void> => {
  const lock = readFileSync(join(tools, "package-lock.json"), "utf8")
  const stamp = join(tools, "node_modules", ".installed-lock.json")
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === lock) return
  await need("tools installed", () => run(tools, "npm", ["ci", ...npmInstall]))
  writeFileSync(stamp, lock)
}

const tool = (path: string): string => join(tools, "node_modules", path)

interface Runtime {
  readonly name: string
  readonly command: string
  readonly args: ReadonlyArray<string>
}

const runtimes = (): ReadonlyArray<Runtime> => {
  const one = (pattern: string): string | undefined =>
    globSync(pattern, { cwd: tools }).map((path) => join(tools, path))[0]
  // Deno resolves from node_modules alone, and Bun too: what is not installed is missing.
  const deno = ["run", "--allow-all", "--node-modules-dir=manual", "--no-lock", "--cached-only", "--no-prompt"]
  const all: ReadonlyArray<Omit<Runtime, "command"> & { readonly command: string | undefined }> = [
    { name: "the oldest Node", command: one("node_modules/node-linux-*/bin/node"), args: [] },
    { name: "Node of the workspace", command: process.execPath, args: [] },
    { name: "Bun", command: one("node_modules/@oven/bun-*/bin/bun"), args: ["run", "--no-install"] },
    { name: "Deno", command: one("node_modules/@deno/*/deno"), args: deno }
  ]
  return all.flatMap(({ args, command, name }) => {
    if (command !== undefined) return [{ name, command, args }]
    console.log(`skip ${name}: its package has no binary for this system`)
    return []
  })
}

/** Runs a file in every runtime. */
const runEverywhere = async (folder: string, file: string): Promise<void> => {
  for (const { args, command, name } of runtimes()) {
    const { output } = await run(folder, command, ["--version"])
    const env = { DENO_DIR: join(folder, ".deno"), DENO_NO_UPDATE_CHECK: "1" }
    const title = `${basename(folder)}: ${file} under ${name}, ${output.match(/\d+\.\d+\.\d+/)?.[0]}`
    await step(title, () => run(folder, command, [...args, file], env))
  }
}

/** Type-checks a file by every compiler, and the declarations of all that it imports: `skipLibCheck` is off. */
const checkEverywhere = async (folder: string, file: string): Promise<void> => {
  const compilerOptions = {
    target: "ES2023",
    lib: ["ES2023", "DOM"],
    types: [],
    module: "NodeNext",
    strict: true,
    skipLibCheck: false,
    noEmit: true
  }
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: [file] }))
  for (const name of ["typescript-5.9", "typescript-6", "typescript"]) {
    const compiler = join(root, "node_modules", name)
    const { version } = json(join(compiler, "package.json")) as Manifest
    const tsc = node(join(compiler, "bin/tsc"), "-p", ".")
    await step(`${basename(folder)}: types of ${file} under TypeScript ${version}`, () => run(folder, ...tsc))
  }
}

/** Imports every module and says which of them did not load, and why. */
const importAll = (modules: ReadonlyArray<string>): string => `
const modules = ${JSON.stringify(modules)}
const failed: Record<string, string> = {}
for (const module of modules) {
  try {
    await import(module)
  } catch (error) {
    failed[module] = String(error)
  }
}
`

/**
 * Every module but those that the index leaves out loads, and those fail for an optional peer. Whether those of `unclear`
 * do cannot be seen, because another package requires their peer.
 */
const loadsBare = (
  modules: ReadonlyArray<string>,
  leftOut: ReadonlyArray<string>,
  unclear: ReadonlyArray<string>,
  peers: ReadonlyArray<string>
) => `
${importAll(modules)}
const leftOut = new Set(${JSON.stringify(leftOut)})
const unclear = new Set(${JSON.stringify(unclear)})
const peers = ${JSON.stringify(peers)}
const wrong = modules.flatMap((module) => {
  const error = failed[module]
  if (!leftOut.has(module)) return error === undefined ? [] : [module + " does not load: " + error]
  if (error === undefined && unclear.has(module)) return []
  const forPeer = error !== undefined && peers.some((peer) => error.includes("'" + peer + "'"))
  return forPeer ? [] : [module + " needs no optional peer, but its index leaves it out: " + error]
})
if (wrong.length > 0) throw new Error(wrong.join("\\n"))
`

const loadsFull = (modules: ReadonlyArray<string>) => `
${importAll(modules)}
if (Object.keys(failed).length > 0) throw new Error(JSON.stringify(failed, null, 2))
`

const requiresAll = (modules: ReadonlyArray<string>) => `
for (const module of ${JSON.stringify(modules)}) require(module)
`

const namespaces = (modules: ReadonlyArray<string>): string =>
  modules.map((module, index) => `export * as m${index} from "${module}"\n`).join("")

/** The version that the workspace uses, wherever in it the package is installed. */
const versionAt = (name: string): string => {
  const [at] = globSync([`node_modules/${name}/package.json`, `packages/*/node_modules/${name}/package.json`], {
    cwd: root
  })
  if (at === undefined) throw new Error(`${name} is not installed in the workspace`)
  return (json(join(root, at)) as Manifest).version
}

/** A package and what became of it. */
interface Packed {
  readonly manifest: Manifest
  readonly tarball: string
  /** Its modules as they are imported, the index first. */
  readonly modules: ReadonlyArray<string>
  /** Those that the index does not export, for a peer that they need. One in lower case is an entry point of its own. */
  readonly leftOut: ReadonlyArray<string>
}

const pack = async (folder: string, temp: string): Promise<Packed | undefined> => {
  const manifest = json(join(folder, "package.json")) as Manifest
  if (manifest.private === true) return undefined
  const { name } = manifest
  const names = globSync("*.ts", { cwd: join(folder, "src") }).map((file) => basename(file, ".ts"))
  const others = names.filter((each) => each !== "index").toSorted()
  const index = readFileSync(join(folder, "src/index.ts"), "utf8")
  const tarball = join(temp, `${name.replace("@", "").replace("/", "-")}.tgz`)
  await need(`${name}: pack`, () => run(folder, ...pnpm("pack", "--out", tarball)))
  const path = (module: string): string => `${name}/${module}`
  return {
    manifest,
    tarball,
    modules: [name, ...others.map(path)],
    leftOut: others.filter((each) => /^[A-Z]/.test(each) && !index.includes(`"./${each}.ts"`)).map(path)
  }
}

const lint = async ({ manifest: { name }, modules, tarball }: Packed): Promise<void> => {
  const publint = node(tool("publint/src/cli.js"), "--strict", tarball)
  await step(`${name}: publint`, () => run(dirname(tarball), ...publint))
  // attw does not expand the pattern of the exports by itself.
  const entries = [...modules.map((module) => module.replace(name, ".")), "./package.json"]
  const options = ["--profile", "esm-only", "--entrypoints", ...entries]
  const attw = node(tool("@arethetypeswrong/cli/dist/index.js"), tarball, ...options)
  await step(`${name}: attw, ${entries.length} entry points`, () => run(dirname(tarball), ...attw))
}

const requiredPeers = (manifest: Manifest): ReadonlyArray<string> =>
  Object.keys(manifest.peerDependencies ?? {}).filter((name) => !optionalPeers(manifest).includes(name))

const checkProgram = async (
  folder: string,
  { asserting, plain }: Program,
  packed: ReadonlyMap<string, Packed>
): Promise<void> => {
  const imported = packagesOf(plain)
  const own = [...closure(imported, new Map([...packed].map(([name, { manifest }]) => [name, manifest])))]
  const peers = own.flatMap((name) => requiredPeers(packed.get(name)!.manifest))
  const foreign = [...new Set([...imported, ...peers])].filter((name) => !packed.has(name))
  const specs = [
    ...own.map((name) => packed.get(name)!.tarball),
    ...foreign.map((name) => `${name}@${versionAt(name)}`)
  ]
  mkdirSync(folder)
  writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, type: "module" }))
  writeFileSync(join(folder, "program.ts"), plain)
  writeFileSync(join(folder, "asserting.ts"), asserting.code)
  await need(`${basename(folder)}: npm install ${[...own, ...foreign].join(" ")}`, () =>
    run(folder, "npm", ["install", ...npmInstall, ...specs])
  )
  await runEverywhere(folder, "asserting.ts")
  await checkEverywhere(folder, "program.ts")
}

/** Installs all packages, and some of their optional peers, in the versions of the workspace's lock file. */
const installAll = async (folder: string, packed: ReadonlyMap<string, Packed>, peers: ReadonlyArray<string>) => {
  const ours = Object.fromEntries([...packed].map(([name, { tarball }]) => [name, `file:${tarball}`]))
  const foreign = [...packed.values()].flatMap(({ manifest }) => requiredPeers(manifest)).concat(peers)
  const versions = Object.fromEntries(
    foreign.filter((name) => !packed.has(name)).map((name) => [name, versionAt(name)])
  )
  // "-" takes a dependency out: an optional peer that the lock file knows, or that another package requires, is installed
  // otherwise.
  const out = Object.fromEntries(
    [...packed.values()].flatMap(({ manifest }) =>
      optionalPeers(manifest).flatMap((peer) => (peers.includes(peer) ? [] : [[`${manifest.name}>${peer}`, "-"]]))
    )
  )
  const overrides = { ...ours, ...out }
  const settings = { hoist: false, autoInstallPeers: false, nodeVersion: process.versions.node, overrides }
  const manifest = { private: true, type: "module", dependencies: { ...versions, ...ours } }
  mkdirSync(folder)
  writeFileSync(join(folder, "package.json"), JSON.stringify(manifest))
  writeFileSync(join(folder, "pnpm-workspace.yaml"), JSON.stringify(settings))
  copyFileSync(join(root, "pnpm-lock.yaml"), join(folder, "pnpm-lock.yaml"))
  const install = pnpm("install", "--prefer-offline", "--ignore-scripts", "--no-frozen-lockfile")
  await need(`${basename(folder)}: pnpm install`, () => run(folder, ...install))
}

const checkModules = async (bare: string, full: string, packed: ReadonlyMap<string, Packed>): Promise<void> => {
  const all = [...packed.values()].flatMap(({ modules }) => modules)
  const leftOut = [...packed.values()].flatMap((each) => each.leftOut)
  const peers = [...packed.values()].flatMap(({ manifest }) => optionalPeers(manifest))
  const required = new Set([...packed.values()].flatMap(({ manifest }) => requiredPeers(manifest)))
  const unclear = [...packed.values()].flatMap(({ leftOut: own, manifest }) =>
    optionalPeers(manifest).some((peer) => required.has(peer)) ? own : []
  )

  await installAll(bare, packed, [])
  for (const name of packed.keys()) {
    const installed = join(bare, "node_modules", name)
    const files = globSync("**", { cwd: installed, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => relative(installed, join(entry.parentPath, entry.name)))
    const problems = fileProblems(new Set(files), (file) => readFileSync(join(installed, file), "utf8"))
    await step(`${name}: ${files.length} files`, () => Promise.resolve(verdict(problems)))
  }
  writeFileSync(join(bare, "modules.ts"), loadsBare(all, leftOut, unclear, peers))
  await runEverywhere(bare, "modules.ts")

  await installAll(full, packed, peers)
  writeFileSync(join(full, "modules.ts"), loadsFull(all))
  writeFileSync(join(full, "types.ts"), namespaces(all))
  writeFileSync(join(full, "modules.cjs"), requiresAll(all))
  await runEverywhere(full, "modules.ts")
  await runEverywhere(full, "modules.cjs")
  await checkEverywhere(full, "types.ts")
}

const main = async (): Promise<void> => {
  await installTools()
  const temp = mkdtempSync(join(tmpdir(), "pack-check-"))
  process.once("exit", () => rmSync(temp, { recursive: true, force: true }))
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(1))

  const packed = new Map<string, Packed>()
  // One after another: a build of one package also builds those it depends on.
  for (const folder of globSync("packages/*", { cwd: root }).toSorted()) {
    const one = await pack(join(root, folder), temp)
    if (one !== undefined) packed.set(one.manifest.name, one)
  }
  const lintAll = async () => {
    for (const one of packed.values()) await lint(one)
  }
  const checkReadme = async () => {
    const programs = programsOf(readFileSync(join(root, "README.md"), "utf8"))
    for (const [at, program] of programs.entries()) await checkProgram(join(temp, `readme-${at + 1}`), program, packed)
  }
  await Promise.all([checkReadme(), lintAll().then(() => checkModules(join(temp, "bare"), join(temp, "full"), packed))])
}

if (import.meta.main) {
  const start = performance.now()
  try {
    await main()
  } catch (error) {
    failures++
    console.error(error instanceof Error ? error.message : error)
  }
  const seconds = ((performance.now() - start) / 1000).toFixed(0)
  console.log(failures === 0 ? `packages are fit to publish (${seconds} s)` : `${failures} steps failed (${seconds} s)`)
  if (failures > 0) process.exitCode = 1
}
