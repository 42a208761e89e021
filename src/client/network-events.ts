/**
 * Tells what the browser knows of the network. Where there is no page, nothing is ever told.
 */

interface Listening {
  addEventListener(type: string, listener: () => void): void;
  removeEventListener(type: string, listener: () => void): void;
}

type Page = Partial<Listening> & {
  readonly document?: Listening & { readonly visibilityState: string };
};

export interface NetworkListener {
  /** A link may be tried again at once: the network came back, or the page is looked at again. */
  readonly awake: () => void;
  /** The network is gone. */
  readonly lost: () => void;
}

/** @returns what stops listening */
export function onNetwork({ awake, lost }: NetworkListener): () => void {
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
