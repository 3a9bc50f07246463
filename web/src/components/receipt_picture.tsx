import type { Call, Receipt, Video } from "../api";
import { compact, credits } from "../amounts";
import { useTexts } from "../settings";
import { AddressPicture } from "./address";

export type Passed = ReadonlySet<number>;

const KINDS: Call["kind"][] = ["text", "encode", "given", "noise", "contexts", "step", "split", "tile", "decode"];

function Lane({ calls, passed }: { calls: Call[]; passed: Passed }) {
  const t = useTexts();
  const total = calls.reduce((sum, call) => sum + call.multiply_adds, 0) || 1;
  const groups = KINDS.map((kind) => ({ kind, calls: calls.filter((call) => call.kind === kind) })).filter((group) => group.calls.length > 0);
  return (
    <>
      <ol class="lane">
        {groups.map(({ kind, calls: own }) => (
          <li key={kind} class={`kind k-${kind}`} style={{ flexGrow: Math.sqrt(own.length) }}>
            <span class="label">
              {t.receipt.kinds[kind]}
              {own.length > 1 && <b> × {own.length}</b>}
            </span>
            <span class="cells">
              {own.map((call) => (
                <i key={call.call} class={passed.has(call.call) ? "cell passed" : "cell"} title={call.name} data-call={call.call} />
              ))}
            </span>
          </li>
        ))}
      </ol>
      <figure class="shares">
        <figcaption>{t.receipt.sharesLabel}</figcaption>
        <div class="bar" aria-hidden="true">
          {groups.map(({ kind, calls: own }) => (
            <i key={kind} class={`k-${kind}`} style={{ flexGrow: own.reduce((sum, call) => sum + call.multiply_adds, 0) / total }} />
          ))}
        </div>
        <ul>
          {groups.map(({ kind, calls: own }) => {
            const share = own.reduce((sum, call) => sum + call.multiply_adds, 0) / total;
            return share < 0.001 ? null : (
              <li key={kind}>
                <i class={`dot k-${kind}`} aria-hidden="true" /> {t.receipt.kinds[kind]} {(share * 100).toFixed(share < 0.1 ? 1 : 0)} %
              </li>
            );
          })}
        </ul>
      </figure>
    </>
  );
}

interface Props {
  video: Video;
  receipt: Receipt | null;
  calls: Call[] | null;
  passed: Passed;
}

// A receipt to look at: who ran which calls, what they cost, and the hashes that it binds.
export function ReceiptPicture({ video, receipt, calls, passed }: Props) {
  const t = useTexts();
  const { provider, price, work, task } = video.starling;
  const roots: [string, string | null | undefined][] = [
    [t.receipt.receiptHash, video.starling.receipt],
    [t.receipt.modelRoot, receipt?.model_root],
    [t.receipt.programRoot, receipt?.program_root],
    [t.receipt.traceRoot, receipt?.trace_root],
    [t.receipt.outputRoot, receipt?.output_root],
  ];
  return (
    <section class="card receipt" aria-labelledby="made">
      <h2 id="made">{t.receipt.heading}</h2>
      <p class="hint">{t.receipt.lead}</p>
      {provider && (
        <div class="who">
          <AddressPicture address={provider} />
          <div>
            <span class="quietly">{t.receipt.provider}</span>
            <code>{provider}</code>
            <span class="quietly">{task ? t.receipt.network(task) : t.receipt.here}</span>
          </div>
          <dl class="facts">
            <div>
              <dt>{t.receipt.price}</dt>
              <dd>{price && price !== "0" ? t.receipt.credits(credits(price)) : t.receipt.free}</dd>
            </div>
            {work && (
              <div>
                <dt>{t.receipt.work}</dt>
                <dd>{t.receipt.multiplyAdds(compact(work.f32_multiply_adds + work.i8_multiply_adds))}</dd>
              </div>
            )}
          </dl>
        </div>
      )}
      {calls ? <Lane calls={calls} passed={passed} /> : <p class="hint">{t.receipt.old}</p>}
      <details>
        <summary>{t.receipt.roots}</summary>
        <dl class="roots">
          {roots.map(([label, root]) => root && (
            <div key={label}>
              <dt>{label}</dt>
              <dd>
                <code>{root}</code>
              </dd>
            </div>
          ))}
        </dl>
      </details>
    </section>
  );
}
