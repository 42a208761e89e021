/** What a browser's page is to the client library: somebody who says that the network is back. */

const page = new EventTarget();
const online = new EventTarget();

Object.assign(globalThis, {
  document: Object.assign(page, { visibilityState: "visible" }),
  addEventListener: (type: string, listener: () => void) => online.addEventListener(type, listener),
  removeEventListener: (type: string, listener: () => void) =>
    online.removeEventListener(type, listener),
});

/** The network is back, for every client of this process: whoever waits to try again tries now. */
export function comesBack(): void {
  online.dispatchEvent(new Event("online"));
}
