/**
 * A lab for polling strategies: duration models, the best possible schedule, simulation, audit and plots.
 *
 * @since 0.1.0
 */
export * as Audit from "./Audit.ts"
export * as Comparison from "./Comparison.ts"
export * as Grid from "./Grid.ts"
export * as Lab from "./Lab.ts"
export * as Model from "./Model.ts"
export * as Published from "./Published.ts"
export * as Simulation from "./Simulation.ts"
