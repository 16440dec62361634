import * as Effect from "effect/Effect"
import { hasProperty } from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as Job from "effect-poll/Job"
import * as CheckResult from "effect-poll/CheckResult"
import * as CheckError from "effect-poll/CheckError"
import * as Status from "effect-poll/Status"
import { AnsweredAtOnce, FailedAtOnce, type Failure, InvalidAnswer } from "../McpTaskError.ts"
import type { Options, TaskJob, TaskRequest } from "../McpTaskJob.ts"
import { rpcCodeOf, invalidParams, isTransientCode, wireCode } from "./jsonRpcCode.ts"
import type { InputResponder } from "./mcpInput.ts"
import {
  inputRequests,
  isToolError,
  paramsIn,
  rpcFailure,
  someRequest,
  type Task,
  taskIn,
  toolFailure
} from "./mcpTask.ts"
import * as validate from "./validate.ts"

// The job of an MCP server: what its answers mean, in either dialect.

export const make = <A, E, R, ED>(
  options: Omit<Options<A, E, R, ED>, "input">,
  input: InputResponder<ED>
): TaskJob<A, E, R, ED> => {
  const { dialect } = options
  type Checked = Effect.Effect<CheckResult.CheckResult<A, Failure>, E | ED | InvalidAnswer, R>
  const decode = Schema.decodeUnknownEffect(options.result ?? (Schema.Unknown as unknown as Schema.Codec<A, unknown>))
  const ask = (method: string, params: Readonly<Record<string, unknown>>) =>
    options.call(method, paramsIn(dialect, params))

  const decoded = (method: string, result: unknown): Effect.Effect<A, InvalidAnswer> =>
    Effect.mapError(decode(result), (error) => malformed(method, error.message.replace(/\s*\n\s*/g, " ")))

  const concluded = (method: string, result: unknown, message: string | undefined): Checked =>
    options.toolErrors !== "succeed" && isToolError(result)
      ? Effect.succeed(Status.failed(toolFailure(result, message), { state: "completed" }))
      : Effect.map(decoded(method, result), (value) => Status.succeeded(value, { state: "completed" }))

  const completed = (taskId: string, { body, detail }: Task): Checked => {
    if (dialect === "extension") {
      return hasProperty(body, "result") ? concluded("tasks/get", body.result, detail.message) : Effect.fail(incomplete)
    }
    return Effect.matchEffect(ask("tasks/result", { taskId }), {
      onSuccess: (result) => concluded("tasks/result", result, detail.message),
      onFailure: (error): Checked => missingOr(error)
    })
  }

  const failed = (taskId: string, { body, detail }: Task): Checked => {
    const explained = (code: number | undefined, error: unknown) =>
      Effect.succeed(Status.failed(rpcFailure(code, error, detail.message), { state: "failed" }))
    if (dialect === "extension") {
      const error = hasProperty(body, "error") ? body.error : undefined
      return explained(wireCode(error), error)
    }
    // `tasks/result` answers as the request would have: with its result, or with its error.
    return Effect.matchEffect(ask("tasks/result", { taskId }), {
      onSuccess: (result): Checked =>
        Effect.succeed(Status.failed(toolFailure(result, detail.message), { state: "failed" })),
      onFailure: (error): Checked => {
        const code = rpcCodeOf(error)
        return code === undefined ? Effect.fail(error) : explained(code, error)
      }
    })
  }

  const asking = (taskId: string, task: Task): Checked => {
    const requests = dialect === "extension" ? inputRequests(task, taskId) : [someRequest(task, taskId)]
    if (requests === undefined) return Effect.fail(malformed("tasks/get", "Expected inputRequests in the task"))
    const reported = Status.pending({ state: task.status, detail: { ...task.detail, input: requests } })
    return Effect.flatMap(input.respond(taskId, requests), (ready): Checked => {
      if (dialect !== "extension" || ready.length === 0) return Effect.succeed(reported)
      const inputResponses = Object.fromEntries(ready.map(({ key, value }) => [key, value]))
      return Effect.map(ask("tasks/update", { taskId, inputResponses }), () => {
        for (const each of ready) each.sent()
        return reported
      })
    })
  }

  const judged = (taskId: string, task: Task): Checked => {
    if (task.status !== "input_required") input.idle(taskId)
    switch (task.status) {
      case "working":
        return Effect.succeed(Status.pending({ state: task.status, detail: task.detail }))
      case "input_required":
        return asking(taskId, task)
      case "completed":
        return completed(taskId, task)
      case "failed":
        return failed(taskId, task)
      case "cancelled":
        return Effect.succeed(Status.canceled({ state: task.status }))
      default:
        return Effect.succeed(CheckResult.unknownState(task.status))
    }
  }

  const found = (taskId: string, json: unknown): Checked => {
    const task = taskIn(dialect, json)
    if (task === undefined) return Effect.fail(malformed("tasks/get", "Expected a task with a status"))
    const { hint } = task
    const check = judged(taskId, task)
    return hint === undefined ? check : Effect.map(check, (each) => CheckResult.withHint(each, hint))
  }

  const check = (taskId: string): Checked => {
    const check = Effect.matchEffect(ask("tasks/get", { taskId }), {
      onSuccess: (json) => found(taskId, json),
      onFailure: (error): Checked => missingOr(error)
    })
    return Effect.tap(check, (each) => {
      const finding = CheckResult.unannotated(each)
      const goesOn = finding._tag === "Pending" || finding._tag === "UnknownState"
      return goesOn ? Effect.void : Effect.sync(() => input.close(taskId))
    })
  }

  const submitted = Effect.fnUntraced(function* (method: string, params: Readonly<Record<string, unknown>>) {
    const answer = yield* ask(method, params)
    const type = hasProperty(answer, "resultType") ? answer.resultType : undefined
    const created = createdIn(answer)
    if (created !== undefined) {
      const task = taskIn(dialect, created)
      if (task?.taskId === undefined) return yield* malformed(method, "Expected a task with an id and a status")
      return { key: task.taskId, hint: task.hint }
    }
    if (dialect === "extension" && type !== undefined && type !== "complete") {
      return yield* malformed(method, "Expected a resultType that is complete or task")
    }
    if (options.toolErrors !== "succeed" && isToolError(answer)) {
      return yield* new FailedAtOnce({ failure: toolFailure(answer, undefined) })
    }
    return yield* new AnsweredAtOnce({ value: yield* decoded(method, answer) })
  })

  const createdIn = (answer: unknown): unknown => {
    if (dialect === "2025-11-25") return hasProperty(answer, "task") ? answer.task : undefined
    return hasProperty(answer, "resultType") && answer.resultType === "task" ? answer : undefined
  }

  return Job.make(options.name ?? "mcp-task", {
    check,
    submit: (request: TaskRequest) => {
      const ttl = checkTtl("McpTasks.job: submit", request)
      const { method = "tools/call", params } = request
      return submitted(method, dialect === "extension" ? params : { ...params, task: ttl === undefined ? {} : { ttl } })
    },
    cancel: (taskId: string) =>
      Effect.catchIf(
        Effect.asVoid(ask("tasks/cancel", { taskId })),
        (error) => rpcCodeOf(error) === invalidParams,
        () => Effect.void
      ),
    strategy: options.strategy,
    checkErrors: options.checkErrors ?? { kindOf }
  })
}

/** The time to live that a request asks for, in whole milliseconds. */
export const checkTtl = (name: string, { ttl }: TaskRequest): number | undefined => {
  return ttl === undefined ? undefined : Math.ceil(validate.millis(`${name}: ttl`, ttl))
}

// ---- internal ----

const malformed = (method: string, issue: string) => new InvalidAnswer({ method, kind: "malformed", issue })

const incomplete = new InvalidAnswer({
  method: "tasks/get",
  kind: "incomplete",
  issue: "Expected a result in the completed task"
})

const missingOr = <E>(error: E): Effect.Effect<CheckResult.Missing, E> =>
  rpcCodeOf(error) === invalidParams ? Effect.succeed(CheckResult.missing) : Effect.fail(error)

const kindOf = (error: unknown): CheckError.Kind => {
  if (hasProperty(error, CheckError.kind)) return CheckError.kindOf(error)
  const code = rpcCodeOf(error)
  return code === undefined || isTransientCode(code) ? CheckError.transient() : CheckError.permanent()
}
