import * as Fault from "@effect-poll/testing/Fault"
import * as JobScript from "@effect-poll/testing/JobScript"
import type { Submission } from "@effect-poll/testing/Submission"
import { hasProperty } from "effect/Predicate"

/** What the server does with a job that the page submits: the page names a script in the body of its submit. */
export const scriptOf = ({ body }: Submission): JobScript.JobScript => {
  const name = hasProperty(body, "script") && typeof body.script === "string" ? body.script : ""
  return scripts.get(name) ?? JobScript.succeeded("10 seconds")
}

// ---- internal ----

const scripts: ReadonlyMap<string, JobScript.JobScript> = new Map([
  ["quick", JobScript.succeeded("4 seconds", { result: { file: "thumbnails.zip" } })],
  ["slow", JobScript.succeeded("70 seconds", { result: { file: "annual-report.pdf" } })],
  ["patient", JobScript.succeeded("32 seconds", { retryAfter: "6 seconds", result: { file: "wedding-film.mp4" } })],
  ["failing", JobScript.failed("11 seconds", { failure: { code: "E214", message: "row 214 has no address" } })],
  [
    "flaky",
    JobScript.succeeded("26 seconds", {
      result: { file: "backup.tar" },
      faults: [Fault.badGateway(2), Fault.drop(3), Fault.html(4)]
    })
  ],
  [
    "busy",
    JobScript.succeeded("24 seconds", {
      result: { file: "price-list.csv" },
      faults: [Fault.tooManyRequests(3, "9 seconds")]
    })
  ],
  ["stuck", JobScript.endless({ progress: "frozen" })],
  // The record of the task is gone before it ends: only the batch knows the end.
  [
    "forgotten",
    JobScript.succeeded("28 seconds", { recordTtl: "9 seconds", recordTtlFrom: "submission", result: ["catalog"] })
  ],
  ["endless", JobScript.endless()],
  ["picture", JobScript.succeeded("14 seconds", { result: ["https://files.example.com/harbor.png"] })],

  ["package-done", JobScript.succeeded("24 seconds")],
  [
    "package-failed",
    JobScript.failed("12 seconds", { failure: { code: "E3", message: "the seating plan is missing" } })
  ],
  ["package-expired", JobScript.expired("14 seconds")],

  ["race", JobScript.succeeded("20 seconds", { result: { file: "invitation.pdf" } })],
  [
    "race-lost",
    JobScript.succeeded("20 seconds", {
      result: { file: "invitation.pdf" },
      // A stream that breaks is opened again, with the events from there on.
      events: [{ loseAfter: 2 }, { loseAfter: 0 }, { loseAfter: 0 }]
    })
  ]
])
