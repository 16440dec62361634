import type { PollStore } from "@effect-poll/web/PollStore"
import type { Any } from "effect-poll/Job"
import { useMemo, useSyncExternalStore } from "react"
import { type ProvidedContext, useProvided } from "./context.ts"
import {
  type AnyEntry,
  type AnyOptions,
  type AnyPolled,
  type AnySnapshot,
  entryOf,
  polled,
  useJobWarning
} from "./poll.ts"

export const pollsOf = (context: ProvidedContext) =>
  function usePolls(
    job: Any,
    keys: ReadonlyArray<unknown>,
    options: AnyOptions | ((key: unknown) => AnyOptions)
  ): ReadonlyArray<AnyRow> {
    const { store } = useProvided(context, "usePolls")
    const ids = useMemo(() => keys.map((key) => job.key.encode(key)), [job, keys])
    // A list of the same keys is the same list, though it may be made at each render.
    const list = useMemo(() => JSON.stringify(ids), [ids])
    const lines = useMemo(() => new Map<string, Line>(), [store, job])
    const group = useMemo(() => {
      const make = (id: string, at: number) => lineOf(lines, store, job, keys[at], id, options)
      return new Group(ids.map(make), lines)
    }, [store, job, lines, list])
    useJobWarning("usePolls", job, list)
    return useSyncExternalStore(group.subscribe, group.getSnapshot, group.getServerSnapshot)
  }

// ---- internal ----

/** A `PolledRow`, without its types. */
type AnyRow = AnyPolled & { readonly key: unknown; readonly id: string }

/** A wait of a list: its row is the same object until its snapshot changes. */
interface Line {
  readonly key: unknown
  readonly id: string
  readonly entry: AnyEntry
  snapshot: AnySnapshot
  row: AnyRow
}

const rowOf = (key: unknown, id: string, entry: AnyEntry, snapshot: AnySnapshot): AnyRow => ({
  ...polled(snapshot, entry),
  key,
  id
})

const lineOf = (
  lines: Map<string, Line>,
  store: PollStore,
  job: Any,
  key: unknown,
  id: string,
  options: AnyOptions | ((key: unknown) => AnyOptions)
): Line => {
  const known = lines.get(id)
  if (known !== undefined) return known
  const entry = entryOf(store, job, key, typeof options === "function" ? options(key) : options)
  const snapshot = entry.getSnapshot()
  const line = { key, id, entry, snapshot, row: rowOf(key, id, entry, snapshot) }
  lines.set(id, line)
  return line
}

const refresh = (line: Line): boolean => {
  const snapshot = line.entry.getSnapshot()
  if (snapshot === line.snapshot) return false
  line.snapshot = snapshot
  line.row = rowOf(line.key, line.id, line.entry, snapshot)
  return true
}

/** The waits of a list as one source for `useSyncExternalStore`: many changes in a turn are one array and one call. */
class Group {
  private readonly lines: ReadonlyArray<Line>
  /** The lines of the component, from which those of other lists are removed. */
  private readonly all: Map<string, Line>
  private readonly changed = new Set<Line>()
  private rows: ReadonlyArray<AnyRow>
  private serverRows: ReadonlyArray<AnyRow> | undefined

  constructor(lines: ReadonlyArray<Line>, all: Map<string, Line>) {
    this.lines = lines
    this.all = all
    this.rows = lines.map((line) => line.row)
  }

  readonly getSnapshot = (): ReadonlyArray<AnyRow> => this.rows

  readonly getServerSnapshot = (): ReadonlyArray<AnyRow> =>
    (this.serverRows ??= this.lines.map(({ entry, id, key, row, snapshot }) => {
      const first = entry.getServerSnapshot()
      return first === snapshot ? row : rowOf(key, id, entry, first)
    }))

  readonly subscribe = (listener: () => void): (() => void) => {
    const own = new Set(this.lines)
    for (const [id, line] of this.all) if (!own.has(line)) this.all.delete(id)
    let timer: ReturnType<typeof setTimeout> | undefined
    const tell = (): void => {
      timer = undefined
      if (this.update([...this.changed])) listener()
    }
    const leave = Array.from(own, (line) => {
      this.all.set(line.id, line)
      return line.entry.subscribe(() => {
        this.changed.add(line)
        // Time for a frame: a thousand answers that arrive together are not a thousand renders.
        // @effect-diagnostics-next-line globalTimers:off
        timer ??= setTimeout(tell, 16)
      })
    })
    this.update(own)
    return () => {
      clearTimeout(timer)
      this.changed.clear()
      for (const each of leave) each()
    }
  }

  private update(lines: Iterable<Line>): boolean {
    this.changed.clear()
    let isNew = false
    for (const line of lines) isNew = refresh(line) || isNew
    // Another list of the component may have refreshed a line.
    isNew ||= this.lines.some((line, at) => line.row !== this.rows[at])
    if (isNew) this.rows = this.lines.map((line) => line.row)
    return isNew
  }
}
