/**
 * What the compilers of users say: the messages about the calls of `mistakes.ts`, and the hovers of those of `hovers.ts`.
 *
 * TypeScript 5.9 and 6 are asked through their language service, which checks only the file that it is asked about.
 * TypeScript 7 has none, so its command line is.
 */
import { assert, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { join } from "node:path"
import type * as TypeScript from "typescript-5.9"

const folder = import.meta.dirname
const root = join(folder, "..")
const timeout = 300_000

interface Message {
  readonly line: number
  readonly text: string
}

/** A compiler's language service for the files of this folder. */
const serviceOf = (name: string) => {
  const ts = createRequire(import.meta.url)(name) as typeof TypeScript
  const config = ts.getParsedCommandLineOfConfigFile(join(folder, "tsconfig.mistakes.json"), undefined, {
    ...ts.sys,
    onUnRecoverableConfigFileDiagnostic: ({ messageText }) =>
      assert.fail(ts.flattenDiagnosticMessageText(messageText, "\n"))
  })!
  const text = (file: string) => (existsSync(file) ? readFileSync(file, "utf8") : undefined)
  const files = ["mistakes.ts", "hovers.ts"].map((file) => join(folder, file))
  const service = ts.createLanguageService({
    ...ts.sys,
    useCaseSensitiveFileNames: () => ts.sys.useCaseSensitiveFileNames,
    getCompilationSettings: () => config.options,
    getScriptFileNames: () => files,
    getScriptVersion: () => "1",
    getScriptSnapshot: (file) => {
      const found = text(file)
      return found === undefined ? undefined : ts.ScriptSnapshot.fromString(found)
    },
    getCurrentDirectory: () => root,
    getDefaultLibFileName: ts.getDefaultLibFilePath
  })
  return {
    messages: (): ReadonlyArray<Message> =>
      service.getSemanticDiagnostics(files[0]!).map(({ file, messageText, start }) => ({
        line: file!.getLineAndCharacterOfPosition(start!).line + 1,
        text: ts.flattenDiagnosticMessageText(messageText, "\n")
      })),
    hover: (position: number) => {
      const info = service.getQuickInfoAtPosition(files[1]!, position)
      return {
        signature: ts.displayPartsToString(info?.displayParts),
        documentation: ts.displayPartsToString(info?.documentation)
      }
    }
  }
}

const services = new Map<string, ReturnType<typeof serviceOf>>()
const service = (name: string) => {
  const known = services.get(name) ?? serviceOf(name)
  services.set(name, known)
  return known
}

/** The messages of a compiler that has no language service. */
const printed = (name: string): ReadonlyArray<Message> => {
  const tsc = join(root, "node_modules", name, "bin/tsc")
  const arguments_ = [tsc, "-p", join(folder, "tsconfig.mistakes.json"), "--pretty", "false"]
  const { stdout } = spawnSync(process.execPath, arguments_, { cwd: folder, encoding: "utf8" })
  return stdout
    .split(/^(?=\S+\.ts\(\d+,\d+\): error )/m)
    .filter((each) => each.startsWith("mistakes.ts"))
    .map((each) => ({ line: Number(/\((\d+),/.exec(each)![1]), text: each.replace(/^.*?: error TS\d+: /, "").trim() }))
}

interface Mistake {
  readonly call: string
  readonly first: ReadonlyArray<string>
  readonly anywhere: ReadonlyArray<string>
  readonly from: number
  readonly to: number
}

/** The calls of `mistakes.ts`, and what their comments ask of the messages. */
const mistakes = (): ReadonlyArray<Mistake> => {
  const lines = readFileSync(join(folder, "mistakes.ts"), "utf8").split("\n")
  const marks = lines.flatMap((line, at) => (line.startsWith("//! ") ? [at] : []))
  return marks.map((at, index) => {
    const to = marks[index + 1] ?? lines.length
    const [first, anywhere = ""] = lines[at]!.slice(4).split("; ")
    const words = (list: string) => list.split(", ").filter((word) => word !== "")
    const call = lines
      .slice(at + 1, to)
      .join(" ")
      .replace(/\s+/g, " ")
      .replace(/ \/\/.*/, "")
      .trim()
    return { call, first: words(first!), anywhere: words(anywhere), from: at + 1, to }
  })
}

const problemsOf = (messages: ReadonlyArray<Message>): ReadonlyArray<string> =>
  mistakes().flatMap(({ anywhere, call, first, from, to }) => {
    const own = messages.filter(({ line }) => line > from && line <= to)
    if (own.length === 0) return [`${call}: compiles`]
    return own.flatMap(({ text }) => {
      const missing = [
        ...first.filter((word) => !text.split("\n")[0]!.includes(word)),
        ...anywhere.filter((word) => !text.includes(word))
      ]
      const isAboutNever = /not assignable to (?:type|parameter of type) 'never'/.test(text)
      return missing.length > 0 || isAboutNever ? [`${call}: does not name ${missing.join(", ")}:\n${text}`] : []
    })
  })

describe("messages", () => {
  it("mistakes.ts - has a comment before each call", () => {
    assert.isAtLeast(mistakes().length, 40)
    for (const { call, first } of mistakes()) assert.isAbove(first.length, 0, call)
  })

  it.each(["typescript-5.9", "typescript-6"])(
    "mistakes - the compiler's message names the thing: %s",
    (name) => assert.deepStrictEqual(problemsOf(service(name).messages()), []),
    timeout
  )

  it("mistakes - the compiler's message names the thing: typescript 7", { timeout }, () => {
    assert.deepStrictEqual(problemsOf(printed("typescript")), [])
  })
})

describe("hovers", () => {
  const source = readFileSync(join(folder, "hovers.ts"), "utf8")
  const calls = [...source.slice(source.indexOf("export const hovers")).matchAll(/\b([A-Zp]\w+)\.(?=\w+\()/g)]
    .filter(([, namespace]) => namespace !== "Effect" && namespace !== "Stream")
    .map((match) => source.lastIndexOf(match[0], match.index + source.indexOf("export const hovers")) + match[0].length)

  it.each(["typescript-5.9", "typescript-6"])(
    "overloads - have documentation, and signatures that end in plain types: %s",
    (name) => {
      assert.isAbove(calls.length, 20)
      for (const at of calls) {
        const { documentation, signature } = service(name).hover(at)
        const call = source.slice(at).split("\n")[0]!
        assert.isAbove(documentation.length, 40, `${call}: ${signature}`)
        // A call that is still generic, as in a pipe, has its services open.
        if (!call.startsWith("until({")) assert.notInclude(signature, "NoInfer", call)
        assert.notMatch(signature, /\bany\b/, call)
      }
    },
    timeout
  )
})
