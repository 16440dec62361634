/** Databases for tests with processes: on a server that runs already, or on one of their own, which a test may kill. */
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import { execFile, spawn } from "node:child_process"
import { existsSync, mkdtempSync, readdirSync } from "node:fs"
import { userInfo } from "node:os"
import { join } from "node:path"
import { freePort as findPort } from "../freePort.ts"

/** PostgreSQL cannot be started here. */
export class DatabaseMissing extends Data.TaggedError("DatabaseMissing")<{ readonly reason: string }> {}

export interface Database {
  readonly port: number
  /** The address of a database, optionally through another port. */
  readonly url: (name: string, port?: number) => string
  /** Creates a database and returns its address. */
  readonly create: (name: string) => Effect.Effect<string>
  /** The rows of a query, as text. */
  readonly query: (name: string, statement: string) => Effect.Effect<ReadonlyArray<ReadonlyArray<string>>>
}

/** A server that a test may kill. */
export interface Server extends Database {
  /** Ends all of its processes without a checkpoint, as a crash does. */
  readonly crash: Effect.Effect<void>
  readonly start: Effect.Effect<void>
}

const versions = "/usr/lib/postgresql"

const binaries = (): string | undefined => {
  if (!existsSync(versions)) return undefined
  const found = readdirSync(versions)
    .map((version) => join(versions, version, "bin"))
    .filter((bin) => existsSync(join(bin, "initdb")))
  return found.at(-1)
}

const execute = (command: string, args: ReadonlyArray<string>) =>
  Effect.callback<string, DatabaseMissing>((resume) => {
    const child = execFile(command, [...args], { maxBuffer: 1 << 28 }, (error, stdout, stderr) =>
      resume(
        error ? Effect.fail(new DatabaseMissing({ reason: `${error.message}\n${stderr}` })) : Effect.succeed(stdout)
      )
    )
    return Effect.sync(() => child.kill("SIGKILL"))
  })

/** A port that nobody uses. */
export const freePort: Effect.Effect<number> = Effect.promise(findPort)

/** The databases of a server that listens at a port of this machine. */
export const databaseAt = (port: number): Database => {
  const query = (name: string, statement: string) =>
    execute(join(binaries() ?? "", "psql"), [
      "--host=127.0.0.1",
      `--port=${port}`,
      "--username=postgres",
      `--dbname=${name}`,
      "--set=ON_ERROR_STOP=1",
      "--field-separator=\t",
      "-XqAt",
      `--command=${statement}`
    ]).pipe(
      Effect.map((text) => text.split("\n").flatMap((line) => (line === "" ? [] : [line.split("\t")]))),
      Effect.orDie
    )
  const url = (name: string, through = port) => `postgres://postgres@127.0.0.1:${through}/${name}`
  return {
    port,
    url,
    create: (name) => Effect.as(query("postgres", `CREATE DATABASE ${name}`), url(name)),
    query
  }
}

// Its input is a pipe from this process, which the system closes when this process is gone, be it killed.
const keeper = `cat >/dev/null; "$0" -D "$1/data" -m immediate stop; rm -rf "$1"`

/** Starts a server with an empty cluster. It is stopped, and its files are removed, when the scope closes. */
export const startDatabase: Effect.Effect<Server, DatabaseMissing, Scope.Scope> = Effect.gen(function* () {
  const bin = binaries()
  if (bin === undefined) return yield* new DatabaseMissing({ reason: `no initdb below ${versions}` })
  // The server does not run as root.
  const prefix = userInfo().uid === 0 ? ["runuser", "-u", "postgres", "--"] : ["env"]
  const [command = "env", ...before] = prefix
  const postgres = (name: string, ...args: ReadonlyArray<string>) =>
    execute(command, [...before, join(bin, name), ...args])
  const base = mkdtempSync("/tmp/effect-poll-pg-")
  if (userInfo().uid === 0) yield* execute("chown", ["postgres:", base])
  yield* Effect.acquireRelease(
    Effect.sync(() =>
      spawn(command, [...before, "sh", "-c", keeper, join(bin, "pg_ctl"), base], {
        cwd: "/",
        detached: true,
        stdio: ["pipe", "ignore", "ignore"]
      })
    ),
    (child) =>
      Effect.callback<void>((resume) => {
        child.once("exit", () => resume(Effect.void))
        child.stdin.end()
      })
  )
  const data = join(base, "data")
  const port = yield* freePort
  yield* postgres("initdb", "-D", data, "-A", "trust", "-U", "postgres", "--no-sync", "-E", "UTF8")
  const flags = `-p ${port} -k ${base} -h 127.0.0.1 -c max_connections=200 -c fsync=off`
  const start = postgres("pg_ctl", "-D", data, "-w", "-t", "30", "-l", join(base, "log"), "-o", flags, "start")
  const crash = postgres("pg_ctl", "-D", data, "-w", "-t", "30", "-m", "immediate", "stop")
  yield* start
  return { ...databaseAt(port), crash: Effect.asVoid(Effect.orDie(crash)), start: Effect.asVoid(Effect.orDie(start)) }
})

/** Asks until a condition holds; dies after the bound, with what was seen last. */
export const until = <A, E, R>(
  what: string,
  ask: Effect.Effect<A, E, R>,
  holds: (a: A) => boolean,
  bound: Duration.Input = "2 minutes",
  every: Duration.Input = "50 millis"
): Effect.Effect<A, E, R> =>
  Effect.suspend(() => {
    let last: A | undefined
    return ask.pipe(
      Effect.tap((a) => Effect.sync(() => (last = a))),
      Effect.repeat({ until: holds, schedule: Schedule.spaced(every) }),
      Effect.timeoutOrElse({
        duration: bound,
        orElse: () =>
          Effect.die(
            new Error(
              `Not within ${Duration.format(Duration.fromInputUnsafe(bound))}: ${what}; last: ${JSON.stringify(last)?.slice(0, 500)}`
            )
          )
      })
    )
  })
