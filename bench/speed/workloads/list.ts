/** All workloads, in the order in which they are run. */
import type { Workload } from "../rig/workload.ts";
import { addressed } from "./addressed.ts";
import { idle } from "./idle.ts";
import { paced } from "./paced.ts";
import { patches } from "./patches.ts";
import { replay } from "./replay.ts";
import { roomWide } from "./room-wide.ts";
import { single } from "./single.ts";
import { slowReaders } from "./slow-readers.ts";
import { storm } from "./storm.ts";

export const WORKLOADS: readonly Workload[] = [
  addressed,
  patches,
  ...paced,
  single,
  ...roomWide,
  ...replay,
  storm,
  idle,
  slowReaders,
];
