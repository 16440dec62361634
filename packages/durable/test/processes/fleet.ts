/** Starts workers as processes of their own, and sends them signals. */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { spawn } from "node:child_process"
import { createInterface } from "node:readline"
import { freePort, until } from "./database.ts"

/** The settings of a worker. */
export interface WorkerConfig {
  readonly name: string
  readonly databaseUrl: string
  readonly jobsUrl: string
  readonly port: number
  readonly placement: "cluster" | "local"
  /** By how much its clock is ahead. */
  readonly clockOffsetMillis: number
  /** The interval between two checks. */
  readonly intervalMillis: number
  readonly lockExpirationMillis: number
  readonly healthIntervalMillis: number
  readonly transport: "socket" | "http"
  /** Whether ends are also recorded by an entity per job. */
  readonly oracle: boolean
  /** Whether it stores messages, for the oracle or without; then one of the runners checks the health of all others. */
  readonly messages: "none" | "sql"
  /** Inputs that it submits once it is up, each under its idempotency key. */
  readonly submits: ReadonlyArray<string>
}

export interface Worker {
  readonly name: string
  readonly pid: number
  readonly lines: ReadonlyArray<string>
  readonly signal: (signal: NodeJS.Signals) => Effect.Effect<void>
  /** Waits until it has ended. */
  readonly exited: Effect.Effect<number | NodeJS.Signals>
  /** When it was started, by the clock of this process. */
  readonly startedAt: number
  /** When its modules were loaded. */
  readonly bootedAt: Effect.Effect<number>
}

const defaults = {
  placement: "cluster",
  clockOffsetMillis: 0,
  intervalMillis: 400,
  lockExpirationMillis: 10_000,
  healthIntervalMillis: 2_000,
  transport: "socket",
  oracle: false,
  messages: "none",
  submits: []
} as const

export type WorkerOptions = Partial<WorkerConfig> & Pick<WorkerConfig, "name" | "databaseUrl" | "jobsUrl">

/** Starts a worker. It is killed when the scope closes. */
export const startWorker = (options: WorkerOptions): Effect.Effect<Worker, never, Scope.Scope> =>
  Effect.gen(function* () {
    const config: WorkerConfig = { ...defaults, port: options.port ?? (yield* freePort), ...options }
    const exited = yield* Deferred.make<number | NodeJS.Signals>()
    const lines: Array<string> = []
    let bootedAt = Number.NaN
    const startedAt = Date.now()
    const child = yield* Effect.acquireRelease(
      Effect.sync(() => {
        const child = spawn(
          process.execPath,
          [
            "--disable-warning=ExperimentalWarning",
            new URL("worker.ts", import.meta.url).pathname,
            JSON.stringify(config)
          ],
          { stdio: ["ignore", "pipe", "pipe"] }
        )
        const keep = (line: string) => {
          lines.push(line)
          if (line === "BOOT") bootedAt = Date.now()
          if (lines.length > 2000) lines.splice(0, 1000)
          if (process.env["WORKER_LOG"] !== undefined) process.stderr.write(`[${config.name}] ${line}\n`)
        }
        createInterface({ input: child.stdout }).on("line", keep)
        createInterface({ input: child.stderr }).on("line", keep)
        child.on("exit", (code, signal) => Deferred.doneUnsafe(exited, Effect.succeed(signal ?? code ?? -1)))
        return child
      }),
      (child) =>
        Effect.andThen(
          Effect.sync(() => child.kill("SIGKILL")),
          Deferred.await(exited)
        )
    )
    return {
      name: config.name,
      pid: child.pid ?? -1,
      lines,
      startedAt,
      bootedAt: Effect.sync(() => bootedAt),
      signal: (signal) => Effect.sync(() => void child.kill(signal)),
      exited: Deferred.await(exited)
    }
  })

/** Waits until a worker says a word. */
export const says = (worker: Worker, word: string): Effect.Effect<unknown> =>
  until(
    `${worker.name} says ${word}; it said:\n${worker.lines.slice(-30).join("\n")}`,
    Effect.sync(() => worker.lines.some((line) => line.includes(word))),
    (said) => said
  )
