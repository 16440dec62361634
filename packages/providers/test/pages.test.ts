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

// The tables of states in docs/providers match the Schemas: both have the same states, with the same meaning.

const folder = join(import.meta.dirname, "../../../docs/providers")

/** The rows of every table of a page whose first column is `state`. */
const tables = (page: string): ReadonlyArray<Readonly<Record<string, string>>> => {
  const found: Array<Record<string, string>> = []
  let current: Record<string, string> | undefined
  for (const line of readFileSync(join(folder, page), "utf8").split("\n")) {
    const cells = line.split("|").map((cell) => cell.trim())
    if (cells[1] === "state") found.push((current = {}))
    else if (!line.startsWith("|")) current = undefined
    const state = /^`(\w+)`$/.exec(cells[1] ?? "")?.[1]
    if (current !== undefined && state !== undefined) current[state] = cells[2]!
  }
  return found
}

/** The tags that a Schema decodes the states to. */
const meanings = (
  schema: StatusSchema<unknown, unknown>,
  states: ReadonlyArray<string>,
  body: (state: string) => unknown
): Readonly<Record<string, CheckResult<unknown, unknown>["_tag"]>> =>
  Object.fromEntries(states.map((state) => [state, Schema.decodeSync(schema)(body(state))._tag]))

/** All members of a union; one that is missing or extra does not compile. */
const statesOf = <S extends string>(states: { readonly [State in S]: true }): ReadonlyArray<string> =>
  Object.keys(states)

const resultJson = '{"resultUrls":[]}'

const pages: Readonly<Record<string, ReadonlyArray<ReturnType<typeof meanings>>>> = {
  "job-status.md": [
    meanings(
      JobStatus.status(),
      statesOf<JobStatus.State>({ pending: true, processing: true, completed: true, failed: true }),
      (status) => ({ status })
    )
  ],
  "event-platform.md": [
    meanings(
      EventPlatform.TaskStatus,
      statesOf<EventPlatform.TaskState>({
        pending: true,
        running: true,
        completed: true,
        failed: true,
        canceled: true
      }),
      (state) => ({ state })
    ),
    meanings(
      EventPlatform.PackageStatus,
      statesOf<EventPlatform.PackageState>({ PENDING: true, BUILDING: true, DONE: true, FAILED: true, EXPIRED: true }),
      (status) => ({ id: "p", status })
    )
  ],
  "generation-api.md": [
    meanings(
      GenerationApi.TaskStatus,
      statesOf<GenerationApi.State>({ waiting: true, generating: true, success: true, failed: true }),
      (state) => ({ data: { state, resultJson } })
    )
  ],
  "mixpeek.md": [meanings(MixpeekStatus.make().task, MixpeekStatus.States.literals, (status) => ({ status }))],
  "async-queue.md": [
    meanings(
      AsyncQueue.status(),
      statesOf<AsyncQueue.State>({
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
  it("folder - has one page per provider", () => {
    assert.sameMembers(readdirSync(folder), Object.keys(pages))
  })

  it.each(Object.keys(pages))("%s - lists the states as the Schemas map them", (page) => {
    assert.deepStrictEqual(tables(page), pages[page])
  })

  it("generation-api.md - lists the times of each model", () => {
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
