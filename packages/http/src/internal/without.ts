import type { RequestOptions } from "../RequestOptions.ts"

/** The fields of an object, but not those with these names. */
export const without = <O extends object, N extends string>(options: O, names: Readonly<Record<N, true>>): Omit<O, N> =>
  Object.fromEntries(Object.entries(options).filter(([name]) => !Object.hasOwn(names, name))) as Omit<O, N>

/** The names of the options of requests, which a wait does not have. */
export const ofRequest: Readonly<Record<keyof RequestOptions, true>> = {
  allowedOrigins: true,
  maxBody: true,
  parse: true,
  secretHeaders: true,
  shownUrl: true
}
