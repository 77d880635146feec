/** The arguments of a soak. */
import { parseArgs } from "node:util"

/** Reads the arguments of the soak that `npm run <script>` runs, on one of `placements`. Wrong arguments end the program. */
export const read = (script: string, placements: ReadonlyArray<string> = ["threads", "processes", "memory"]) => {
  const { values: flags } = parseArgs({
    options: {
      minutes: { type: "string", default: "1" },
      seed: { type: "string" },
      placement: { type: "string", default: placements[0]! }
    }
  })
  const minutes = Number(flags.minutes)
  const seed = flags.seed === undefined ? Date.now() % 1_000_000 : Number(flags.seed)
  const { placement } = flags
  if (!(minutes > 0) || !Number.isSafeInteger(seed) || !placements.includes(placement)) {
    const choice = placements.length > 1 ? ` [--placement ${placements.join("|")}]` : ""
    console.error(`usage: npm run ${script} -- --minutes n [--seed s]${choice}`)
    process.exit(2)
  }
  return { minutes, seed, placement }
}
