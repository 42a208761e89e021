/**
 * An HTTP proxy on loopback, like those in front of servers: it may rewrite request headers, including `Host`, and may
 * fail to pass upgrades on.
 */
import { createServer, type IncomingHttpHeaders, type IncomingMessage, request } from "node:http";
import type { AddressInfo, Socket } from "node:net";

export interface ProxyOptions {
  /** Headers that replace or extend those of the request. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly passesUpgrades?: boolean;
}

export class HttpProxy {
  readonly #server = createServer();
  readonly #sockets = new Set<Socket>();

  private constructor(target: URL, { headers = {}, passesUpgrades = true }: ProxyOptions) {
    const asked = (incoming: IncomingMessage, drop: readonly string[] = []) => {
      const sent: IncomingHttpHeaders = { ...incoming.headers, ...headers };
      for (const name of drop) delete sent[name];
      const { hostname, port } = target;
      const { method = "GET", url = "/" } = incoming;
      return request({ hostname, port, method, path: url, headers: sent, agent: false });
    };
    this.#server.on("request", (incoming, response) => {
      const outgoing = asked(incoming, ["connection", "upgrade"]);
      outgoing.on("response", (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      });
      outgoing.on("error", () => response.writeHead(502).end());
      incoming.pipe(outgoing);
    });
    if (!passesUpgrades) return;
    this.#server.on("upgrade", (incoming, client: Socket) => {
      client.on("error", () => {});
      const outgoing = asked(incoming);
      outgoing.on("error", () => client.destroy());
      const heads = ({ statusCode, statusMessage, rawHeaders }: IncomingMessage): string => {
        const lines = [`HTTP/1.1 ${statusCode} ${statusMessage}`];
        for (let i = 0; i < rawHeaders.length; i += 2) {
          lines.push(`${rawHeaders[i]}: ${rawHeaders[i + 1]}`);
        }
        return `${lines.join("\r\n")}\r\n\r\n`;
      };
      outgoing.on("response", (answer) => {
        client.write(heads(answer));
        answer.pipe(client);
      });
      outgoing.on("upgrade", (answer, server, head) => {
        this.#sockets.add(server);
        server.on("error", () => client.destroy());
        server.on("close", () => client.destroy());
        client.on("close", () => server.destroy());
        client.write(heads(answer));
        client.write(head);
        server.pipe(client);
        client.pipe(server);
      });
      outgoing.end();
    });
  }

  static async to(url: string, options: ProxyOptions = {}): Promise<HttpProxy> {
    const proxy = new HttpProxy(new URL(url), options);
    await new Promise<void>((resolve) => proxy.#server.listen(0, "127.0.0.1", resolve));
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  end(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
