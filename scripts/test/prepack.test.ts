import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { agentsOf } from "../prepack.ts"

const repository = "https://example.com/repo"

describe("prepack", () => {
  it("agentsOf - keeps what is for users and makes links absolute", () => {
    const agents =
      "# Title\n\n## Using effect-poll\n\nSee [a](docs/a.md), [b](https://b.com/x), [c](#using-effect-poll).\n\n## Working on effect-poll\n\nRules.\n"
    assert.strictEqual(
      agentsOf(agents, repository),
      `# Title\n\n## Using effect-poll\n\nSee [a](${repository}/blob/main/docs/a.md), [b](https://b.com/x), [c](#using-effect-poll).\n`
    )
  })

  it("agentsOf - throws when the section for contributors is gone", () => {
    assert.throws(() => agentsOf("# Title\n", repository), /Working on effect-poll/)
  })

  it("agentsOf - leaves no command of this repository in ours", () => {
    const agents = agentsOf(readFileSync(join(import.meta.dirname, "../../AGENTS.md"), "utf8"), repository)
    assert.include(agents, "effect-poll/Poll")
    assert.notInclude(agents, "pnpm")
    assert.notMatch(agents, /\]\((?!https?:|#)/)
  })
})
