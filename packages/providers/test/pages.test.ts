import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import type { CheckResult } from "effect-poll/CheckResult"
import type { StatusSchema } from "effect-poll/StatusSchema"
import * as AsyncQueue from "@effect-poll/providers/AsyncQueue"
import * as EventPlatform from "@effect-poll/providers/EventPlatform"
import * as GenerationApi from "@effect-poll/providers/GenerationApi"
import * as JobStatus from "@effect-poll/providers/JobStatus"
import * as MixpeekStatus from "@effect-poll/providers/MixpeekStatus"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"

// The tables of states in docs/providers say what the Schemas do: each word is in both, with the same meaning.

const folder = join(import.meta.dirname, "../../../docs/providers")

/** The rows of every table of a page whose first column is `word`. */
const tables = (page: string): ReadonlyArray<Readonly<Record<string, string>>> => {
  const found: Array<Record<string, string>> = []
  let current: Record<string, string> | undefined
  for (const line of readFileSync(join(folder, page), "utf8").split("\n")) {
    const cells = line.split("|").map((cell) => cell.trim())
    if (cells[1] === "word") found.push((current = {}))
    else if (!line.startsWith("|")) current = undefined
    const word = /^`(\w+)`$/.exec(cells[1] ?? "")?.[1]
    if (current !== undefined && word !== undefined) current[word] = cells[2]!
  }
  return found
}

/** What a Schema makes of the words. */
const meanings = (
  schema: StatusSchema<unknown, unknown>,
  words: ReadonlyArray<string>,
  body: (word: string) => unknown
): Readonly<Record<string, CheckResult<unknown, unknown>["_tag"]>> =>
  Object.fromEntries(words.map((word) => [word, Schema.decodeSync(schema)(body(word))._tag]))

/** All words of a type; a word that is missing or too many does not compile. */
const wordsOf = <W extends string>(words: { readonly [Word in W]: true }): ReadonlyArray<string> => Object.keys(words)

const resultJson = '{"resultUrls":[]}'

const pages: Readonly<Record<string, ReadonlyArray<ReturnType<typeof meanings>>>> = {
  "job-status.md": [
    meanings(
      JobStatus.status(),
      wordsOf<JobStatus.Word>({ pending: true, processing: true, completed: true, failed: true }),
      (status) => ({ status })
    )
  ],
  "event-platform.md": [
    meanings(
      EventPlatform.TaskStatus,
      wordsOf<EventPlatform.TaskWord>({ pending: true, running: true, completed: true, failed: true, canceled: true }),
      (state) => ({ state })
    ),
    meanings(
      EventPlatform.PackageStatus,
      wordsOf<EventPlatform.PackageWord>({ PENDING: true, BUILDING: true, DONE: true, FAILED: true, EXPIRED: true }),
      (status) => ({ id: "p", status })
    )
  ],
  "generation-api.md": [
    meanings(
      GenerationApi.TaskStatus,
      wordsOf<GenerationApi.Word>({ waiting: true, generating: true, success: true, failed: true }),
      (state) => ({ data: { state, resultJson } })
    )
  ],
  "mixpeek.md": [meanings(MixpeekStatus.make().task, MixpeekStatus.Words.literals, (status) => ({ status }))],
  "async-queue.md": [
    meanings(
      AsyncQueue.status(),
      wordsOf<AsyncQueue.Word>({
        pending: true,
        processing: true,
        waiting: true,
        completed: true,
        failed: true,
        timeout: true
      }),
      (status) => ({ status })
    )
  ]
}

describe("docs/providers", () => {
  it("every provider has a page", () => {
    assert.sameMembers(readdirSync(folder), Object.keys(pages))
  })

  it.each(Object.keys(pages))("%s - its tables of states say what the Schemas do", (page) => {
    assert.deepStrictEqual(tables(page), pages[page])
  })

  it("generation-api.md - its table of models is that of the module", () => {
    const rows = readFileSync(join(folder, "generation-api.md"), "utf8")
      .split("\n")
      .map((line) => /^\| `([\w-]+)` +\| (\d+) s +\| (\d+) s +\| (\d+) s +\|$/.exec(line))
      .filter((row) => row !== null)
      .map(([, model, ...seconds]) => [model, seconds.map((each) => Number(each) * 1000)] as const)
    assert.deepStrictEqual(
      rows,
      Object.entries(GenerationApi.timings).map(
        ([model, { firstWaitMillis, intervalMillis, maxDurationMillis }]) =>
          [model, [firstWaitMillis, intervalMillis, maxDurationMillis]] as const
      )
    )
  })
})
