/**
 * The routes of EventPlatform: tasks, campaigns, packages, taste clusters and badges.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Job from "./job.ts"
import type { JobStore } from "./jobStore.ts"
import type { Provider } from "./provider.ts"
import * as Wire from "./wire.ts"

/** Creates the API of EventPlatform. */
export const make = (store: JobStore, options: { readonly speed: number }): Provider => {
  const api: Api = { store, speed: options.speed, campaigns: new Map() }
  return {
    name: "EventPlatform",
    prefix: "/event-platform",
    kinds: Object.keys(shapes),
    create: (kind, input) => create(api, kind, input),
    routes: [
      ...taskRoutes(api),
      ...campaignRoutes(api),
      ...packageRoutes(api),
      ...clusterRoutes(api),
      badge(api, "notifications_stats", "/notifications/stats", 10_000),
      badge(api, "messages_unread", "/messages/unread", 300_000)
    ]
  }
}

// ---- internal ----

interface Api {
  readonly store: JobStore
  readonly speed: number
  /** The latest run of the campaign of each event, and the run before it. */
  readonly campaigns: Map<string, { readonly run: Job.Job; readonly previous: Job.Job | undefined }>
}

type Create = Provider["create"]

const create = ({ campaigns, store }: Api, kind: string, input: Parameters<Create>[1]): ReturnType<Create> => {
  const shape = shapes[kind] ?? taskShape
  const id = store.nextId(shape.prefix)
  const sharedIds: Record<string, string> = shape.perEvent ? { eid: input.params["eid"] ?? "evt_1" } : {}
  return store
    .add({
      ...input,
      params: { ...input.params, ...sharedIds },
      provider: "EventPlatform",
      kind,
      id,
      ids: { [shape.idName]: id },
      sharedIds,
      outcomes: shape.outcomes,
      adjustEnd: (end) =>
        kind === "package" && end.outcome === "succeeded" && end.result === undefined
          ? { ...end, result: `https://files.example.com/packages/${id}.zip` }
          : end
    })
    .pipe(
      Effect.tap((run) =>
        Effect.sync(() => {
          if (kind !== "campaign") return
          const eid = run.ids["eid"] ?? ""
          campaigns.set(eid, { run, previous: campaigns.get(eid)?.run })
        })
      )
    )
}

const submit = (
  api: Api,
  incoming: Wire.Incoming,
  kind: string,
  respond: (job: Job.Job) => Wire.Response,
  params: Readonly<Record<string, string>> = {}
) =>
  Effect.flatMap(readAny(incoming), ({ sent: body }) =>
    api.store.submit({
      provider: "EventPlatform",
      kind,
      params,
      body,
      create: (script) => create(api, kind, { script, params, body }),
      respond
    })
  )

const find = ({ store }: Api, id: string, kinds: ReadonlyArray<string>): Job.Job | undefined => {
  const job = store.find(id)
  return job?.provider === "EventPlatform" && kinds.includes(job.kind) ? job : undefined
}

const taskRoutes = (api: Api): ReadonlyArray<Wire.Route> => [
  Wire.route("POST", "/tasks", (incoming) =>
    submit(api, incoming, "task", (job) => Wire.json({ task_id: job.id }, 201))
  ),
  Wire.route("GET", "/tasks/:id", ({ param }) =>
    api.store.check(find(api, param("id"), ["task", "campaign"]), taskResponse)
  )
]

const campaignRoutes = (api: Api): ReadonlyArray<Wire.Route> => [
  Wire.route("PUT", "/events/:eid/client_campaign_status", (incoming) =>
    submit(api, incoming, "campaign", (job) => Wire.json({ task_id: job.id, updated_at: Wire.iso(job.submittedAt) }), {
      ...strings(incoming.query),
      eid: incoming.param("eid")
    })
  ),
  Wire.route("GET", "/events/:eid/client_campaign_status/task", ({ param }) => {
    const campaign = api.campaigns.get(param("eid"))
    return api.store.check(campaign?.run, (run, now) => {
      const stale = now < run.submittedAt + api.store.scale(run.script.staleFor)
      return taskResponse(stale ? (campaign?.previous ?? run) : run, now)
    })
  })
]

