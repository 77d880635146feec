import { assert, it } from "@effect/vitest"
import * as Cores from "../../../src/node/host/cores.ts"

const reading = (files: Readonly<Record<string, string>>) => (file: string): string => {
  const text = files[file]
  if (text === undefined) throw new Error(`ENOENT: ${file}`)
  return text
}

it("P7: the cores of the machine count where no cgroup limits them", () => {
  assert.strictEqual(Cores.count(reading({}), 8), 8)
  assert.strictEqual(
    Cores.count(reading({ "/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/cpu.max": "max 100000\n" }), 8),
    8
  )
  assert.isAtLeast(Cores.count(), 1)
})

it("P7: the smallest quota of a cgroup of version 2 and of those that contain it limits the cores", () => {
  const files = {
    "/proc/self/cgroup": "0::/slice/app\n",
    "/sys/fs/cgroup/slice/cpu.max": "350000 100000\n",
    "/sys/fs/cgroup/slice/app/cpu.max": "max 100000\n"
  }
  assert.strictEqual(Cores.count(reading(files), 8), 3)
  assert.strictEqual(Cores.count(reading(files), 2), 2)
  assert.strictEqual(Cores.count(reading({ ...files, "/sys/fs/cgroup/slice/cpu.max": "50000 100000" }), 8), 1)
})

it("P7: the quota of a cgroup of version 1 limits the cores, also in a container that sees only the root of its cgroup", () => {
  for (const controllers of ["cpu", "cpu,cpuacct"]) {
    const files = {
      "/proc/self/cgroup": `9:memory:/docker/1\n3:${controllers}:/docker/1\n0::/\n`,
      [`/sys/fs/cgroup/${controllers}/cpu.cfs_quota_us`]: "200000\n",
      [`/sys/fs/cgroup/${controllers}/cpu.cfs_period_us`]: "100000\n"
    }
    assert.strictEqual(Cores.count(reading(files), 8), 2)
    assert.strictEqual(
      Cores.count(reading({ ...files, [`/sys/fs/cgroup/${controllers}/cpu.cfs_quota_us`]: "-1\n" }), 8),
      8
    )
  }
})
