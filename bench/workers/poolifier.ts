/**
 * The worker of poolifier.
 */
import { ThreadWorker } from "poolifier"

export default new ThreadWorker<{ readonly n: number }, number>((data) => data!.n + 1)
