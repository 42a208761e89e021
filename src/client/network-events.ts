/**
 * Network events of the browser. Without a page there are none.
 */

interface Listening {
  addEventListener(type: string, listener: () => void): void;
  removeEventListener(type: string, listener: () => void): void;
}

type Page = Partial<Listening> & {
  readonly document?: Listening & { readonly visibilityState: string };
};

export interface NetworkListener {
  /** A connection may be tried at once: the network came back, or the page became visible. */
  readonly onAwake: () => void;
  /** The network was lost. */
  readonly onLost: () => void;
}

/** @returns a function that removes the listeners */
export function onNetwork({ onAwake: awake, onLost: lost }: NetworkListener): () => void {
  const page = globalThis as Page;
  const { document } = page;
  if (document === undefined) return () => {};
  const seen = (): void => {
    if (document.visibilityState === "visible") awake();
  };
  page.addEventListener?.("online", awake);
  page.addEventListener?.("offline", lost);
  document.addEventListener("visibilitychange", seen);
  return () => {
    page.removeEventListener?.("online", awake);
    page.removeEventListener?.("offline", lost);
    document.removeEventListener("visibilitychange", seen);
  };
}
