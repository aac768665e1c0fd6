/** Members of etcd that die or stand still, and a disk without room. None of it explains a failed request. */
import { silenceMs } from "./control-faults.ts";
import type { Fault } from "./fault.ts";
import type { Means } from "./means.ts";

function etcdFault(name: string, lastsMs: number, signal: "SIGKILL" | "SIGSTOP", count: number): Fault {
  return {
    name: `etcd: ${name}`,
    lastsMs,
    async begin({ mesh: { etcd }, random }, healing) {
      const first = Math.floor(random() * etcd.members.length);
      const members = [...etcd.members, ...etcd.members].slice(first, first + count);
      healing.defer(async () => {
        // Members that were killed need each other to be healthy.
        if (signal === "SIGKILL") await Promise.all(members.map((member) => member.restart()));
        else for (const member of members) member.kill("SIGCONT");
      });
      for (const member of members) member.kill(signal);
      return { hit: `${count} of 3, from member ${first} on` };
    },
  };
}

/** Of one control plane: it may refuse writes, and loses none that it took. */
function fullDisk({ smallDiskRefusal }: Means): Fault | string {
  if (smallDiskRefusal !== undefined) return `the full disk: ${smallDiskRefusal}`;
  return {
    name: "control plane: the disk of its data directory is full",
    lastsMs: 6_000,
    async begin({ mesh: { disk } }, healing) {
      if (disk === undefined) throw new Error("no control plane has a small disk");
      healing.defer(() => disk.free());
      disk.fill();
      return { hit: "control plane 0" };
    },
  };
}

export const storeFaults = (means: Means): readonly (Fault | string)[] => [
  etcdFault("one member killed", 4_000, "SIGKILL", 1),
  etcdFault("one member stopped for 40 s", silenceMs, "SIGSTOP", 1),
  etcdFault("the majority stopped for 40 s, and regained", silenceMs, "SIGSTOP", 2),
  etcdFault("the majority killed, and regained", 5_000, "SIGKILL", 2),
  fullDisk(means),
];
