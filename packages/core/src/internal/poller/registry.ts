import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Layer from "effect/Layer"
import * as References from "effect/References"
import * as Scope from "effect/Scope"
import * as Tracer from "effect/Tracer"
import type { Any } from "../../Job.ts"
import type { Policy } from "../options/policy.ts"
import type { Wait } from "../machine/wait.ts"
import { Group, type Office } from "./group.ts"
import { Site, type Traffic } from "./target.ts"

/** What the waits of an engine share: one site for each job and world, one group for each way to wait there. */
export class Registry {
  private readonly traffic = new Map<Any, Traffic>()
  private readonly sites = new Map<Any, Map<string, Site>>()
  private readonly groups = new WeakMap<Context.Context<unknown>, WeakMap<Policy, Group>>()
  /** Those with waits that tell observers, who have to hear of the end. */
  readonly observed = new Set<Group>()
  private sweepAt = leastSweep
  private count = 0
  private readonly linger: number

  constructor(linger: number) {
    this.linger = linger
  }

  groupFor(office: Office, job: Any, policy: Policy, context: Context.Context<unknown>, logs: boolean): Group {
    const here = this.groups.get(context) ?? new WeakMap<Policy, Group>()
    this.groups.set(context, here)
    const known = here.get(policy)
    if (known !== undefined && !known.site.isGone) return known
    const group = new Group(office, this.siteFor(job, context, office.time.now), policy, context, logs)
    here.set(policy, group)
    return group
  }

  /** Takes note of a wait that begins. */
  begun(group: Group): void {
    group.open++
    if (group.policy.observers.length > 0) this.observed.add(group)
  }

  /** Takes note of a wait that ended. */
  ended(group: Group): void {
    if (--group.open > 0 || group.isTelling || !this.observed.has(group)) return
    // However long that takes: there may be more waits.
    const told = group.telemetry.flush(Duration.infinity)
    if (told === undefined) return void this.observed.delete(group)
    group.isTelling = true
    group.fork(told).addObserver(() => {
      group.isTelling = false
      if (group.open === 0) this.observed.delete(group)
    })
  }

  siteFor(job: Any, context: Context.Context<unknown>, now: number): Site {
    const here = this.sites.get(job) ?? new Map<string, Site>()
    const world = worldOf(context)
    const known = here.get(world)
    if (known !== undefined) return known
    if (++this.count > this.sweepAt) this.sweep(now)
    const traffic = this.traffic.get(job) ?? { underWay: 0 }
    this.traffic.set(job, traffic)
    const site = new Site(job, traffic, batchOf(job))
    here.set(world, site)
    this.sites.set(job, here)
    return site
  }

  /** Forgets the sites that nobody needs: worlds may be as many as requests to a server. */
  private sweep(now: number): void {
    this.count = 0
    for (const [job, sites] of this.sites) {
      for (const [world, site] of sites) {
        site.forget(now, this.linger)
        if (site.isUnused) {
          site.isGone = true
          sites.delete(world)
        }
      }
      if (sites.size === 0 && this.traffic.get(job)!.underWay === 0) {
        this.sites.delete(job)
        this.traffic.delete(job)
      }
      this.count += sites.size
    }
    this.sweepAt = Math.max(leastSweep, 2 * this.count)
  }

  /** All waits that have not ended. */
  *waits(): Generator<Wait> {
    for (const sites of this.sites.values()) for (const site of sites.values()) yield* site
  }
}

// ---- internal ----

const leastSweep = 256

const batchOf = ({ checkMany }: Any): Site["batch"] =>
  checkMany === undefined
    ? undefined
    : { max: checkMany.max, slack: Duration.toMillis(Duration.fromInputUnsafe(checkMany.slack ?? "50 millis")) }

/** What differs from fiber to fiber, and says nothing of how a check is made. */
const passing: ReadonlySet<string> = /*#__PURE__*/ new Set([
  Tracer.ParentSpan.key,
  Scope.Scope.key,
  References.CurrentLogAnnotations.key,
  References.CurrentLogSpans.key,
  References.CurrentStackFrame.key,
  Layer.CurrentMemoMap.key
])

const numbers = new WeakMap<WeakKey, number>()
let numbered = 0

const numberOf = (value: WeakKey): number => {
  const known = numbers.get(value)
  if (known !== undefined) return known
  numbers.set(value, ++numbered)
  return numbered
}

const hasIdentity = (value: unknown): value is WeakKey =>
  (typeof value === "object" && value !== null) ||
  typeof value === "function" ||
  (typeof value === "symbol" && Symbol.keyFor(value) === undefined)

/**
 * The services of a context, as a text: two waits check in the same world if it is the same. Waits with other credentials
 * never share a check.
 */
const worldOf = (context: Context.Context<unknown>): string => {
  const services: Array<string> = []
  for (const [key, value] of context.mapUnsafe as ReadonlyMap<string, unknown>) {
    if (passing.has(key)) continue
    services.push(`${key}=${hasIdentity(value) ? `#${numberOf(value)}` : `${typeof value} ${String(value)}`}`)
  }
  return services.toSorted().join("\n")
}
