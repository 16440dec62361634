/** A Redis server of its own, on loopback. */
import * as NodeRedis from "@effect/platform-node/NodeRedis"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type * as Redis from "effect/persistence/Redis"
import type * as Scope from "effect/Scope"
import { spawn } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { freePort } from "./processes/database.ts"

/** Redis cannot be started here. */
export class RedisMissing extends Data.TaggedError("RedisMissing")<{ readonly reason: string }> {}

/** Starts a server that keeps nothing on disk, and yields its address. It is stopped when the scope closes. */
export const startRedis: Effect.Effect<string, RedisMissing, Scope.Scope> = Effect.gen(function* () {
  const port = yield* freePort
  const directory = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync("/tmp/effect-poll-redis-")),
    (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
  )
  const args = ["--port", `${port}`, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", directory]
  yield* Effect.acquireRelease(
    Effect.callback<() => void, RedisMissing>((resume) => {
      const server = spawn("redis-server", args, { stdio: ["ignore", "pipe", "ignore"] })
      server.on("error", (error) => resume(Effect.fail(new RedisMissing({ reason: error.message }))))
      server.on("exit", (code) => resume(Effect.fail(new RedisMissing({ reason: `redis-server ended with ${code}` }))))
      server.stdout.on("data", (text: Buffer) => {
        if (text.includes("Ready to accept connections")) resume(Effect.succeed(() => server.kill("SIGKILL")))
      })
    }),
    (kill) => Effect.sync(kill)
  ).pipe(
    Effect.timeoutOrElse({
      duration: "20 seconds",
      orElse: () => Effect.fail(new RedisMissing({ reason: "redis-server is not ready after 20 seconds" }))
    })
  )
  return `redis://127.0.0.1:${port}`
})

/** A client of a server. */
export const redis = (url: string): Layer.Layer<Redis.Redis, Redis.RedisError> => NodeRedis.layer({ url })
