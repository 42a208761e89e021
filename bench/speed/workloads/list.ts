/** All workloads, in the order in which they are run. */
import type { Workload } from "../rig/workload.ts";
import { addressed } from "./addressed.ts";
import { paced } from "./paced.ts";
import { roomWide } from "./room-wide.ts";
import { single } from "./single.ts";

export const WORKLOADS: readonly Workload[] = [addressed, paced, single, ...roomWide];
