/** What takes part in a workload: a server that can be started, and peers that speak to it. */
import type { Usage } from "../../support/usage.ts";

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
  /** From where to be replayed; 0 is the beginning. Where nothing is stored, it is not heeded. */
  readonly since?: number;
  /** Never acknowledges. */
  readonly silent?: boolean;
  onEntry?(heard: Heard): void;
}

/** One peer. A message that comes back to its sender is confirmed. */
export interface Speaker {
  readonly name: string;
  /** Joined, and told all that it missed. */
  readonly ready: Promise<void>;
  /** Entries that came. */
  readonly received: number;
  /** To some, or to everyone. */
  send(text: string, to?: readonly string[]): void;
  /** Ends the link without a goodbye. */
  cut(): void;
  /** Takes nothing from the link any more. */
  stopReading(): void;
}

export interface Contender {
  readonly name: string;
  /** What it is, in a few words. */
  readonly about: string;
  readonly stores: boolean;
  /** @param folder where it keeps its storage */
  start(folder: string): Promise<Server>;
  speak(options: SpeakerOptions): Speaker;
}
