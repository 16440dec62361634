/** The output of `--help`. */
export const usage = `Watches many remote jobs at once and reports how each of them ends.

  pnpm demo [--jobs N] [--speed N] [--strategy NAME] [--json]
      Starts a job server on loopback, submits jobs of five providers, waits for them all, and compares the results
      with what the server recorded. Some waits ask, some are told by a signal or a webhook, some both. Takes about 600 / speed seconds.
        --jobs N            the number of jobs, 1 to 1000; default 300
        --speed N           how many times faster than real time the jobs run, 1 to 60; default 30
        --strategy NAME     published, or learned: waits for the jobs twice at the same time, with the published
                            strategies and with ones that learn from the endings, then for other jobs of the same
                            kinds, and reports the requests and the lag of both. Takes twice as long; default published

  pnpm demo --url URL --field NAME --succeeded STATE --failed STATE [options] ID...
      Checks jobs on a server of your own with GET URL/ID until each of them ends.
        --field NAME        the field of the response that contains the state; use dots for nested fields: data.state
        --succeeded STATE   a state of a job that succeeded; separate several by commas, or repeat the option
        --failed STATE      a state of a job that failed; several as above
        --pending STATE     a state of a job that is still running; several as above; default: all other states
        --interval TIME     the time between two checks, such as 500ms, 5s or 2m; default: 1s, 3s, 5s and so on
        --deadline TIME     how long to wait for each job; default 10m

  Both:
    --json     print the report as one JSON object on the last line of stdout, and everything else to stderr
    --help     print this help

Exit codes: 0 success, 1 a mismatch or a job that did not succeed, 2 invalid arguments, 130 interrupted by Ctrl-C.
`
