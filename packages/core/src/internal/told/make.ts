import type * as Duration from "effect/Duration"
import { hasProperty } from "effect/Predicate"
import type { Broke, Strange } from "../machine/event.ts"
import { onTold } from "../machine/told.ts"
import { type Told, TypeId } from "./model.ts"

// What is told brings the rules of the machine for it, so that a program without any does not load them.
const Proto = { [TypeId]: onTold }

/** Makes something that a wait can be told. */
export const make = <T extends { readonly _tag: string }>(told: T): T & { readonly [TypeId]: unknown } =>
  Object.assign(Object.create(Proto), told)

export const isTold = (u: unknown): u is Told<unknown, unknown> => hasProperty(u, TypeId)

export const broke = (error: unknown, retryIn: Duration.Duration): Broke => make({ _tag: "Broke", error, retryIn })

export const strange = (found: unknown): Strange => make({ _tag: "Strange", found })
