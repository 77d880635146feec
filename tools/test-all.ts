// `npm run test:all`: all tests, including sampled tests, then random walks of handles, and short soaks on every placement and of
// a cluster. Prints one line for each walk and soak, and the output of the first failure.
import { spawnSync } from "node:child_process"

const placements = ["memory", "threads", "processes"]

const walks = ["memory", "threads", "threads --workers 2", "processes"].map((where) =>
  `test/walks/main.ts --steps 10000 --placement ${where}`
)
const soaks = ["main", "pools", "groups"].flatMap((soak) =>
  placements.map((where) => `--expose-gc test/soak/${soak}.ts --minutes 0.3 --placement ${where}`)
)
const cycles = ["--cycles 250000 --placement threads", "--cycles 25000 --placement processes"].map((args) =>
  `--expose-gc test/soak/handles.ts ${args}`
)

const clusters = ["--expose-gc test/soak/cluster.ts --minutes 0.5"]

const run = (command: string): void => {
  const start = performance.now()
  const { status, stderr, stdout } = spawnSync(process.execPath, command.split(" "), {
    encoding: "utf8",
    maxBuffer: 2 ** 28
  })
  if (status !== 0) process.stderr.write(stdout + stderr)
  console.log(`${status === 0 ? "✓" : "×"} ${command}: ${((performance.now() - start) / 1_000).toFixed(1)} s`)
  if (status !== 0) process.exit(1)
}

const { status } = spawnSync(process.execPath, ["node_modules/vitest/vitest.mjs", "run"], {
  stdio: "inherit",
  env: { ...process.env, TESTS: "all" }
})
if (status !== 0) process.exit(1)
for (const command of [...walks, ...soaks, ...cycles, ...clusters]) run(command)
