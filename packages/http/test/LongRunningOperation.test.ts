import { assert, describe, it } from "@effect/vitest"
import { key, type LongRunningOperation } from "@effect-poll/http/LongRunningOperation"

const operation: LongRunningOperation = {
  protocol: "azure",
  method: "PUT",
  url: "https://user:PASSWORD@h/vms/%C3%A4?sig=SECRET#top",
  phase: { _tag: "Polling", url: "https://h/operations/1?sig=SECRET" },
  notes: { mode: "monitor", location: "https://h/vms/1" }
}

describe("LongRunningOperation", () => {
  it("key - encodes and decodes every phase", () => {
    const phases: ReadonlyArray<LongRunningOperation["phase"]> = [
      operation.phase,
      { _tag: "Fetching", urls: ["https://h/a", "https://h/b"], state: "Succeeded" },
      { _tag: "Fetching", urls: ["https://h/a"], unconfirmed: true },
      { _tag: "Fetching", urls: [] }
    ]
    for (const phase of phases) {
      assert.deepStrictEqual(key.decode(key.encode({ ...operation, phase })), { ...operation, phase })
    }
    const read = { ...operation, cursor: "page 2" }
    assert.deepStrictEqual(key.decode(key.encode(read)), read)
  })

  it("key - its encoded form begins with method and URL, and holds no secret that can be read", () => {
    const encoded = key.encode(operation)
    assert.match(encoded, /^PUT https:\/\/h\/vms\/%C3%A4 [\w-]+$/)
    assert.notMatch(encoded, /SECRET|PASSWORD|user/)
  })

  it("show - has method, URL and a digest, which tells operations apart", () => {
    const shown = key.show!(operation)
    assert.match(shown, /^PUT https:\/\/h\/vms\/%C3%A4 #[0-9a-f]{8}$/)
    const other = key.show!({ ...operation, phase: { _tag: "Polling", url: "https://h/operations/2?sig=SECRET" } })
    assert.notStrictEqual(other, shown)
    assert.strictEqual(key.show!(key.decode(key.encode(operation))), shown)
  })

  it("key - throws where there is no operation", () => {
    for (const encoded of ["", "tsk_1", "PUT https://h/ e30", "PUT https://h/ %"]) {
      assert.throws(() => key.decode(encoded))
    }
  })
})
