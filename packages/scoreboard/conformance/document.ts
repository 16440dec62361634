// The verdicts as a page of the documentation.
import { tally, versions } from "./board.ts"
import { cases } from "./cases/all.ts"
import type { Judged } from "./judge.ts"

const signs = { pass: "✓", fail: "✗", "not applicable": "·" } as const

const table = (rows: ReadonlyArray<ReadonlyArray<string>>): string => {
  const [head = [], ...body] = rows
  return [head, head.map(() => "---"), ...body].map((row) => `| ${row.join(" | ")} |`).join("\n")
}

const cell = (text: string): string => text.replaceAll("|", "\\|").replaceAll("<", "&lt;")

/** The page `docs/conformance.md`. */
export const page = (judged: ReadonlyArray<Judged>): string => {
  const themes = [...new Set(cases.map(({ theme }) => theme))]
  const letters = judged.map((_, index) => String.fromCodePoint("A".codePointAt(0)! + index))
  const pollers = table([
    ["", "poller", "version", "✓", "✗", "·", "set up as"],
    ...judged.map((one, index) => {
      const { fail, notApplicable, pass } = tally(one)
      return [letters[index]!, one.name, versions(one), String(pass), String(fail), String(notApplicable), one.how]
    })
  ])
  const verdicts = themes.map((theme) => {
    const rows = cases
      .filter((one) => one.theme === theme)
      .map(({ name }) => [cell(name)].concat(judged.map(({ outcomes }) => signs[outcomes[name]!.verdict])))
    return `### ${theme}\n\n${table([["", ...letters], ...rows])}`
  })
  const seen = judged.flatMap((one) => {
    const failed = Object.entries(one.outcomes).filter(([, { verdict }]) => verdict === "fail")
    if (failed.length === 0) return []
    const rows = failed.map(([name, outcome]) => [cell(name), cell(outcome.seen)])
    return [`### ${one.name}\n\n${table([["what does not hold", "what was seen"], ...rows])}`]
  })
  const sources = table([
    ["case", "where it comes from"],
    ...cases.map(({ name, source }) => [cell(name), cell(source)])
  ])
  return `# Conformance: what pollers do when it matters

<!-- Written by \`pnpm scoreboard conformance --write\`. -->

${cases.length} cases, each a thing that a user of a poller counts on, and each taken from a thread, a specification or a measurement. Every poller
meets the same scripted server under the same virtual clock: verdicts are counts and virtual times, never tuned to a machine.

\`\`\`sh
pnpm scoreboard conformance            # the verdicts, and what was seen
pnpm scoreboard conformance --runs 3   # fails where runs come to different verdicts
\`\`\`

## How it is judged

- ✓ it holds, ✗ it does not, · the poller has nothing of the kind, or leaves it to its caller. A ✗ may be a choice and no mistake: it says what a user
  has to see to.
- A poller is set up at its best, as its documentation says; the table says how. What a caller of it writes (the request, the meaning of an answer, which
  errors are worth another check) is written as well as its interface allows, and is not judged.
- Timers, dates and \`AbortSignal.timeout\` behave as Node's do, overflows included. Time moves only when nothing else is left to do.
- A server that is asked 300 times within a second answers no more; "more than 300 requests" is a hot loop.
- An Effect is interrupted, not given a signal, so that the cases on the signal itself are judged on \`Poll.promise\` only. \`Effect.runPromise\` with a
  signal that has aborted before runs every Effect up to its first asynchronous step.

## The pollers

${pollers}

## The verdicts

${verdicts.join("\n\n")}

## What was seen

${seen.join("\n\n")}

## Where the cases come from

${sources}
`
}
