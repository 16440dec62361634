// What each page that shows jobs can do, whatever it is made with: the same rows run against all of them.

/** What a view shows. */
export interface Watch {
  /** The URL of the job. */
  readonly url: string
  /** The delay between two checks. */
  readonly intervalMillis: number
  /** Default: ten minutes. */
  readonly deadlineMillis?: number | undefined
  /** What happens while the page is hidden. Default: that of the program. */
  readonly hidden?: "pause" | "slow" | "run" | undefined
}

/** What a view has found. */
export interface Shown {
  /** The percentage that the last answer had. */
  readonly percent: number | undefined
  /** The number of the last check, where the program counts them. */
  readonly attempt: number | undefined
  /** What the program says that it is doing. */
  readonly phase: string | undefined
  readonly pausedBy: string | undefined
  readonly result: string | undefined
  readonly error: string | undefined
}

export interface Program {
  /** Shows a job in a new view, and yields the number of the view. */
  readonly show: (watch: Watch) => number
  /** Removes a view. */
  readonly leave: (view: number) => void
  /** Removes a view, and what it showed. */
  readonly forget: (view: number) => void
  readonly shown: (view: number) => Shown
}

/** The body of an answer about a job. */
export type Body =
  | { readonly state: "running"; readonly percent: number }
  | { readonly state: "done"; readonly percent: number; readonly result: string }

export const nothing: Shown = {
  percent: undefined,
  attempt: undefined,
  phase: undefined,
  pausedBy: undefined,
  result: undefined,
  error: undefined
}

declare global {
  // oxlint-disable-next-line no-var
  var program: Program
}

/** Makes the program of a page from a function that shows a job until it is stopped. */
export const install = (start: (watch: Watch, show: (found: Partial<Shown>) => void) => () => void): void => {
  const views = new Map<number, { shown: Shown; readonly stop: () => void }>()
  let count = 0
  globalThis.program = {
    show: (watch) => {
      const found: { shown: Shown } = { shown: nothing }
      const stop = start(watch, (part) => {
        found.shown = { ...found.shown, ...part }
      })
      views.set(count, Object.assign(found, { stop }))
      return count++
    },
    leave: (view) => views.get(view)!.stop(),
    forget: (view) => {
      views.get(view)!.stop()
      views.delete(view)
    },
    shown: (view) => views.get(view)!.shown
  }
}
