/** A system under test: a server that can be started, and peers that talk to it. */
import type { ProcessStats } from "../../support/process-stats.ts";

export interface Server {
  /** `ws://127.0.0.1:PORT` */
  readonly url: string;
  stats(): ProcessStats;
  stop(): Promise<void>;
}

export interface ReceivedEntry {
  readonly from: string;
  readonly text: string;
  /** Its place, where the system gives it one. */
  readonly seq?: number;
}

export interface SpeakerOptions {
  readonly server: Server;
  readonly room: string;
  readonly name: string;
  /** The peer never acknowledges. */
  readonly silent?: boolean;
  onEntry?(entry: ReceivedEntry): void;
  /** Called with each change of an earlier message. */
  onPatch?(patch: Pick<ReceivedEntry, "from">): void;
}

/** A peer. A message is confirmed when it comes back to its sender. */
export interface Speaker {
  readonly name: string;
  /** Resolves when the peer has joined; if its system replays, after the replay. */
  readonly ready: Promise<void>;
  /** Number of entries received. */
  readonly received: number;
  /** Sends to the named peers, or to everyone. */
  send(text: string, to?: readonly string[]): void;
  /** Changes an own earlier message, where the system can. */
  edit?(seq: number, text: string): void;
  /** Ends the connection without a goodbye. */
  cut(): void;
  /** Reconnects after a cut, as a client of its kind does; `ready` is then a new promise. */
  returns(): void;
  /** Stops reading from the connection. */
  stopReading(): void;
}

/**
 * How the system keeps messages: not at all; written but never replayed; in the server's memory for peers that return in
 * time; or stored and replayed.
 */
export type Memory = "none" | "written" | "recovered" | "replayed";

export interface SystemUnderTest {
  readonly name: string;
  /** A description in a few words. */
  readonly about: string;
  readonly memory: Memory;
  /** @param folder the folder of its storage */
  start(folder: string): Promise<Server>;
  speak(options: SpeakerOptions): Speaker;
}
