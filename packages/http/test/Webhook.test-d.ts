import type { Deliveries } from "@effect-poll/http/Deliveries"
import * as Push from "@effect-poll/http/Push"
import * as Webhook from "@effect-poll/http/Webhook"
import type { Digest } from "effect/crypto/Digest"
import type { Mac } from "effect/crypto/Mac"
import type { Signature } from "effect/crypto/Signature"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Job from "effect-poll/Job"
import * as KeyCodec from "effect-poll/KeyCodec"
import * as Status from "effect-poll/Status"
import { describe, expectTypeOf, it } from "vitest"

const Body = Schema.Struct({ id: Schema.String, n: Schema.Finite })
const Named = Job.make("named", { check: (_: string) => Effect.succeed(Status.succeeded(1)) })
const Numbered = Job.make("numbered", {
  key: KeyCodec.fromSchema(Schema.FiniteFromString),
  check: (_: number) => Effect.succeed(Status.succeeded(1))
})
const byId = Push.from(Body, ({ id, n }) => ({ key: id, result: Status.succeeded(n) }))
const byText = Push.from(Body, ({ id }) => ({ key: id, result: Status.succeeded(id) }))

describe("Webhook.route", () => {
  it("needs the services of its scheme, its schema and its handler", () => {
    const github = Webhook.route("/a", { verify: Webhook.github("k"), push: byId, jobs: [Named] })
    expectTypeOf(github).toEqualTypeOf<Webhook.Route<Mac | Deliveries | Digest>>()
    const open = Webhook.route("/b", { verify: Webhook.unsigned(), push: byId, jobs: [Named] })
    expectTypeOf(open).toEqualTypeOf<Webhook.Route<Deliveries | Digest>>()
    const both = Webhook.route("/c", { verify: Webhook.standard("AAAA"), push: byId, jobs: [Named] })
    expectTypeOf<Webhook.Services<[typeof github, typeof both]>>().toEqualTypeOf<
      Mac | Signature | Deliveries | Digest
    >()
  })

  it("rejects a push whose key or result is not that of its jobs", () => {
    const verify = Webhook.github("k")
    // @ts-expect-error - the key is a number
    Webhook.route("/a", { verify, push: byId, jobs: [Numbered] })
    // @ts-expect-error - the result is a text
    Webhook.route("/a", { verify, push: byText, jobs: [Named] })
    // @ts-expect-error - what nobody signed is not trusted
    Webhook.route("/a", { verify: Webhook.unsigned(), push: byId, jobs: [Named], trust: "verified" })
  })
})
