import { assert, describe, it } from "@effect/vitest"
import { fromBody } from "@effect-poll/http/LongRunningFailure"
import { type End, key, type LongRunningOperation } from "@effect-poll/http/LongRunningOperation"

const operation: LongRunningOperation = {
  protocol: "azure",
  method: "PUT",
  url: "https://user:PASSWORD@h/vms/ä?sig=SECRET#top",
  phase: { _tag: "Polling", url: "https://h/operations/1?sig=SECRET" },
  notes: { mode: "monitor", location: "https://h/vms/1" }
}

describe("LongRunningOperation", () => {
  it("key - writes and reads every phase", () => {
    const ends: ReadonlyArray<End> = [
      { _tag: "Succeeded" },
      { _tag: "Succeeded", result: { rows: [1, null, "ü"] } },
      { _tag: "Succeeded", result: null },
      { _tag: "Failed", failure: fromBody({ error: { code: "C", details: [{ code: 1 }] } }) },
      { _tag: "Canceled" },
      { _tag: "Expired" }
    ]
    const phases: ReadonlyArray<LongRunningOperation["phase"]> = [
      operation.phase,
      { _tag: "Fetching", urls: ["https://h/a", "https://h/b"] },
      ...ends.map((end) => ({ _tag: "Ended", status: 200, end }) as const)
    ]
    for (const phase of phases) {
      assert.deepStrictEqual(key.decode(key.encode({ ...operation, phase })), { ...operation, phase })
    }
  })

  it("key - shows method and URL, but no secret", () => {
    const encoded = key.encode(operation)
    assert.match(encoded, /^PUT https:\/\/h\/vms\/%C3%A4 [\w-]+$/)
    assert.notMatch(encoded, /SECRET|PASSWORD|user/)
  })

  it("key - throws where there is no operation", () => {
    for (const encoded of ["", "tsk_1", "PUT https://h/ e30", "PUT https://h/ %"]) {
      assert.throws(() => key.decode(encoded))
    }
  })
})
