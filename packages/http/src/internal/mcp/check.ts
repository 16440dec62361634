import * as Effect from "effect/Effect"
import { hasProperty } from "effect/Predicate"
import type * as Schema from "effect/Schema"
import * as CheckResult from "effect-poll/CheckResult"
import * as Status from "effect-poll/Status"
import { type Failure, InvalidAnswer } from "../../McpTaskError.ts"
import type { Dialect } from "../../McpTaskJob.ts"
import { invalidParams, rpcCodeOf, wireCode } from "./jsonRpcCode.ts"
import type { InputResponder } from "./input.ts"
import {
  actionOf,
  inputRequests,
  InterpretedAnswer,
  isToolError,
  maxInputs,
  oneLine,
  rpcFailure,
  someRequest,
  type Task,
  taskIn,
  toolFailure
} from "./task.ts"

// One check of a task: what `tasks/get` answers in each state, and the requests that follow in some of them.

/** What every step of a check needs. */
export interface Environment<out A, out E, out R, out ED> {
  readonly dialect: Dialect
  /** Sends a request in the dialect. */
  readonly ask: (method: string, params: Readonly<Record<string, unknown>>) => Effect.Effect<unknown, E, R>
  readonly decode: (result: unknown) => Effect.Effect<A, Schema.SchemaError>
  /** Whether a result with `isError` makes the job fail. */
  readonly failsOnToolError: boolean
  readonly input: InputResponder<ED>
}

type Checked<A, E, R, ED> = Effect.Effect<CheckResult.CheckResult<A, Failure>, E | ED | InvalidAnswer, R>

/** Asks for a task once. */
export const checkTask = <A, E, R, ED>(env: Environment<A, E, R, ED>, taskId: string): Checked<A, E, R, ED> =>
  Effect.matchEffect(env.ask("tasks/get", { taskId }), {
    onFailure: (error): Checked<A, E, R, ED> => missingOr(error),
    onSuccess: (json) => found(env, taskId, json)
  }).pipe(
    Effect.tap((result) =>
      Effect.sync(() => {
        if (isEnd(result)) env.input.close(taskId)
      })
    )
  )

/** Decodes the result of a request. */
export const decoded = <A, E, R, ED>(
  { decode }: Environment<A, E, R, ED>,
  method: string,
  result: unknown
): Effect.Effect<A, InvalidAnswer> =>
  Effect.mapError(decode(result), (error) => malformed(method, oneLine(error.message)))

export const malformed = (method: string, issue: string) => new InvalidAnswer({ method, kind: "malformed", issue })

// ---- internal ----

const found = <A, E, R, ED>(env: Environment<A, E, R, ED>, taskId: string, json: unknown): Checked<A, E, R, ED> => {
  if (json instanceof InterpretedAnswer) return Effect.succeed(json.result)
  const task = taskIn(env.dialect, json)
  if (task === undefined) return Effect.fail(malformed("tasks/get", "Expected a task with a status"))
  const { hint } = task
  const result = inState(env, taskId, task)
  return hint === undefined ? result : Effect.map(result, (each) => CheckResult.withHint(each, hint))
}

const inState = <A, E, R, ED>(env: Environment<A, E, R, ED>, taskId: string, task: Task): Checked<A, E, R, ED> => {
  const { detail, status: state } = task
  if (state !== "input_required") env.input.idle(taskId)
  switch (state) {
    case "working":
      return Effect.succeed(Status.pending({ state, detail }))
    case "input_required":
      return inputRequired(env, taskId, task)
    case "completed":
      return completed(env, taskId, task)
    case "failed":
      return failed(env, taskId, task)
    case "cancelled":
      return Effect.succeed(Status.canceled({ state, reason: detail.message }))
    default:
      return Effect.succeed(CheckResult.unknownState(state))
  }
}

