// Writes the verdicts as a page of the documentation. Tables stay narrow enough for a window of 1,280 pixels: a poller
// is a letter there, and long texts are lists.
import { releases, tally } from "./board.ts"
import { cases } from "./cases/all.ts"
import type { Judged } from "./judge.ts"

const signs = { pass: "✓", fail: "✗", "not applicable": "·" } as const

const table = (rows: ReadonlyArray<ReadonlyArray<string>>): string => {
  const [head = [], ...body] = rows
  return [head, head.map(() => "---"), ...body].map((row) => `| ${row.join(" | ")} |`).join("\n")
}

const cell = (text: string): string => text.replaceAll("|", "\\|").replaceAll("<", "&lt;")

/** The verdicts on the cases of a theme, for the pollers that at least one of them applies to. */
const verdictsOf = (theme: string, judged: ReadonlyArray<Judged>, letters: ReadonlyArray<string>): string => {
  const names = cases.filter((one) => one.theme === theme).map(({ name }) => name)
  const columns = judged
    .map(({ name, outcomes }, index) => ({
      letter: letters[index]!,
      legend: `**${letters[index]!}** ${name}`,
      verdicts: names.map((one) => outcomes[one]!.verdict)
    }))
    .filter((column) => column.verdicts.some((verdict) => verdict !== "not applicable"))
  const rows = names.map((name, row) => [cell(name)].concat(columns.map((column) => signs[column.verdicts[row]!])))
  const others = columns.length < judged.length ? " None of these cases applies to the other pollers." : ""
  return `${columns.map(({ legend }) => legend).join(" · ")}.${others}\n\n${table([["", ...columns.map(({ letter }) => letter)], ...rows])}`
}

/** The page `docs/conformance.md`. */
export const page = (judged: ReadonlyArray<Judged>): string => {
  const themes = [...new Set(cases.map(({ theme }) => theme))]
  const letters = judged.map((_, index) => String.fromCodePoint("A".codePointAt(0)! + index))
  const pollers = table([
    ["", "poller", "releases", "✓", "✗", "·"],
    ...judged.map((one, index) => {
      const { fail, notApplicable, pass } = tally(one)
      return [letters[index]!, one.name, releases(one), String(pass), String(fail), String(notApplicable)]
    })
  ])
  const setUp = judged.map(({ how, name }, index) => `- **${letters[index]!}** ${name}: ${how}.`).join("\n")
  const verdicts = themes.map((theme) => `### ${theme}\n\n${verdictsOf(theme, judged, letters)}`)
  const seen = judged.flatMap((one) => {
    const failed = Object.entries(one.outcomes).filter(([, { verdict }]) => verdict === "fail")
    if (failed.length === 0) return []
    const rows = failed.map(([name, outcome]) => [cell(name), cell(outcome.seen)])
    return [`### ${one.name}\n\n${table([["case that does not hold", "observed"], ...rows])}`]
  })
  const sources = table([["case", "source"], ...cases.map(({ name, source }) => [cell(name), cell(source)])])
  return `# Conformance: how pollers behave in the cases that matter

<!-- Written by \`pnpm scoreboard conformance --write\`. -->

${cases.length} cases. Each is a behavior that users of a poller count on, and each comes from an issue, a specification or a measurement. Every poller
runs against the same scripted server under the same virtual clock, so verdicts rest on counts and virtual times and do not depend on the machine.

\`\`\`sh
pnpm scoreboard conformance            # the verdicts, and what was observed
pnpm scoreboard conformance --runs 3   # fails if runs come to different verdicts
\`\`\`

## How it is judged

- ✓ the case holds. ✗ it does not. · not applicable: the poller does not have the feature, or leaves it to the caller. A ✗ may be a design choice
  rather than a bug; it tells what the caller has to take care of.
- Each poller is set up as its documentation recommends; the list below says how. The caller's part (the request, the meaning of an answer, which errors are
  worth another check) is written as well as the interface allows, and is not judged.
- Timers, dates and \`AbortSignal.timeout\` behave as in Node, overflows included. Time advances only when nothing else is left to run.
- After 300 requests within a second the server stops answering; "more than 300 requests" means a hot loop.
- Effects are interrupted rather than given a signal, so cases about the signal itself apply to \`Poll.promise\` only. \`Effect.runPromise\` with a
  signal that has already aborted runs an Effect up to its first asynchronous step.

## The pollers

The newest release of each on the day of the last update, with the date of the release.

${pollers}

### How each is set up

${setUp}

## The verdicts

${verdicts.join("\n\n")}

## What was observed

${seen.join("\n\n")}

## Where the cases come from

${sources}
`
}
