import { execFile } from "node:child_process"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import { holds, run, summary } from "../answers/board.ts"
import { complain, type Expected } from "../answers/case.ts"
import { cases } from "../answers/cases/all.ts"
import { type Fault, type Fuzzed, expected } from "../answers/fuzz.ts"
import { round } from "../answers/generate.ts"
import { atLeast, lacking, rows } from "../answers/ids.ts"
import type { Observed } from "../answers/lab.ts"
import { read } from "../answers/reference.ts"

// Each part runs in a process of its own.
const timeout = 300_000

/** The cases that are still wrong. One that is right by now has to leave this list. */
const open: ReadonlyArray<string> = []

const execute = promisify(execFile)

const read_ = (path: string): string => readFileSync(new URL(path, import.meta.url), "utf8")

const ids = cases.map(({ id }) => id)

describe("answers", () => {
  it("every row has its cases, and every case its row", () => {
    assert.deepStrictEqual(lacking(ids), [])
    assert.strictEqual(new Set(ids).size, ids.length)
    assert.deepStrictEqual(
      ids.filter((id) => !Object.hasOwn(rows, id.split(".")[0]!)),
      []
    )
  })

  it("a row without cases is reported", () => {
    assert.deepStrictEqual(lacking(ids.filter((id) => !id.startsWith("A11."))), ["A11"])
    assert.deepStrictEqual(lacking([]), Object.keys(rows))
    assert.deepStrictEqual(
      lacking(Array.from({ length: atLeast - 1 }, (_, index) => `C2.${index}`)).includes("C2"),
      true
    )
  })

  it("docs/answers.md lists every case", () => {
    const page = read_("../../../docs/answers.md")
    const listed = new Set([...page.matchAll(/^\| ([A-Z]\d+\.\w+) +\|/gm)].map(([, id]) => id!))
    assert.deepStrictEqual(
      ids.filter((id) => !listed.has(id)),
      []
    )
  })

  it(
    "every case that is not listed as open is right, and so are 500 random answers",
    async () => {
      const board = await run({ seed: 1, answers: 500 })
      const wrong = Object.entries(board.verdicts).filter(([, complaint]) => complaint !== null)
      assert.deepStrictEqual(
        wrong.filter(([id]) => !open.includes(id)),
        []
      )
      assert.deepStrictEqual(
        open.filter((id) => board.verdicts[id] === null),
        [],
        "right by now"
      )
      assert.deepStrictEqual(board.fuzz.wrong, [])
      assert.deepStrictEqual(Object.keys(board.verdicts), ids)
      assert.strictEqual(summary(board).fuzz.answers, 500)
      assert.strictEqual(holds(board), open.length === 0)
    },
    timeout
  )

  it(
    "a program that reads answers wrongly is reported by its fault, and a server that answers wrongly by each case",
    async () => {
      const path = fileURLToPath(new URL("brokenAnswers.ts", import.meta.url))
      const { stdout } = await execute(process.execPath, [path], { maxBuffer: 2 ** 26 })
      const { broken, content } = JSON.parse(stdout) as {
        readonly broken: Readonly<Record<string, Fuzzed>>
        readonly content: ReadonlyArray<string>
      }
      // Those of S4 and S9 are about URLs and definitions, B8.c is about a server that is dead, and S3.d asks no server.
      assert.deepStrictEqual(
        content.filter((id) => !/^S[49]\.|^B8\.c$|^S3\.d$/.test(id)),
        [],
        "cases that cannot fail"
      )
      const faults: Readonly<Record<string, Fault>> = {
        hasty: "falseSuccess",
        gloomy: "falseEnd",
        deaf: "missed",
        impatient: "early",
        leaky: "leaked",
        careless: "leaked",
        fragile: "unbounded",
        greedy: "unbounded"
      }
      assert.deepStrictEqual(Object.keys(broken), Object.keys(faults))
      for (const [name, fault] of Object.entries(faults)) assert.isAbove(broken[name]!.counts[fault], 0, name)
    },
    timeout
  )
})

describe("the reference reading", () => {
  const source = read_("../answers/reference.ts")

  it("has at most 200 lines and imports nothing", () => {
    assert.isAtMost(source.trimEnd().split("\n").length, 200)
    assert.notMatch(source, /^\s*import\b|\bimport\(|require\(/m)
  })

  it.each([
    ["a listed word", 200, { status: "done", result: "a" }, "succeeded"],
    ["another letter case", 200, { status: "Done" }, "unknown"],
    ["an inherited name", 200, { status: "toString" }, "unknown"],
    ["202 without a word", 202, { id: 1 }, "pending"],
    ["a result of the wrong type", 200, { status: "done", result: 7 }, "permanent"],
    ["an end without its result", 200, { status: "done", result: null }, "again"],
    ["an unknown job", 404, {}, "missing"],
    ["a throttling code as a value", 400, { error: { code: "SlowDown" } }, "throttled"],
    ["a throttling code in a text", 400, { message: "SlowDown is a class of ours" }, "permanent"]
  ])("reads %s", (_name, code, body, is) => {
    const text = JSON.stringify(body)
    assert.strictEqual(read({ code, headers: {}, text, size: text.length, now: 0 }).is, is)
  })
})

describe("random answers", () => {
  it("are the same for the same seed", () => {
    for (const number of [0, 1, 77, 9_999]) {
      assert.deepStrictEqual(round(7, number), round(7, number))
      assert.notDeepEqual(round(7, number), round(8, number))
    }
  })

  it.each([1, 2, 3])("seed %i tells of each kind of ending often enough", (seed) => {
    const counts = { success: 0, failure: 0, pending: 0 }
    const answers = 2_000
    for (let number = 0; number < answers; number++) {
      const made = round(seed, number)
      if (made.kind === "start") continue
      const { is } = expected(made)
      if (is === "succeeded") counts.success++
      else if (["failed", "canceled", "expired"].includes(is)) counts.failure++
      else if (is === "pending") counts.pending++
    }
    for (const [kind, count] of Object.entries(counts)) assert.isAbove(count, answers / 10, kind)
  })
})

describe("complain", () => {
  const seen = {
    tag: "JobFailed",
    value: undefined,
    error: Object.assign(new Error("the job failed"), { failure: { code: "E1" } }),
    summary: "JobFailed",
    shown: "GET https://api.example/jobs/1",
    events: [],
    server: { requests: [{}, {}], times: [0, 1_000], paths: ["GET /jobs/1", "GET /jobs/1"] }
  } as unknown as Observed

  const right: Expected = {
    tag: "JobFailed",
    error: { "failure.code": "E1" },
    requests: 2,
    times: [0, 1_000],
    paths: ["GET /jobs/1", "GET /jobs/1"],
    gaps: [1_000],
    states: [],
    says: /failed/,
    hides: "secret"
  }

  it("is content with what was expected", () => {
    assert.isUndefined(complain(seen, right))
  })

  it.each<[string, Partial<Expected>]>([
    ["tag", { tag: "Succeeded" }],
    ["value", { value: 1 }],
    ["error", { error: { "failure.code": "E2" } }],
    ["requests", { requests: 3 }],
    ["times", { times: [0, 999] }],
    ["paths", { paths: ["GET /jobs/2"] }],
    ["gaps", { gaps: [1_001] }],
    ["states", { states: ["running"] }],
    ["says", { says: "ended" }],
    ["hides", { hides: "api.example" }]
  ])("complains of another %s", (_name, other) => {
    assert.isString(complain(seen, { ...right, ...other }))
  })
})
