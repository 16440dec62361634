import { isHttpClientError } from "effect/http/HttpClientError"
import { AuthorizationError } from "../../Authorization.ts"
import { HttpCheckError } from "../../HttpCheckError.ts"

/** Whether an error says that there was no token: nothing about the server that the request was for. */
export const isAuthorizationFailure = (error: unknown): boolean =>
  error instanceof HttpCheckError
    ? error.reason._tag === "Authorization"
    : isHttpClientError(error) && "cause" in error.reason && error.reason.cause instanceof AuthorizationError
