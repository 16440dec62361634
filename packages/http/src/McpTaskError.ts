/**
 * What can go wrong with a task of the Model Context Protocol, and with the requests for it.
 *
 * **Details**
 *
 * | error | what happened | kind |
 * |---|---|---|
 * | `JsonRpcError` | the server answered with a JSON-RPC error | by its code |
 * | `InvalidAnswer` | an answer is not what the dialect prescribes | permanent; transient if its result is not there yet |
 * | `InputRequired` | the task asks for input, and nobody here answers | permanent |
 * | `InputFailed` | the handler of a request for input failed | permanent |
 * | `AnsweredAtOnce`, `FailedAtOnce` | the server made no task of a request | errors of a submit only |
 *
 * `Failure` is what the server says of a task that failed: the failure of `JobFailed`.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import * as CheckError from "effect-poll/CheckError"
import { isTransientCode } from "./internal/jsonRpcCode.ts"

/**
 * How a task failed. `message` is its `statusMessage`.
 *
 * **Details**
 *
 * - `RequestError`: the request ended with a JSON-RPC error.
 * - `ToolError`: the tool says that it failed, in its result (`isError`).
 * - `Unexplained`: the status says so, and nothing more.
 *
 * @category models
 * @since 0.1.0
 */
export type Failure =
  | {
      readonly _tag: "RequestError"
      readonly code: number
      readonly description: string
      readonly data: unknown
      readonly message: string | undefined
      readonly toString: () => string
    }
  | {
      readonly _tag: "ToolError"
      readonly result: unknown
      readonly message: string | undefined
      readonly toString: () => string
    }
  | { readonly _tag: "Unexplained"; readonly message: string | undefined; readonly toString: () => string }

/**
 * Something that a task wants to know.
 *
 * **Details**
 *
 * The extension says what it asks for. In 2025-11-25 a task only says that it asks for something, and `key`, `method`
 * and `params` are undefined: the requests come over the stream that `tasks/result` opens.
 *
 * @category models
 * @since 0.1.0
 */
export interface InputRequest {
  readonly taskId: string
  /** What the task says of its state. */
  readonly message: string | undefined
  readonly key: string | undefined
  /** `elicitation/create` and the like. */
  readonly method: string | undefined
  readonly params: unknown
}

/**
 * The server answered with a JSON-RPC error.
 *
 * @category errors
 * @since 0.1.0
 */
export class JsonRpcError
  extends /*#__PURE__*/ Data.TaggedError("JsonRpcError")<{
    readonly method: string
    readonly code: number
    /** The `message` of the answer. */
    readonly description: string
    readonly data: unknown
  }>
  implements CheckError.WithKind
{
  get [CheckError.kind](): CheckError.Kind {
    return isTransientCode(this.code) ? CheckError.transient() : CheckError.permanent()
  }
  override get message(): string {
    return `${this.method}: ${this.description === "" ? "an error" : this.description} (code ${this.code})`
  }
}

/**
 * An answer is not what the dialect prescribes. A malformed one is permanent; one that lacks its result is transient,
 * as a server may write status and result one after the other.
 *
 * @category errors
 * @since 0.1.0
 */
export class InvalidAnswer
  extends /*#__PURE__*/ Data.TaggedError("InvalidAnswer")<{
    readonly method: string
    readonly kind: "malformed" | "incomplete"
    /** What was expected, never what was there. */
    readonly issue: string
  }>
  implements CheckError.WithKind
{
  get [CheckError.kind](): CheckError.Kind {
    return this.kind === "incomplete" ? CheckError.transient() : CheckError.permanent()
  }
  override get message(): string {
    return `${this.method}: ${this.issue}`
  }
}

/**
 * A task asks for input, and nobody here answers. Permanent; the task itself goes on, and can be waited for again once
 * it was answered.
 *
 * @category errors
 * @since 0.1.0
 */
export class InputRequired
  extends /*#__PURE__*/ Data.TaggedError("InputRequired")<{
    readonly taskId: string
    readonly requests: ReadonlyArray<InputRequest>
  }>
  implements CheckError.WithKind
{
  get [CheckError.kind](): CheckError.Kind {
    return CheckError.permanent()
  }
  override get message(): string {
    const asked = this.requests.flatMap(({ key, method }) => (key === undefined ? [] : [`${key} (${method ?? "?"})`]))
    return `the task asks for input${asked.length === 0 ? "" : `: ${asked.join(", ")}`}`
  }
}

/**
 * The handler of a request for input failed. Permanent.
 *
 * @category errors
 * @since 0.1.0
 */
export class InputFailed<E>
  extends /*#__PURE__*/ Data.TaggedError("InputFailed")<{
    readonly request: InputRequest
    readonly error: unknown
  }>
  implements CheckError.WithKind
{
  declare readonly error: E
  constructor(args: { readonly request: InputRequest; readonly error: E }) {
    super(args)
  }
  get [CheckError.kind](): CheckError.Kind {
    return CheckError.permanent()
  }
  override get message(): string {
    return `the input that the task asks for could not be given: ${this.error instanceof Error ? this.error.message : String(this.error)}`
  }
}

/**
 * The server made no task of the request, but answered it. Not a failure: what a submit says that has no job to watch.
 * `run` makes it a result.
 *
 * @category errors
 * @since 0.1.0
 */
export class AnsweredAtOnce<A>
  extends /*#__PURE__*/ Data.TaggedError("AnsweredAtOnce")<{
    readonly value: unknown
  }>
{
  declare readonly value: A
  constructor(args: { readonly value: A }) {
    super(args)
  }
  override get message(): string {
    return "the server answered the request without a task"
  }
}

/**
 * The server made no task of the request, but answered that its tool failed.
 *
 * @category errors
 * @since 0.1.0
 */
export class FailedAtOnce
  extends /*#__PURE__*/ Data.TaggedError("FailedAtOnce")<{
    readonly failure: Failure
  }>
{
  override get message(): string {
    return `the tool failed at once: ${String(this.failure)}`
  }
}
