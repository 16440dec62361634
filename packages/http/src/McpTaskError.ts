/**
 * The errors of tasks of the Model Context Protocol, and of the requests for them.
 *
 * **Details**
 *
 * | error | what happened | kind |
 * |---|---|---|
 * | `JsonRpcError` | the server answered with a JSON-RPC error | permanent with HTTP 4xx, otherwise by its code |
 * | `InvalidAnswer` | an answer violates the dialect, or exceeds a limit | permanent |
 * | `InputRequired` | the task asks for input, and there is no handler | permanent |
 * | `InputFailed` | the handler of a request for input failed | permanent |
 *
 * `Failure` is the failure of `JobFailed`: what the server reports about a failed task. Texts of the server are cut at
 * 1,000 characters.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import * as CheckError from "effect-poll/CheckError"
import { isTransientStatus } from "./HttpCheckError.ts"
import { isTransientCode } from "./internal/mcp/jsonRpcCode.ts"
import { escape } from "./internal/text.ts"

/**
 * How a task failed. `message` is the `statusMessage` of the task.
 *
 * **Details**
 *
 * - `RequestError`: the request ended with a JSON-RPC error.
 * - `ToolError`: the tool reports in its result that it failed (`isError`).
 * - `Unexplained`: the task has the status `failed`, and no more is known.
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
 * A request of a task for input.
 *
 * **Details**
 *
 * The extension sends the request itself. In 2025-11-25 a task only reports that it needs input; `key`, `method` and
 * `params` are undefined, and the requests arrive on the stream that `tasks/result` opens.
 *
 * @category models
 * @since 0.1.0
 */
export interface InputRequest {
  readonly taskId: string
  /** The `statusMessage` of the task; undefined if there is none. */
  readonly message: string | undefined
  readonly key: string | undefined
  /** The method of the request, such as `elicitation/create`. */
  readonly method: string | undefined
  readonly params: unknown
}

/**
 * The server answered with a JSON-RPC error.
 *
 * **Details**
 *
 * With an HTTP status of 400..499, except 408, 425 and 429, the error is permanent. Otherwise the code decides: -32603
 * and the codes from -32000 to -32099 that MCP does not define are transient, all others are permanent.
 *
 * @category errors
 * @since 0.1.0
 */
export class JsonRpcError
  extends /*#__PURE__*/ Data.TaggedError("JsonRpcError")<{
    /** The JSON-RPC method of the request. */
    readonly method: string
    /** The `code` of the answer. */
    readonly code: number
    /** The `message` of the answer, at most 1,000 characters; empty if there is none. */
    readonly description: string
    /** The `data` of the answer, unchanged. */
    readonly data: unknown
    /** The HTTP status of the answer; undefined if the client does not report it. */
    readonly status?: number | undefined
  }>
  implements CheckError.WithKind
{
  get [CheckError.kind](): CheckError.Kind {
    const { code, status } = this
    const refused = status !== undefined && status >= 400 && status <= 499 && !isTransientStatus(status)
    return !refused && isTransientCode(code) ? CheckError.transient() : CheckError.permanent()
  }
  override get message(): string {
    return `${this.method}: ${this.description === "" ? "an error" : escape(this.description)} (code ${this.code})`
  }
}

/**
 * An answer violates the dialect, or exceeds a limit of this client. Permanent.
 *
 * **Details**
 *
 * - `malformed`: the answer is no task, or its result does not match the Schema.
 * - `excessive`: the task has more than 16 requests for input open at once, or has made more than 1,024 in all.
 *
 * @category errors
 * @since 0.1.0
 */
export class InvalidAnswer
  extends /*#__PURE__*/ Data.TaggedError("InvalidAnswer")<{
    /** The JSON-RPC method of the request. */
    readonly method: string
    /** What is wrong with the answer. */
    readonly kind: "malformed" | "excessive"
    /** What was expected, without the values of the answer; at most 1,000 characters. */
    readonly issue: string
  }>
  implements CheckError.WithKind
{
  get [CheckError.kind](): CheckError.Kind {
    return CheckError.permanent()
  }
  override get message(): string {
    return `${this.method}: ${escape(this.issue)}`
  }
}

/**
 * A task asks for input, and there is no handler. The error is permanent, but the task keeps running: answer its
 * requests and wait for it again.
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
    const asked = this.requests.flatMap(({ key, method }) =>
      key === undefined ? [] : [`${key.slice(0, 80)} (${method?.slice(0, 80) ?? "?"})`]
    )
    return `the task asks for input${asked.length === 0 ? "" : `: ${escape(asked.join(", "))}`}`
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