const packageRoutes = (api: Api): ReadonlyArray<Wire.Route> => [
  Wire.route("POST", "/package_builder/packages", (incoming) =>
    submit(api, incoming, "package", (job) => Wire.json({ id: job.id, status: "PENDING" }, 201))
  ),
  Wire.route("GET", "/package_builder/packages/:id", ({ param }) =>
    api.store.check(find(api, param("id"), ["package"]), (job, now) => {
      const end = Job.endOf(job, now)
      return Wire.json({
        id: job.id,
        status: Job.stateOf(job, now, packageStates),
        url: end?.result,
        error: end?.failure?.message
      })
    })
  )
]

const clusterRoutes = (api: Api): ReadonlyArray<Wire.Route> => [
  Wire.route("POST", "/events/:eid/taste_clusters/runs", (incoming) =>
    submit(api, incoming, "tasteClusters", (job) => Wire.json({ run_id: job.id }, 201), { eid: incoming.param("eid") })
  ),
  Wire.route("GET", "/events/:eid/taste_clusters/runs/:id", ({ param }) => {
    const run = find(api, param("id"), ["tasteClusters"])
    return api.store.check(run?.ids["eid"] === param("eid") ? run : undefined, (job, now) => {
      const end = Job.endOf(job, now)
      return Wire.json({
        run_id: job.id,
        status: Job.stateOf(job, now, clusterStates),
        clusters: end?.result,
        error: end?.failure?.message
      })
    })
  })
]

const badge = ({ speed, store }: Api, id: string, path: `/${string}`, nominalMillis: number): Wire.Route =>
  Wire.route("GET", path, () =>
    Effect.map(store.count("EventPlatform", "badge", id), (now) =>
      Wire.json({ unread: Math.floor(((now - store.startedAt) * speed) / nominalMillis) })
    )
  )

const readAny = Wire.body(Wire.AnyObject)

interface Shape {
  readonly prefix: string
  readonly idName: string
  readonly perEvent: boolean
  readonly outcomes: Job.NewJob["outcomes"]
}

const taskShape: Shape = {
  prefix: "task",
  idName: "task_id",
  perEvent: false,
  outcomes: ["succeeded", "failed", "canceled"]
}

const shapes: Readonly<Record<string, Shape>> = {
  task: taskShape,
  campaign: { ...taskShape, perEvent: true },
  package: { prefix: "pkg", idName: "id", perEvent: false, outcomes: ["succeeded", "failed", "expired"] },
  tasteClusters: { prefix: "run", idName: "run_id", perEvent: true, outcomes: ["succeeded", "failed"] }
}

const taskStates = {
  queued: "pending",
  running: "running",
  succeeded: "completed",
  failed: "failed",
  canceled: "canceled"
}

const packageStates = {
  queued: "PENDING",
  running: "BUILDING",
  succeeded: "DONE",
  failed: "FAILED",
  expired: "EXPIRED"
}

const clusterStates = { queued: "queued", running: "running", succeeded: "ready", failed: "error" }

const taskResponse = (job: Job.Job, now: number): Wire.Response => {
  const end = Job.endOf(job, now)
  const changedAt = end?.endedAt ?? (Job.hasStarted(job, now) ? Job.startOf(job) : job.submittedAt)
  return Wire.json({
    task_id: job.id,
    state: Job.stateOf(job, now, taskStates),
    result: end?.result,
    error: end?.failure?.message,
    progress: Job.progressOf(job, now),
    updated_at: Wire.iso(Math.floor(changedAt))
  })
}

const strings = (query: Wire.Incoming["query"]): Record<string, string> => {
  const single: Record<string, string> = {}
  for (const [name, value] of Object.entries(query)) {
    if (typeof value === "string") single[name] = value
  }
  return single
}
