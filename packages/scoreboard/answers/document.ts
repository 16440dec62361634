// Writes the board as a page of the documentation.
import { type Board, summary } from "./board.ts"
import { cases } from "./cases/all.ts"
import { type Row, rows } from "./ids.ts"
import { peers } from "./peer.ts"

const cell = (text: string): string =>
  text.replaceAll("\\", "\\\\").replaceAll("|", "\\|").replaceAll("<", "&lt;").replaceAll("`", "'")

const sign = (verdict: string | null | undefined): string =>
  verdict === undefined ? "·" : verdict === null ? "✓" : "✗"

/** The page `docs/answers.md`. */
export const page = (board: Board): string => {
  const { cases: count, fuzz, right } = summary(board)
  const tables = (Object.keys(rows) as ReadonlyArray<Row>).map((row) => {
    const lines = cases
      .filter(({ id }) => id.startsWith(`${row}.`))
      .map(({ id, name }) =>
        [id, cell(name), sign(board.verdicts[id]), ...peers.map((peer) => sign(board.peers[peer]?.[id]))].join(" | ")
      )
    const head = `| id | the server | ours | ${peers.map(cell).join(" | ")} |\n| --- | --- | --- | ${peers.map(() => "---").join(" | ")} |`
    return `### ${row}: ${rows[row]}\n\n${head}\n${lines.map((line) => `| ${line} |`).join("\n")}`
  })
  const complaints = Object.entries(board.verdicts).flatMap(([id, verdict]) =>
    verdict === null ? [] : [[id, verdict] as const]
  )
  const ours =
    complaints.length === 0
      ? "Every case is right."
      : `| id | observed |\n| --- | --- |\n${complaints.map(([id, text]) => `| ${id} | ${cell(text).slice(0, 300)} |`).join("\n")}`
  const theirs = Object.entries(board.peers).flatMap(([peer, verdicts]) =>
    Object.entries(verdicts).flatMap(([id, verdict]) =>
      verdict === null ? [] : [`| ${peer} | ${id} | ${cell(verdict)} |`]
    )
  )
  const faults = Object.entries(fuzz).map(([name, found]) => `| ${name} | ${found} |`)
  const kinds = Object.entries(board.fuzz.readings).map(([kind, found]) => `| ${kind} | ${found} |`)
  return `# Answers: what is made of what servers send

<!-- Written by \`pnpm scoreboard answers --write\`. -->

${right} of ${count} cases are right. Each is a server that answers in a way that real servers do, the few lines that a user writes for it, and the ending that is
right: how the wait ends, after which requests, when, and what errors, log lines, spans and tokens show. The kinds come from public reports; each kind
has cases of other servers too.

\`\`\`sh
pnpm scoreboard answers                # what is wrong, if anything
pnpm scoreboard answers --only A11     # one kind
pnpm scoreboard answers --seed 7       # other random answers
\`\`\`

## How it is judged

- ✓ right. ✗ wrong. · not tried: the poller does not have the feature, or leaves it to the caller.
- Most cases run under a virtual clock, so that verdicts rest on counts and virtual times. Broken connections, bodies without end and the question of
  which header arrives where use sockets on the loopback interface, over \`fetch\`, undici and \`node:http\`. Types are checked by TypeScript 5.9, 6 and 7.
- The pollers of other clients run against the same answers in the words of their own API, set up as in [Conformance](conformance.md).

## The cases

${tables.join("\n\n")}

## What was observed

${ours}

### Other pollers

| poller | id | observed |
| --- | --- | --- |
${theirs.join("\n")}

## Random answers

${fuzz.answers} random answers (statuses, headers, bodies, media types, sizes, encodings, broken connections, redirects) are read by a wait and by a reference reading of
at most 200 lines, which is written from the documented table and shares no code with the packages. Seed ${board.fuzz.seed}.

| fault | answers |
| --- | --- |
${faults.slice(1).join("\n")}

- falseSuccess: a success that the answer does not tell. falseEnd: any other end that it does not tell.
- missed: an end, or a state, that the answer tells and the wait did not.
- early: a next check before the requested delay was over.
- leaked: a credential, or a secret of a body, at a foreign origin or in an error, log line, span, event or token.
- unbounded: a defect, or more memory or time than the bounds allow.

| the reference reads | answers |
| --- | --- |
${kinds.join("\n")}
`
}
