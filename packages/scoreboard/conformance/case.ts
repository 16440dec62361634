// Cases, and the lab in which one is run against a poller.
import type { Adapter, Ended, Feature, Setup } from "./adapter.ts"
import type { VirtualClock } from "./clock.ts"
import { result, type Script, Server } from "./server.ts"

export interface Verdict {
  readonly verdict: "pass" | "fail"
  /** What was observed, for the report. */
  readonly seen: string
}

export interface Case {
  /** The behavior that a user counts on, as a sentence. */
  readonly name: string
  readonly theme: string
  /** The threads, specifications or measurements it comes from. */
  readonly source: string
  readonly needs: ReadonlyArray<Feature>
  readonly run: (lab: Lab) => Promise<Verdict>
}

/** A wait so far. */
export interface Run {
  readonly ended: Ended | undefined
  /** When it ended. */
  readonly at: number
}

/** What one case runs in: a poller, a clock and servers. */
export class Lab {
  readonly adapter: Adapter
  readonly clock: VirtualClock
  readonly #servers: Array<Server> = []

  constructor(adapter: Adapter, clock: VirtualClock) {
    this.adapter = adapter
    this.clock = clock
  }

  server(script: Script): Server {
    const server = new Server(this.clock, script, this.adapter)
    this.#servers.push(server)
    return server
  }

  /** The headers by which a server requests a delay from this poller. */
  hint(seconds: number): Record<string, string> {
    return this.adapter.hint?.(seconds) ?? { "retry-after": String(seconds) }
  }

  /** Schedules an action. */
  at(time: number, action: () => void): void {
    this.clock.set(action, time - this.clock.now).unref()
  }

  /** Waits for a job until it ends, but no longer than `until` (default: an hour). */
  wait(setup: Setup, until = hour): Promise<Run> {
    return this.run(() => this.adapter.wait(setup), until)
  }

  /**
   * Runs `start` until it ends, but no longer than `until`. A flood of requests or a clock without timers also ends it.
   */
  async run(start: () => Promise<Ended>, until = hour): Promise<Run> {
    let ended: Ended | undefined
    let at = Number.NaN
    const note = (end: Ended): void => {
      ended = end
      at = this.clock.now
    }
    // A poller may throw at the call or reject later; both count the same.
    void Promise.resolve()
      .then(start)
      .then(note, (error: unknown) => note({ tag: "error", error }))
    await this.clock.advance(until, () => ended !== undefined || this.flooded())
    return { ended, at }
  }

  /** Advances the clock. */
  async pass(millis: number): Promise<void> {
    await this.clock.advance(this.clock.now + millis, () => this.flooded())
  }

  flooded(): boolean {
    return this.#servers.some(({ flooded }) => flooded)
  }
}

export const second = 1_000
export const minute: number = 60 * second
export const hour: number = 60 * minute
export const day: number = 24 * hour

/** Whether a wait ended with the result of the job. */
export const hasResult = ({ ended }: Run): boolean =>
  ended?.tag === "succeeded" && JSON.stringify(ended.value ?? null).includes(result)

/** What a case of one wait on one server is made of: it is judged by how the wait ended. */
export interface OneWait extends Omit<Case, "run"> {
  readonly server: Script
  readonly wait: Omit<Setup, "server">
  /** The time at which the case stops waiting for the end. */
  readonly until: number
  readonly passes: (run: Run) => boolean
}

/** A case of one wait on one server. */
export const oneWait = ({ passes, server, until, wait, ...rest }: OneWait): Case => ({
  ...rest,
  run: async (lab) => {
    const run = await lab.wait({ server: lab.server(server), ...wait }, until)
    return judge(passes(run), show(run))
  }
})

/** Passes if the condition holds. */
export const judge = (holds: boolean, seen: string): Verdict => ({ verdict: holds ? "pass" : "fail", seen })

/** The first verdict that is a fail, or a pass. */
export const all = (...verdicts: ReadonlyArray<Verdict>): Verdict =>
  verdicts.find(({ verdict }) => verdict === "fail") ?? verdicts[verdicts.length - 1]!

/** Describes how and when a wait ended. */
export const show = ({ at, ended }: Run): string =>
  ended === undefined ? describe(ended) : `${describe(ended)} after ${span(at)}`

export const describe = (ended: Ended | undefined): string => {
  if (ended === undefined) return "no end"
  return ended.tag === "succeeded" ? `success with ${text(ended.value)}` : `${ended.tag} (${text(ended.error)})`
}

/** Describes a number of requests. */
export const requests = (server: Server): string =>
  `${server.flooded ? "more than " : ""}${server.count} request${server.count === 1 ? "" : "s"}`

/** Formats milliseconds. */
export const span = (millis: number): string => {
  const [unit, size] = units.find(([, , from]) => Math.abs(millis) >= from) ?? ["ms", 1]
  return `${round(millis / size)} ${unit}`
}

// ---- internal ----

const units: ReadonlyArray<readonly [unit: string, size: number, from: number]> = [
  ["days", day, 2 * day],
  ["h", hour, 2 * hour],
  ["min", minute, 2 * minute],
  ["s", second, 10 * second]
]

const round = (value: number): number => Math.round(value * 10) / 10

const text = (value: unknown): string => {
  const said = value instanceof Error ? `${value.name}: ${value.message}` : (JSON.stringify(value) ?? String(value))
  const line = said.split("\n")[0]!
  return line.length > 100 ? `${line.slice(0, 100)}...` : line
}
