import { assert, describe, it } from "@effect/vitest"
import * as Redacted from "effect/Redacted"
import * as AsyncQueue from "@effect-poll/providers/AsyncQueue"
import * as EventPlatform from "@effect-poll/providers/EventPlatform"
import * as GenerationApi from "@effect-poll/providers/GenerationApi"
import * as JobStatus from "@effect-poll/providers/JobStatus"
import * as Mixpeek from "@effect-poll/providers/Mixpeek"
import type { Settings } from "@effect-poll/providers/Settings"

const carried = {
  checkTimeout: "20 seconds",
  stall: { after: "1 minute" },
  confirm: { success: { times: 2 } },
  stateLimits: { RUNNING: "1 minute" },
  minInterval: "15 minutes",
  onAction: "fail",
  checkErrors: "unbounded"
} as const

const token = Redacted.make("t0ken")

/** The jobs of each provider. */
const jobsOf = (settings: Partial<Settings>): Readonly<Record<string, object>> => {
  const all = { baseUrl: "http://h", ...settings }
  const queue = AsyncQueue.make(all)
  const platform = EventPlatform.make(all)
  const mixpeek = Mixpeek.make(all)
  return {
    "AsyncQueue.tasks": queue.tasks,
    "AsyncQueue.signalTasks": queue.signalTasks,
    "EventPlatform.tasks": platform.tasks,
    "EventPlatform.campaigns": platform.campaigns,
    "EventPlatform.packages": platform.packages,
    GenerationApi: GenerationApi.make({ ...all, token }),
    JobStatus: JobStatus.make(all),
    "Mixpeek.tasks": mixpeek.tasks,
    "Mixpeek.resources": mixpeek.resources
  }
}

describe("options of waits in the settings of a provider (R39)", () => {
  const names = Object.keys(carried) as ReadonlyArray<keyof typeof carried>

  it.each(Object.entries(jobsOf(carried)))("%s - carries each of them", (_, job) => {
    const made = job as Record<string, unknown>
    assert.deepStrictEqual(Object.fromEntries(names.map((name) => [name, made[name]])), carried)
  })

  it.each(Object.entries(jobsOf({})))("%s - without them leaves them to the wait", (_, job) => {
    const made = job as Record<string, unknown>
    for (const name of names) if (name !== "checkErrors") assert.strictEqual(made[name], undefined, name)
  })
})
