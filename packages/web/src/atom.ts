/**
 * An entry of a store as an `Atom` of `effect/reactivity`, for the UI bindings of effect.
 *
 * **Details**
 *
 * The wait runs while the atom is observed in a registry: by `mount`, or by `subscribe` with `immediate`, as bindings
 * do. Reading the atom, as in a render on a server, starts nothing and yields the snapshot of the seed, or the idle
 * one.
 *
 * @since 0.1.0
 */
import * as Atom from "effect/reactivity/Atom"
import type { AtomRegistry, Node } from "effect/reactivity/AtomRegistry"
import type { Entry } from "./PollStore.ts"
import type { Snapshot } from "./Snapshot.ts"

/**
 * Makes an atom of the snapshots of an entry.
 *
 * **Example** (Reading on a server, mounting in a page)
 *
 * ```ts
 * import { fromEntry } from "@effect-poll/web/atom"
 * import * as PollStore from "@effect-poll/web/PollStore"
 * import type { Snapshot } from "@effect-poll/web/Snapshot"
 * import * as Effect from "effect/Effect"
 * import * as AtomRegistry from "effect/reactivity/AtomRegistry"
 * import * as Job from "effect-poll/Job"
 * import * as Status from "effect-poll/Status"
 *
 * const Ready = Job.make("ready", { check: (id: string) => Effect.succeed(Status.succeeded(`${id}.png`)) })
 * const store = PollStore.make()
 * const atom = fromEntry(store.entry(Ready, "cat", { deadline: "1 minute" }))
 * const registry = AtomRegistry.make()
 * registry.get(atom).phase // => "idle"
 *
 * const value = await new Promise((resolve) => {
 *   const show = ({ outcome }: Snapshot<string>) => {
 *     if (outcome?._tag === "Success") resolve(outcome.value)
 *   }
 *   registry.subscribe(atom, show, { immediate: true })
 * })
 * value // => "cat.png"
 * registry.dispose()
 * await store.close()
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromEntry = <A, F, E>(entry: Entry<A, F, E>): Atom.Atom<Snapshot<A, F, E>> => {
  const read = (get: Atom.AtomContext): Snapshot<A, F, E> => {
    let unsubscribe: (() => void) | undefined
    let isOver = false
    get.addFinalizer(() => {
      isOver = true
      unsubscribe?.()
    })
    // Mounting an atom reads it first.
    queueMicrotask(() => {
      if (isOver) return
      // The next read runs this function again, so that mounting is noticed.
      if (!isMounted(get.registry, read)) return get.refreshSelf()
      unsubscribe = entry.subscribe(() => get.setSelf(entry.getSnapshot()))
      get.setSelf(entry.getSnapshot())
    })
    return entry.getSnapshot()
  }
  return Atom.withServerValue(Atom.readable(read), () => entry.getServerSnapshot())
}

// ---- internal ----

/**
 * Whether something observes an atom, or an atom that is derived from it. Combinators copy atoms, but not their `read`.
 */
const isMounted = (registry: AtomRegistry, read: Atom.Atom<unknown>["read"]): boolean => {
  for (const node of registry.getNodes().values()) if (node.atom.read === read && isObserved(node)) return true
  return false
}

const isObserved = (node: Node<unknown>): boolean =>
  node.listeners.size > 0 || [...node.children].some((child: Node<unknown>) => isObserved(child))
