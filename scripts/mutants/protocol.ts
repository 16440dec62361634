// What the test runner of Stryker and the worker that runs the tests say to each other.

/** The name of their channel. */
export const channelName = "mutants"

/** A test of the core. */
export interface LoadedTest {
  readonly id: string
  readonly file: string
  readonly name: string
  readonly line: number
  readonly column: number
  readonly millis: number
  /** Why it fails without a mutant. */
  readonly failure: string | undefined
}

/** How often each mutant was reached. */
export type Hits = Record<string, number>

export interface Coverage {
  readonly static: Hits
  readonly perTest: Record<string, Hits>
}

/** To the worker: run these tests with this mutant. */
export interface Run {
  readonly _tag: "Run"
  readonly mutant: string
  readonly ids: ReadonlyArray<string> | undefined
  /** Only tests of files whose name begins so; undefined for all. */
  readonly only: string | undefined
  readonly hitLimit: number | undefined
}

/** To the worker: end. */
export interface Stop {
  readonly _tag: "Stop"
}

/** From the worker: all tests are loaded; in a dry run they have run, too. */
export interface Loaded {
  readonly _tag: "Loaded"
  readonly tests: ReadonlyArray<LoadedTest>
  readonly coverage: Coverage
}

/** From the worker: what became of the mutant. `isClean` says whether the tests still pass without it. */
export interface Judged {
  readonly _tag: "Judged"
  readonly status: "killed" | "survived" | "timeout"
  readonly killer: string | undefined
  readonly reason: string
  readonly tests: number
  readonly isClean: boolean
}
