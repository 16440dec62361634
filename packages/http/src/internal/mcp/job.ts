import * as Effect from "effect/Effect"
import { hasProperty } from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as CheckError from "effect-poll/CheckError"
import * as Job from "effect-poll/Job"
import * as Status from "effect-poll/Status"
import type { Failure, InvalidAnswer } from "../../McpTaskError.ts"
import type { Dialect, Options, TaskJob, TaskRequest } from "../../McpTaskJob.ts"
import { invalidParams, isTransientCode, rpcCodeOf } from "./jsonRpcCode.ts"
import { checkTask, decoded, type Environment, malformed } from "./check.ts"
import type { InputResponder } from "./input.ts"
import { InterpretedAnswer, isToolError, paramsIn, taskIn, toolFailure } from "./task.ts"
import { carried } from "../carried.ts"
import * as validate from "../validate.ts"
import { decoderOf } from "../answer/decoder.ts"

// The job of an MCP server, in either dialect.

export const make = <A, E, R, ED>(
  name: string,
  options: Omit<Options<A, E, R, ED>, "input">,
  input: InputResponder<ED>
): TaskJob<A, E, R, ED> => {
  const env = environment(options, input)
  const tolerance = options.checkErrors && Job.checkErrorPolicy(options.checkErrors)
  const job: TaskJob<A, E, R, ED> = Job.make(name, {
    ...carried(options),
    check: (taskId: string) => checkTask(env, taskId),
    submit: (request: TaskRequest) => submit(env, request),
    cancel: (taskId: string) => cancel(env, taskId),
    strategy: options.strategy,
    checkErrors: { ...tolerance, kindOf: tolerance?.kindOf ?? kindOf }
  })
  return job
}

/** The time to live that a request asks for, in whole milliseconds. */
export const checkTtl = (name: string, { ttl }: TaskRequest): number | undefined => {
  return ttl === undefined ? undefined : Math.ceil(validate.millis(`${name}: ttl`, ttl))
}

/** The kind of an error of any client: what it says itself, otherwise by its JSON-RPC code. */
export const kindOf = (error: unknown): CheckError.Kind => {
  if (hasProperty(error, CheckError.kind)) return CheckError.kindOf(error)
  const code = rpcCodeOf(error)
  return code === undefined || isTransientCode(code) ? CheckError.transient() : CheckError.permanent()
}

// ---- internal ----

const environment = <A, E, R, ED>(
  { call, dialect, result, toolErrors }: Omit<Options<A, E, R, ED>, "input">,
  input: InputResponder<ED>
): Environment<A, E, R, ED> => ({
  dialect,
  ask: (method, params) => call(method, paramsIn(dialect, params)),
  decode: decoderOf(result ?? (Schema.Unknown as unknown as Schema.Codec<A, unknown>)),
  failsOnToolError: toolErrors !== "succeed",
  input
})

const submit = <A, E, R, ED>(
  env: Environment<A, E, R, ED>,
  request: TaskRequest
): Effect.Effect<Job.Receipt<string, A, Failure>, E | InvalidAnswer, R> => {
  const ttl = checkTtl("McpTasks.job: submit", request)
  const { method = "tools/call", params } = request
  const asked = env.dialect === "extension" ? params : { ...params, task: ttl === undefined ? {} : { ttl } }
  return Effect.flatMap(env.ask(method, asked), (answer) => receiptOf(env, method, answer))
}

const receiptOf = <A, E, R, ED>(
  env: Environment<A, E, R, ED>,
  method: string,
  answer: unknown
): Effect.Effect<Job.Receipt<string, A, Failure>, InvalidAnswer> => {
  if (answer instanceof InterpretedAnswer) {
    return Effect.fail(malformed(method, "Expected an answer that interpret leaves alone: there is no task yet"))
  }
  const created = createdIn(env.dialect, answer)
  if (created !== undefined) {
    const task = taskIn(env.dialect, created)
    return task?.taskId === undefined
      ? Effect.fail(malformed(method, "Expected a task with an id and a status"))
      : Effect.succeed({ key: task.taskId, hint: task.hint })
  }
  const type = hasProperty(answer, "resultType") ? answer.resultType : undefined
  if (env.dialect === "extension" && type !== undefined && type !== "complete") {
    return Effect.fail(malformed(method, "Expected a resultType that is complete or task"))
  }
  return env.failsOnToolError && isToolError(answer)
    ? Effect.succeed({ key: withoutTask, ended: Status.failed(toolFailure(answer, undefined)) })
    : Effect.map(decoded(env, method, answer), (value) => ({ key: withoutTask, ended: Status.succeeded(value) }))
}

/** The key of a request that was answered at once: the server made no task, and gave no id. */
const withoutTask = "(no task)"

const createdIn = (dialect: Dialect, answer: unknown): unknown => {
  if (dialect === "2025-11-25") return hasProperty(answer, "task") ? answer.task : undefined
  return hasProperty(answer, "resultType") && answer.resultType === "task" ? answer : undefined
}

const cancel = <A, E, R, ED>({ ask }: Environment<A, E, R, ED>, taskId: string): Effect.Effect<void, E, R> =>
  Effect.catchIf(
    Effect.asVoid(ask("tasks/cancel", { taskId })),
    (error) => rpcCodeOf(error) === invalidParams,
    () => Effect.void
  )
