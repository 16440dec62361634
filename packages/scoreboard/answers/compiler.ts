// Small files for the compilers: what must compile, what must not and with which words, and what a hover shows.
import { execFile } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import type { Complaint } from "./case.ts"

/** A file of a case. */
export interface Source {
  readonly id: string
  /** The lines after the imports and declarations that all files share. A line with an error ends with `// !`. */
  readonly code: string
  /** What must stand in the message of the error; undefined if the file must compile. */
  readonly says?: RegExp
}

/** The compilers of the users: the native one, and the two before it. */
export const compilers = ["typescript", "typescript-6", "typescript-5.9"] as const

/** What one compiler says of the sources, and the documentation that a hover shows at each `/*^*\/` of a file. */
export interface Compiled {
  /** The complaint of each source. */
  readonly complaints: ReadonlyMap<string, Complaint>
  /** By the line of the hover; empty for the native compiler, whose hovers are not tried. */
  readonly hovers: ReadonlyMap<string, string>
}

/** Compiles all sources at once with one compiler. */
export const compile = (
  compiler: (typeof compilers)[number],
  sources: ReadonlyArray<Source>,
  hoverCode: string
): Promise<Compiled> =>
  within(async (folder) => {
    for (const { code, id } of sources) writeFileSync(join(folder, fileOf(id)), head + code)
    writeFileSync(join(folder, "hover.ts"), head + hoverCode)
    const native = compiler === "typescript"
    const service = native
      ? undefined
      : serviceOf(compiler, folder, ["hover.ts", ...sources.map(({ id }) => fileOf(id))])
    const found = service === undefined ? messages(await nativeOutput(folder)) : diagnostics(service, folder, sources)
    return {
      complaints: new Map(sources.map((source) => [source.id, complaint(source, found.get(source.id) ?? [])])),
      hovers: service === undefined ? new Map() : hovers(service, folder, head + hoverCode)
    }
  })

// ---- internal ----

/** The file of a case. A name such as `E2.d.ts` would be a declaration file, which is not checked. */
const fileOf = (id: string): string => `${id.replace(".", "-")}.ts`

/** The part of the compiler's API that is used. */
interface TypeScript {
  readonly sys: Record<
    "readFile" | "fileExists" | "readDirectory" | "directoryExists" | "getDirectories" | "realpath",
    (name: string) => string
  >
  readonly ScriptSnapshot: { readonly fromString: (text: string) => unknown }
  readonly parseJsonConfigFileContent: (json: unknown, host: unknown, folder: string) => { readonly options: unknown }
  readonly getDefaultLibFilePath: (options: unknown) => string
  readonly createLanguageService: (host: unknown) => {
    readonly getQuickInfoAtPosition: (
      file: string,
      at: number
    ) => { readonly documentation?: ReadonlyArray<unknown> } | undefined
    readonly getSyntacticDiagnostics: (file: string) => ReadonlyArray<Diagnostic>
    readonly getSemanticDiagnostics: (file: string) => ReadonlyArray<Diagnostic>
  }
  readonly displayPartsToString: (parts: ReadonlyArray<unknown>) => string
  readonly flattenDiagnosticMessageText: (message: unknown, newLine: string) => string
}

interface Diagnostic {
  readonly messageText: unknown
  readonly start?: number
}

const here = fileURLToPath(new URL("../", import.meta.url))

const resolve = (compiler: string): string =>
  join(createRequire(import.meta.url).resolve(`${compiler}/package.json`), "..")

