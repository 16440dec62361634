// States: the server's own words for how the job is.
import { type Case, day, hour, judge, minute, requests, second, show } from "../case.ts"

const theme = "States"

export const words: ReadonlyArray<Case> = [
  ...["paused", "expired"].map((word): Case => ({
    name: `the unknown state "${word}" does not cause a hot loop`,
    theme,
    source: "openai-node `polling.ts`; openai-python#3097",
    needs: ["words"],
    run: async (lab) => {
      const server = lab.server((n) => ({ word: n === 1 ? "running" : word }))
      await lab.wait({ server, interval: second, deadline: minute }, minute)
      return judge(
        server.count >= 2 && server.perSecond <= 20,
        `${requests(server)}, up to ${server.perSecond} in a second`
      )
    }
  })),
  ...["Expired", "Deleted", "TimedOut", "Rejected"].map((word): Case => ({
    name: `a job in state "${word}" is not waited for forever`,
    theme,
    source: "apimatic-cli#305; fossa-cli#253; ArcReel#651; core-lro `transformStatus`",
    needs: ["words"],
    run: async (lab) => {
      const server = lab.server((n) => ({ word: n === 1 ? "running" : word }))
      const run = await lab.wait({ server, interval: minute, deadline: hour }, 2 * day)
      const tag = run.ended?.tag
      return judge(
        tag !== undefined && tag !== "succeeded" && tag !== "pending",
        run.ended === undefined ? `no end in 2 days, ${requests(server)}` : show(run)
      )
    }
  })),
  {
    name: "an unknown state is reported as one, not as a failed job",
    theme,
    source: "purchases-ios#6641; apimatic-cli#305",
    needs: ["words"],
    run: async (lab) => {
      const server = lab.server((n) => ({ word: n === 1 ? "running" : "archived" }))
      const run = await lab.wait({ server, interval: minute, deadline: hour }, 2 * day)
      return judge(run.ended?.tag === "unknown", run.ended === undefined ? "no end in 2 days" : show(run))
    }
  },
  ...["NotSucceeded", "PartiallySucceeded", "unsucceeded"].map((word): Case => ({
    name: `"${word}" is not taken for a success`,
    theme,
    source: "core-lro `transformStatus` matches part of the word",
    needs: ["words"],
    run: async (lab) => {
      const server = lab.server(() => ({ word }))
      const run = await lab.wait({ server, interval: second, deadline: minute }, hour)
      return judge(server.count >= 1 && run.ended?.tag !== "succeeded", run.ended === undefined ? "no end" : show(run))
    }
  }))
]
