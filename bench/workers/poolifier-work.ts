/**
 * The worker of poolifier that computes.
 */
import { ThreadWorker } from "poolifier"
import { compute } from "./work.ts"

export default new ThreadWorker<number, number>((rounds) => compute(rounds!))
