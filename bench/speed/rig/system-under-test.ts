/** What takes part in a workload: a server that can be started, and peers that speak to it. */
import type { Usage } from "../../support/process-stats.ts";

export interface Server {
  /** `ws://127.0.0.1:PORT` */
  readonly url: string;
  usage(): Usage;
  stop(): Promise<void>;
}

export interface Heard {
  readonly from: string;
  readonly text: string;
}

export interface SpeakerOptions {
  readonly server: Server;
  readonly room: string;
  readonly name: string;
  /** Never acknowledges. */
  readonly silent?: boolean;
  onEntry?(heard: Heard): void;
}

/** One peer. A message that comes back to its sender is confirmed. */
export interface Speaker {
  readonly name: string;
  /** Joined. Where that is told after what it missed, it has been told that too. */
  readonly ready: Promise<void>;
  /** Entries that came. */
  readonly received: number;
  /** To some, or to everyone. */
  send(text: string, to?: readonly string[]): void;
  /** Ends the link without a goodbye. */
  cut(): void;
  /** Connects again, after a cut, as a client of its kind does; `ready` is then a new one. */
  returns(): void;
  /** Takes nothing from the link any more. */
  stopReading(): void;
}

/**
 * What happens to the messages: kept nowhere; written, but given to nobody later; kept in the server's memory for who
 * returns in time; or stored and replayed.
 */
export type Memory = "none" | "written" | "recovered" | "replayed";

export interface Contender {
  readonly name: string;
  /** What it is, in a few words. */
  readonly about: string;
  readonly memory: Memory;
  /** @param folder where it keeps its storage */
  start(folder: string): Promise<Server>;
  speak(options: SpeakerOptions): Speaker;
}
