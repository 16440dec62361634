/**
 * What can go wrong with a task of the Model Context Protocol, and with the requests for it.
 *
 * **Details**
 *
 * | error | what happened | kind |
 * |---|---|---|
 * | `JsonRpcError` | the server answered with a JSON-RPC error | permanent with HTTP 4xx, otherwise by its code |
 * | `InvalidAnswer` | an answer is not what the dialect prescribes, or asks for too much | permanent |
 * | `InputRequired` | the task asks for input, and no handler answers | permanent |
 * | `InputFailed` | the handler of a request for input failed | permanent |
 *
 * `Failure` is what the server says of a task that failed: the failure of `JobFailed`. Texts of the server are cut at
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
 * **Details**
 *
 * With an HTTP status of 400..499 it is permanent: the server refused the request itself. Otherwise the code decides:
 * -32603 and the codes from -32000 to -32099 that MCP has no meaning for are transient, all others permanent.
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
    /** The `data` of the answer, as it came. */
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
 * An answer is not what the dialect prescribes, or asks for more than this client gives. Permanent.
 *
 * **Details**
 *
 * - `malformed`: the answer is no task, or its result does not fit the Schema.
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
    /** What was expected, never what was there; at most 1,000 characters. */
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
 * A task asks for input, and no handler answers. Permanent; the task itself keeps running, and can be waited for again
 * once it has been answered.
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
