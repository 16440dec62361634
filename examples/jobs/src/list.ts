/** The jobs of the first page. They stay when another page is shown. */
import * as Cause from "effect/Cause"
import type * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as HttpClient from "effect/http/HttpClient"
import { useSyncExternalStore } from "react"
import { Batches, Exports, Pictures } from "./jobs.ts"
import { runtime } from "./polls.ts"
import * as Trace from "./trace.ts"

export interface Listed {
  readonly kind: "export" | "batch" | "picture"
  /** Undefined until the server has accepted the job. */
  readonly key: string | undefined
  readonly title: string
  readonly about: string
}

export interface List {
  readonly jobs: ReadonlyArray<Listed>
  /** Why the jobs could not be submitted. */
  readonly problem: string | undefined
}

export const useList = (): List =>
  useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => list
  )

/** Submits all jobs anew. The previous ones are no longer shown, so they are no longer checked. */
export const startAll = async (): Promise<void> => {
  for (const { key } of list.jobs) if (key !== undefined) Trace.forget(key)
  const exits = await Promise.all(plans.map((plan) => runtime.runPromiseExit(plan.submit)))
  const failed = exits.find(Exit.isFailure)
  set({
    jobs: rowsOf(exits.map((exit) => (Exit.isSuccess(exit) ? exit.value.key : undefined))),
    problem: failed === undefined ? undefined : String(Cause.squash(failed.cause))
  })
}

// ---- internal ----

interface Plan extends Omit<Listed, "key"> {
  readonly submit: Effect.Effect<{ readonly key: string }, unknown, HttpClient.HttpClient>
}

const anExport = (script: string, title: string, about: string): Plan => ({
  kind: "export",
  title,
  about,
  submit: Exports.submit!({ script })
})

const aBatch = (script: string, title: string, about: string): Plan => ({
  kind: "batch",
  title,
  about,
  submit: Batches.submit!({ script })
})

const plans: ReadonlyArray<Plan> = [
  anExport("quick", "Thumbnails", "Done in four seconds."),
  anExport("slow", "Annual report", "Takes over a minute, so it is checked less and less often."),
  anExport("patient", "Wedding film", "The server asks for six seconds between checks, and gets them."),
  anExport("flaky", "Backup", "Three checks fail on the way. A failed check is not a failed job."),
  anExport("busy", "Price list", "The server is too busy once (429), and says for how long."),
  anExport("failing", "Guest list", "Fails, with a reason."),
  anExport("stuck", "Old scanner", "Stuck. The wait ends when nothing has changed for 20 seconds."),
  {
    kind: "picture",
    title: "Harbor at dawn",
    about: "Never ready before 8 seconds, so the first check comes then.",
    submit: Pictures.submit!({ script: "picture" })
  },
  aBatch("forgotten", "Catalog", "The server soon deletes the task, so its batch is checked instead."),
  aBatch("endless", "Nightly crawl", "Runs until you cancel it.")
]

const rowsOf = (keys: ReadonlyArray<string | undefined>): ReadonlyArray<Listed> =>
  plans.map(({ about, kind, title }, index) => ({ kind, title, about, key: keys[index] }))

let list: List = { jobs: rowsOf([]), problem: undefined }
const listeners = new Set<() => void>()

const set = (next: List): void => {
  for (const { key, title } of next.jobs) if (key !== undefined) Trace.name(key, title)
  list = next
  for (const listener of listeners) listener()
}
