import { ResumeTokenError } from "../PollError.ts"

/** The version of tokens that this package writes and reads. */
export const tokenVersion = 1

/** The error for a token of another version. */
export const unknownVersion = (version: unknown): ResumeTokenError | undefined =>
  version === tokenVersion
    ? undefined
    : new ResumeTokenError({
        reason: "version",
        detail: `version ${String(version)} is not supported`
      })