/** Runs with a folder inside this package, so that names are resolved from here. */
const within = async <A>(run: (folder: string) => Promise<A>): Promise<A> => {
  const parent = join(here, "node_modules/.answers")
  mkdirSync(parent, { recursive: true })
  const folder = mkdtempSync(join(parent, "types-"))
  try {
    return await run(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const config = {
  compilerOptions: {
    target: "ES2023",
    lib: ["ES2023", "DOM"],
    module: "NodeNext",
    moduleResolution: "NodeNext",
    types: [],
    noEmit: true,
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    allowImportingTsExtensions: true,
    skipLibCheck: true
  },
  include: ["*.ts"]
}

type Messages = ReadonlyMap<string, ReadonlyArray<readonly [line: number, message: string]>>

interface Service {
  readonly ts: TypeScript
  readonly of: ReturnType<TypeScript["createLanguageService"]>
}

/** The language service of a compiler, which is what an editor asks. It checks no file that is not asked for. */
const serviceOf = (compiler: string, folder: string, names: ReadonlyArray<string>): Service => {
  const ts = createRequire(import.meta.url)(compiler) as TypeScript
  const { fileExists, directoryExists, getDirectories, readDirectory, readFile, realpath } = ts.sys
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, folder)
  const of = ts.createLanguageService({
    getCompilationSettings: () => options,
    getScriptFileNames: () => names.map((name) => join(folder, name)),
    getScriptVersion: () => "1",
    getScriptSnapshot: (name: string) => {
      const content = readFile(name)
      return content === undefined ? undefined : ts.ScriptSnapshot.fromString(content)
    },
    getCurrentDirectory: () => folder,
    getDefaultLibFileName: (given: unknown) => ts.getDefaultLibFilePath(given),
    fileExists,
    readFile,
    readDirectory,
    directoryExists,
    getDirectories,
    realpath
  })
  return { ts, of }
}

const diagnostics = ({ of, ts }: Service, folder: string, sources: ReadonlyArray<Source>): Messages =>
  new Map(
    sources.map(({ code, id }) => {
      const file = join(folder, fileOf(id))
      const text = head + code
      const found = [...of.getSyntacticDiagnostics(file), ...of.getSemanticDiagnostics(file)]
      return [
        id,
        found.map(({ messageText, start = 0 }): readonly [number, string] => [
          text.slice(0, start).split("\n").length,
          ts.flattenDiagnosticMessageText(messageText, "\n")
        ])
      ]
    })
  )

const hovers = ({ of, ts }: Service, folder: string, text: string): ReadonlyMap<string, string> => {
  const shown = new Map<string, string>()
  for (const match of text.matchAll(/\/\*\^\*\/(\w+)/g)) {
    const info = of.getQuickInfoAtPosition(join(folder, "hover.ts"), match.index + 5)
    const line = text.slice(text.lastIndexOf("\n", match.index) + 1, text.indexOf("\n", match.index)).trim()
    shown.set(line.replace("/*^*/", ""), ts.displayPartsToString(info?.documentation ?? []))
  }
  return shown
}

/** The output of the native compiler. */
const nativeOutput = async (folder: string): Promise<string> => {
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config))
  const arguments_ = [join(resolve("typescript"), "bin/tsc"), "-p", folder, "--pretty", "false"]
  const output = await new Promise<string>((done) => {
    execFile(process.execPath, arguments_, { maxBuffer: 2 ** 26 }, (_error, stdout, stderr) => done(stdout + stderr))
  })
  // Some of the files must not compile.
  if (!output.includes("error TS")) throw new Error(`the native compiler did not compile: ${output.slice(0, 500)}`)
  return output
}

/**
 * Errors by the id of the file: the line, and the message with its continuation. Those in other files are left out: users
 * have the declarations of the packages, which are not checked.
 */
const messages = (output: string): Messages => {
  const found = new Map<string, Array<readonly [number, string]>>()
  let last: Array<readonly [number, string]> | undefined
  for (const line of output.split("\n")) {
    const match = /types-\w+[/\\]([\w.-]+)\.ts\((\d+),\d+\): error (TS\d+: .*)$/.exec(line)
    if (/^\S.*: error TS/.test(line) && match === null) last = undefined
    else if (match !== null) {
      const [, name = "", at = "", message = ""] = match
      const id = name.replace("-", ".")
      last = found.get(id) ?? []
      last.push([Number(at), message])
      found.set(id, last)
    } else if (last !== undefined && /^\s/.test(line)) {
      const [at, message] = last.pop()!
      last.push([at, `${message}\n${line}`])
    }
  }
  return found
}

const complaint = ({ code, says }: Source, found: ReadonlyArray<readonly [number, string]>): Complaint => {
  if (says === undefined) return found.length === 0 ? undefined : `it does not compile: ${found[0]![1].slice(0, 300)}`
  const wanted = (head + code).split("\n").findIndex((line) => line.endsWith("// !")) + 1
  if (found.length === 0) return "it compiles"
  const elsewhere = found.find(([line]) => line !== wanted)
  if (elsewhere !== undefined) return `an error in line ${elsewhere[0]}, not ${wanted}: ${elsewhere[1].slice(0, 300)}`
  return found.some(([, message]) => says.test(message))
    ? undefined
    : `the message lacks ${says}: ${found[0]![1].slice(0, 400)}`
}

/** What all files begin with. */
const head = `import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Job from "effect-poll/Job"
import * as Poll from "effect-poll/Poll"
import * as Poller from "effect-poll/Poller"
import type { PollError } from "effect-poll/PollError"
import type { SubmitError } from "effect-poll/SubmitError"
import * as Status from "effect-poll/Status"
import * as StatusSchema from "effect-poll/StatusSchema"
import * as HttpCheck from "@effect-poll/http/HttpCheck"
export const used = [Context, Effect, Schema, Job, Poll, Poller, Status, StatusSchema, HttpCheck]
type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
export const exact = <A, B>(_: Equal<A, B>): void => {}
export class Network extends Context.Service<Network, { readonly get: string }>()("Network") {}
export class Torn { readonly _tag = "Torn" }
export declare const check: Effect.Effect<Status.Status<string, number>, Torn, Network>
export declare const job: Job.Job<string, string, number, Torn, Network, boolean, "busy">
export const options = { deadline: "1 minute" } as const
export type Ends = PollError<number, Torn>
`
