// The rows that this board must hold: each kind of answer that real servers gave and that ended a wait wrongly.

/** Every row with its situation. A row without a case fails the board. */
export const rows = {
  A1: "202 with an empty body while the job runs",
  A2: "204 until the job is ready",
  A3: "202 with JSON that lacks the state word",
  A4: "303 See Other names the result",
  A5: "an operation answers 409 while it waits for another one",
  A6: "the status code is the state, and the 2xx body is the result",
  A7: "a 4xx after 202 is the end of the job, with the server's words",
  A8: "an error code whose body is the end of the job",
  A9: "problem details in a refusal",
  A10: "reason and partial result of canceled and expired jobs",
  A11: "throttling in all its forms",
  A12: "a refusal that does not last",
  A13: "text that is almost JSON, and integers beyond 2^53",
  A14: "results that are not JSON",
  A15: "a state that is a boolean, null, a number or absent",
  A16: "the record lies in an array, or two fields decide",
  A17: "state and error in an inner object, the result outside of it",
  A18: "the result itself tells that the job failed",
  A19: "the state word is written before the result",
  A20: "caches on the way",
  A21: "requested delays on lists and on submits",
  A22: "broken connections are named",
  B1: "nothing unrecognized is a success",
  B2: "an operation is checked by another method, body or cursor",
  B3: "other places where an operation's URL stands",
  B4: "a proxy in front of the host that Location names",
  B5: "the URL of an operation moves",
  B6: "device logins with dialects of their own",
  B7: "MCP sessions that are lost",
  B8: "an idempotent first request is sent again",
  B9: "messages and logs of an operation",
  C1: "credentials stay with their origin",
  C2: "https is kept",
  C3: "a redirect to a presigned URL",
  E1: "types of waits inside Effect.all",
  E2: "what is no check does not compile",
  E3: "messages of mistakes name the thing",
  E6: "documentation in the hover",
  S1: "a hostile server asks for credentials",
  S2: "bodies without end",
  S3: "JSON that is nested deeply",
  S4: "passwords in odd URLs",
  S5: "state words that forge log lines, and payloads in logs",
  S6: "keys of operations carry secrets",
  S7: "rate-limit headers that take quadratic time",
  S8: "absurd numbers and amounts",
  S9: "a waiter definition that takes all memory"
} as const

/** The id of a row. */
export type Row = keyof typeof rows

/** How many cases each row has at least: the one of the report, and three of other servers. */
export const atLeast = 4

/** The rows with fewer cases than they must have. */
export const lacking = (ids: ReadonlyArray<string>): ReadonlyArray<string> =>
  Object.keys(rows).filter((row) => ids.filter((id) => id.startsWith(`${row}.`)).length < atLeast)
