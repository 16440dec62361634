import type * as Poller from "effect-poll/Poller"

// No package exports it, and the compiler does not follow a path that it cannot read.
const path: string = "../../src/internal/poller/service.ts"
const { internalsOf } = (await import(path)) as { readonly internalsOf: (service: object) => unknown }

/**
 * What a Poller holds, as plain numbers, for tests of what it must release. This is the only place that reads its private
 * fields; a field that was renamed is an error here, not an assertion that can no longer fail.
 */
export const inspect = (poller: Poller.Service) => {
  const service = internalsOf(poller)
  const targets = [...mapAt(service, "registry", "targets").values()].flatMap((ofJob) => valuesOf(ofJob))
  const sum = (of: (target: unknown) => number) => targets.reduce<number>((total, target) => total + of(target), 0)
  return {
    /** Jobs with one set of services each. */
    targets: targets.length,
    /** Waits that have not ended. */
    waits: sum((target) => valuesOf(target).length),
    /** Keys with such a wait, or that linger. */
    keys: sum((target) => sizeAt(target, "waits")),
    /** Waits in the ready queues, those included that have left and are not swept yet. */
    queued: sum((target) => sizeAt(target, "queue")),
    /** Starts of checks that a `minInterval` has to be kept from. */
    starts: sum((target) => sizeAt(target, "spacing")),
    /** Jobs that take turns to start checks. */
    turns: sizeAt(service, "dispatcher", "jobs", "rotation"),
    /** Entries of the queue of waits that sleep, stale ones included. */
    sleepers: sizeAt(service, "engine", "sleepers"),
    /** Entries of the queue of timeouts, stale ones included. */
    timeouts: sizeAt(service, "engine", "calls", "timeLimits"),
    /** Groups with observers that have still to be notified. */
    observedGroups: sizeAt(service, "registry", "observed"),
    /** How many waits can be added before the Poller is full. */
    freeCapacity: numberAt(service, "permits", "free"),
    /** Callers that wait for room. */
    capacityWaiters: sizeAt(service, "permits", "queue")
  }
}

// ---- internal ----

const at = (root: unknown, path: ReadonlyArray<string>): unknown => {
  let value = root
  for (const name of path) {
    if (typeof value !== "object" || value === null || !(name in value)) {
      throw new Error(`inspect: there is no field ${name} of ${path.join(".")}`)
    }
    value = (value as Record<string, unknown>)[name]
  }
  return value
}

const checked = (value: unknown, path: ReadonlyArray<string>): number => {
  if (typeof value !== "number") throw new Error(`inspect: ${path.join(".")} is no number`)
  return value
}

const numberAt = (root: unknown, ...path: ReadonlyArray<string>) => checked(at(root, path), path)
const sizeAt = (root: unknown, ...path: ReadonlyArray<string>) => numberAt(root, ...path, "size")

const mapAt = (root: unknown, ...path: ReadonlyArray<string>) => {
  const value = at(root, path)
  if (!(value instanceof Map)) throw new Error(`inspect: ${path.join(".")} is no Map`)
  return value as ReadonlyMap<unknown, unknown>
}

/** The values of a Map, or what an iterable yields. */
const valuesOf = (iterable: unknown): ReadonlyArray<unknown> =>
  iterable instanceof Map ? [...iterable.values()] : [...(iterable as Iterable<unknown>)]
