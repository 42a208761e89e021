/** The part of partyserver's types that is used here, so that type checks do not need the package. */
declare module "partyserver" {
  import { DurableObject } from "cloudflare:workers";

  export type WSMessage = ArrayBuffer | ArrayBufferView | string;

  export interface Connection {
    readonly id: string;
    send(message: string): void;
  }

  export class Server<Env> extends DurableObject<Env> {
    static options: { hibernate: boolean };
    onStart(): void;
    onConnect(connection: Connection): void;
    onMessage(connection: Connection, message: WSMessage): void;
    broadcast(message: string): void;
    getConnection(id: string): Connection | undefined;
  }

  export function getServerByName<T extends Server<unknown>>(
    namespace: DurableObjectNamespace<T>,
    name: string,
  ): Promise<DurableObjectStub<T>>;
}
