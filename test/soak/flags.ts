/** The arguments of a soak. */
import { parseArgs } from "node:util"

/** Reads the arguments of the soak that `npm run <script>` runs. Wrong arguments end the program. */
export const read = (script: string) => {
  const { values: flags } = parseArgs({
    options: {
      minutes: { type: "string", default: "1" },
      seed: { type: "string" },
      placement: { type: "string", default: "threads" }
    }
  })
  const minutes = Number(flags.minutes)
  const seed = flags.seed === undefined ? Date.now() % 1_000_000 : Number(flags.seed)
  const { placement } = flags
  if (!(minutes > 0) || !Number.isSafeInteger(seed) || !["threads", "processes", "memory"].includes(placement)) {
    console.error(`usage: npm run ${script} -- --minutes n [--seed s] [--placement threads|processes|memory]`)
    process.exit(2)
  }
  return { minutes, seed, placement }
}
