/** What `--help` prints. */
export const usage = `Watches many remote jobs at once, and says how each of them ended.

  pnpm demo [--jobs N] [--speed N] [--json]
      Starts a job server of its own on loopback, submits jobs of all providers, and compares what was learned
      with what the server knows. It takes about 600 / speed seconds.
        --jobs N       how many jobs, 1 to 1000; default 300
        --speed N      how many seconds of the jobs pass in one of ours, 1 to 60; default 30

  pnpm demo --url URL --field NAME --succeeded WORD --failed WORD [options] ID...
      Watches jobs of a server of yours with GET URL/ID, each until it ends.
        --field NAME       the field of the answer that holds the word; dots lead inwards: data.state
        --succeeded WORD   a word of a job that ended well; several by commas, or by using the option again
        --failed WORD      a word of a job that ended badly, likewise
        --pending WORD     a word of a job that goes on, likewise; default: every other word
        --interval TIME    how long between two checks, as 500ms, 5s or 2m; default: after 1 s, 3 s, 5 s and so on
        --deadline TIME    when to give up waiting; default 10m

  Both:
    --json     prints the report as one JSON object, as the last line of the output; all else goes to stderr
    --help     prints this

Exit codes: 0 all is well, 1 a mismatch or a job that did not succeed, 2 bad input, 130 Ctrl-C.
`
