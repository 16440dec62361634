/**
 * @since 0.1.0
 */

/** What a server knows of a wait, as JSON: made by `Seed.fromAdvanced` on the server, taken by the option `seed`. */
export interface Seed {
  readonly version: 1
}
