// A check in this browser, as the page follows it.
import { apiKey } from "../api";
import type { Order, Said } from "./check_worker";

export type { Said } from "./check_worker";

// What the check says, until its last word: it holds, something does not match, or nothing can be said. Aborting ends
// it at once, whatever it computes.
export async function* browserCheck(order: Omit<Order, "key">, signal: AbortSignal): AsyncGenerator<Said> {
  const worker = new Worker(new URL("./check_worker.ts", import.meta.url), { type: "module" });
  const heard: Said[] = [];
  let wake = () => {};
  const hear = (said: Said) => {
    heard.push(said);
    wake();
  };
  worker.onmessage = ({ data }: MessageEvent<Said>) => hear(data);
  worker.onerror = (event) => hear({ kind: "error", message: event.message || "the worker could not be started" });
  signal.addEventListener("abort", () => wake());
  try {
    worker.postMessage({ ...order, key: apiKey.value } satisfies Order);
    while (!signal.aborted) {
      const said = heard.shift();
      if (!said) {
        await new Promise<void>((resolve) => (wake = resolve));
        continue;
      }
      yield said;
      if (said.kind === "holds" || said.kind === "mismatch" || said.kind === "error") return;
    }
  } finally {
    worker.terminate();
  }
}