const inputRequired = <A, E, R, ED>(
  { ask, dialect, input }: Environment<A, E, R, ED>,
  taskId: string,
  task: Task
): Checked<A, E, R, ED> => {
  const requests = dialect === "extension" ? inputRequests(task, taskId) : [someRequest(task, taskId)]
  if (requests === undefined) return Effect.fail(malformed("tasks/get", "Expected inputRequests in the task"))
  if (typeof requests === "number") return Effect.fail(tooManyInputs(requests))
  const pending = Status.pending({
    state: task.status,
    detail: { ...task.detail, input: requests },
    action: actionOf(task, requests)
  })
  return Effect.flatMap(input.respond(taskId, requests), (ready): Checked<A, E, R, ED> => {
    if (dialect !== "extension" || ready.length === 0) return Effect.succeed(pending)
    const inputResponses = Object.fromEntries(ready.map(({ key, value }) => [key, value]))
    return Effect.map(ask("tasks/update", { taskId, inputResponses }), () => {
      for (const each of ready) each.sent()
      return pending
    })
  })
}

const completed = <A, E, R, ED>(
  env: Environment<A, E, R, ED>,
  taskId: string,
  { body, detail }: Task
): Checked<A, E, R, ED> => {
  if (env.dialect === "extension") {
    return hasProperty(body, "result")
      ? concluded(env, "tasks/get", body.result, detail.message)
      : Effect.succeed(CheckResult.resultMissing("completed", "Expected a result in the completed task"))
  }
  return Effect.matchEffect(env.ask("tasks/result", { taskId }), {
    onSuccess: (result) => concluded(env, "tasks/result", result, detail.message),
    onFailure: (error): Checked<A, E, R, ED> => missingOr(error)
  })
}

/** `tasks/result` of a failed task answers as the request would have: with its result, or with its error. */
const failed = <A, E, R, ED>(
  { ask, dialect }: Environment<A, E, R, ED>,
  taskId: string,
  { body, detail }: Task
): Checked<A, E, R, ED> => {
  const explained = (code: number | undefined, error: unknown) =>
    Status.failed(rpcFailure(code, error, detail.message), { state: "failed" })
  if (dialect === "extension") {
    const error = hasProperty(body, "error") ? body.error : undefined
    return Effect.succeed(explained(wireCode(error), error))
  }
  return Effect.matchEffect(ask("tasks/result", { taskId }), {
    onSuccess: (result): Checked<A, E, R, ED> =>
      Effect.succeed(
        result instanceof InterpretedAnswer
          ? result.result
          : Status.failed(toolFailure(result, detail.message), { state: "failed" })
      ),
    onFailure: (error): Checked<A, E, R, ED> => {
      const code = rpcCodeOf(error)
      return code === undefined ? Effect.fail(error) : Effect.succeed(explained(code, error))
    }
  })
}

const concluded = <A, E, R, ED>(
  env: Environment<A, E, R, ED>,
  method: string,
  result: unknown,
  message: string | undefined
): Checked<A, E, R, ED> => {
  if (result instanceof InterpretedAnswer) return Effect.succeed(result.result)
  const state = "completed"
  return env.failsOnToolError && isToolError(result)
    ? Effect.succeed(Status.failed(toolFailure(result, message), { state }))
    : Effect.map(decoded(env, method, result), (value) => Status.succeeded(value, { state }))
}

const isEnd = (result: CheckResult.CheckResult<unknown, unknown>): boolean => {
  const { _tag } = CheckResult.unannotated(result)
  return _tag !== "Pending" && _tag !== "UnknownState"
}

const tooManyInputs = (count: number) =>
  new InvalidAnswer({
    method: "tasks/get",
    kind: "excessive",
    issue: `Expected at most ${maxInputs} inputRequests, got ${count}`
  })

const missingOr = <E>(error: E): Effect.Effect<CheckResult.Missing, E> =>
  rpcCodeOf(error) === invalidParams ? Effect.succeed(CheckResult.missing) : Effect.fail(error)
