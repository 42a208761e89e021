/** The bindings of the test pool, from wrangler.toml. */
declare namespace Cloudflare {
  interface Env {
    readonly CHAT_ROOM: DurableObjectNamespace<
      import("../../src/durable-object/chat-room.ts").ChatRoom
    >;
    readonly UPGRADES: RateLimit;
  }
  interface GlobalProps {
    mainModule: typeof import("../../src/worker.ts");
  }
}

/** A file's text. */
declare module "*?raw" {
  const text: string;
  export default text;
}

/** Vite's: files as text, by path. */
interface ImportMeta {
  glob<T>(
    pattern: string,
    options: { readonly eager: true; readonly query: string; readonly import: string },
  ): Record<string, T>;
}
