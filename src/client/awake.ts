/**
 * Tells when a link may be tried again at once: the network came back, or the page is looked at again. Where there is
 * no page, nothing is ever told.
 */

interface Listening {
  addEventListener(type: string, listener: () => void): void;
  removeEventListener(type: string, listener: () => void): void;
}

type Page = Partial<Listening> & {
  readonly document?: Listening & { readonly visibilityState: string };
};

/** @returns what stops listening */
export function onAwake(listener: () => void): () => void {
  const page = globalThis as Page;
  const { document } = page;
  if (document === undefined) return () => {};
  const seen = (): void => {
    if (document.visibilityState === "visible") listener();
  };
  page.addEventListener?.("online", listener);
  document.addEventListener("visibilitychange", seen);
  return () => {
    page.removeEventListener?.("online", listener);
    document.removeEventListener("visibilitychange", seen);
  };
}
