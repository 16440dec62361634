export * as HttpCheck from "./HttpCheck.ts"
export * as HttpCheckError from "./HttpCheckError.ts"
