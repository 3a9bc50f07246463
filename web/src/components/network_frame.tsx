import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { model } from "../model";
import { networkError, watchNetwork } from "../network";
import { useTexts } from "../settings";

// What every page about the network begins with: whether there is one, and whether it answers.
export function NetworkFrame({ title, children }: { title: string; children: ComponentChildren }) {
  const t = useTexts();
  const known = model.use();
  const error = networkError.use();
  const there = known?.starling.network === true;
  useEffect(() => (there ? watchNetwork() : undefined), [there]);
  if (!known) return null;
  if (!there) {
    return (
      <section class="card">
        <h1>{title}</h1>
        <p>{t.network.local}</p>
        <pre>starling devnet{"\n"}starling serve --network URL</pre>
      </section>
    );
  }
  return (
    <>
      {error !== null && (
        <p class="verdict bad" role="alert">
          {t.network.away} {error}
        </p>
      )}
      {children}
    </>
  );
}
