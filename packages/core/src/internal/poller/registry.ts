import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as References from "effect/References"
import * as Scope from "effect/Scope"
import * as Tracer from "effect/Tracer"
import type { Job } from "../../Job.ts"
import type { Policy } from "../policy.ts"
import type { Wait } from "../wait.ts"
import { Group, type Office } from "./group.ts"
import { Site, type Traffic } from "./site.ts"

type AnyJob = Job<unknown, unknown, unknown, unknown, unknown, never, unknown>

/** What the waits of an engine share: one site for each job and world, one group for each way to wait there. */
export class Registry {
  private readonly traffic = new Map<AnyJob, Traffic>()
  private readonly sites = new Map<AnyJob, Map<string, Site>>()
  private readonly groups = new WeakMap<Context.Context<unknown>, WeakMap<Policy, Group>>()
  /** Those that tell observers, who have to hear of the end. */
  readonly observed = new Set<Group>()

  groupFor(office: Office, job: AnyJob, policy: Policy, context: Context.Context<unknown>, logs: boolean): Group {
    const here = this.groups.get(context) ?? new WeakMap<Policy, Group>()
    this.groups.set(context, here)
    const known = here.get(policy)
    if (known !== undefined) return known
    const group = new Group(office, this.siteFor(job, context), policy, context, logs)
    here.set(policy, group)
    if (policy.observers.length > 0) this.observed.add(group)
    return group
  }

  siteFor(job: AnyJob, context: Context.Context<unknown>): Site {
    const here = this.sites.get(job) ?? new Map<string, Site>()
    this.sites.set(job, here)
    const world = worldOf(context)
    const known = here.get(world)
    if (known !== undefined) return known
    const traffic = this.traffic.get(job) ?? { underWay: 0 }
    this.traffic.set(job, traffic)
    const site = new Site(job, traffic, batchOf(job))
    here.set(world, site)
    return site
  }

  /** All waits that have not ended. */
  *waits(): Generator<Wait> {
    for (const sites of this.sites.values()) for (const site of sites.values()) yield* site
  }
}

// ---- internal ----

const batchOf = ({ checkMany }: AnyJob): Site["batch"] =>
  checkMany === undefined
    ? undefined
    : { max: checkMany.max, slack: Duration.toMillis(Duration.fromInputUnsafe(checkMany.slack ?? "50 millis")) }

/** What differs from fiber to fiber, and says nothing of how a look is made. */
const passing: ReadonlySet<string> = /*#__PURE__*/ new Set([
  Tracer.ParentSpan.key,
  Scope.Scope.key,
  References.CurrentLogAnnotations.key,
  References.CurrentLogSpans.key
])

const numbers = new WeakMap<object, number>()
let numbered = 0

const numberOf = (value: object): number => {
  const known = numbers.get(value)
  if (known !== undefined) return known
  numbers.set(value, ++numbered)
  return numbered
}

/**
 * The services of a context, as a text: two waits look in the same world if it is the same. Waits with other credentials
 * never share a look.
 */
const worldOf = (context: Context.Context<unknown>): string => {
  const services: Array<string> = []
  for (const [key, value] of context.mapUnsafe as ReadonlyMap<string, unknown>) {
    if (passing.has(key)) continue
    const isObject = (typeof value === "object" && value !== null) || typeof value === "function"
    services.push(`${key}=${isObject ? `#${numberOf(value)}` : `${typeof value} ${String(value)}`}`)
  }
  return services.toSorted().join("\n")
}
