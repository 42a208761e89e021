/** The part of Socket.IO's types that is used here, so that type checks do not need the package. */
declare module "socket.io" {
  import { type Server as HttpServer } from "node:http";

  interface Emitter {
    emit(event: string, value: unknown): boolean;
  }

  interface Socket {
    readonly handshake: { readonly auth: Readonly<Record<string, unknown>> };
    join(room: string): Promise<void> | void;
    on(event: "send", does: (send: never) => void): void;
  }

  export class Server implements Emitter {
    constructor(
      server: HttpServer,
      options: {
        transports: string[];
        perMessageDeflate: boolean;
        connectionStateRecovery: { maxDisconnectionDuration: number; skipMiddlewares: boolean };
      },
    );
    on(event: "connection", does: (socket: Socket) => void): void;
    to(rooms: readonly string[]): Emitter;
    emit(event: string, value: unknown): boolean;
  }
}

declare module "socket.io-client" {
  export interface Socket {
    readonly io: { reconnection(does: boolean): void; readonly engine: { close(): void } };
    /** Whether the server resent the missed messages. */
    readonly recovered: boolean;
    connect(): void;
    disconnect(): void;
    emit(event: string, value: unknown): void;
    on(event: "message", does: (entry: never) => void): void;
    once(event: "connect", does: () => void): void;
    once(event: "connect_error", does: (error: Error) => void): void;
  }

  export function io(
    url: string,
    options: {
      transports: string[];
      auth: Readonly<Record<string, unknown>>;
      forceNew: boolean;
      reconnection: boolean;
    },
  ): Socket;
}
