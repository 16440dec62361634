// What a case is made of.
import type { Adapter, Ended, Feature, Setup } from "./adapter.ts"
import type { VirtualClock } from "./clock.ts"
import { result, type Script, Server } from "./server.ts"

export interface Verdict {
  readonly verdict: "pass" | "fail"
  /** What was seen. */
  readonly seen: string
}

export interface Case {
  /** What a user may count on. */
  readonly name: string
  readonly theme: string
  /** The threads, specifications or measurements that it comes from. */
  readonly source: string
  readonly needs: ReadonlyArray<Feature>
  readonly run: (lab: Lab) => Promise<Verdict>
}

/** A wait as far as it has come. */
export interface Run {
  readonly ended: Ended | undefined
  /** When it ended. */
  readonly at: number
}

/** The world of one case: a poller, a clock, servers. */
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

  /** The headers by which a server asks this poller to stay away. */
  hint(seconds: number): Record<string, string> {
    return this.adapter.hint?.(seconds) ?? { "retry-after": String(seconds) }
  }

  /** Does something at a time. */
  at(time: number, action: () => void): void {
    this.clock.set(action, time - this.clock.now).unref()
  }

  /** Waits for a job until it ends, at most until a time (default: an hour). */
  wait(setup: Setup, until = hour): Promise<Run> {
    return this.run(() => this.adapter.wait(setup), until)
  }

  /** Runs something to its end, at most until a time. A flood or an idle world is the end of it too. */
  async run(start: () => Promise<Ended>, until = hour): Promise<Run> {
    let ended: Ended | undefined
    let at = Number.NaN
    const note = (end: Ended): void => {
      ended = end
      at = this.clock.now
    }
    // A poller that rejects at the call is no different from one that rejects later.
    void Promise.resolve()
      .then(start)
      .then(note, (error: unknown) => note({ tag: "error", error }))
    await this.clock.advance(until, () => ended !== undefined || this.flooded())
    return { ended, at }
  }

  /** Lets time pass. */
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

/** Judges: passes where the condition holds. */
export const judge = (holds: boolean, seen: string): Verdict => ({ verdict: holds ? "pass" : "fail", seen })

/** The first of several that does not hold, or a pass. */
export const all = (...verdicts: ReadonlyArray<Verdict>): Verdict =>
  verdicts.find(({ verdict }) => verdict === "fail") ?? verdicts[verdicts.length - 1]!

/** In words, how a wait ended and when. */
export const show = ({ at, ended }: Run): string =>
  ended === undefined ? describe(ended) : `${describe(ended)} after ${span(at)}`

export const describe = (ended: Ended | undefined): string => {
  if (ended === undefined) return "no end"
  return ended.tag === "succeeded" ? `success with ${text(ended.value)}` : `${ended.tag} (${text(ended.error)})`
}

/** A number of requests in words. */
export const requests = (server: Server): string =>
  `${server.flooded ? "more than " : ""}${server.count} request${server.count === 1 ? "" : "s"}`

/** Milliseconds as people write them. */
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
