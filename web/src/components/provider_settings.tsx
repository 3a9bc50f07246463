import { useState } from "preact/hooks";
import { credits, motesOf } from "../amounts";
import { type Provider, overview } from "../network";
import { useTexts } from "../settings";

// What a provider registered, and how its node is started with other settings: it registers anew then.
export function ProviderSettings({ provider }: { provider: Provider }) {
  const t = useTexts();
  const median = overview.use()?.market.median_rate;
  const [rate, setRate] = useState(credits(provider.rate));
  const [slots, setSlots] = useState(String(provider.slots));
  const [memory, setMemory] = useState(provider.memory_mebibytes);
  const asked = motesOf(rate);
  const fine = asked !== null && /^([1-9]|[1-5]\d|6[0-4])$/.test(slots) && /^[1-9]\d{0,7}$/.test(memory);
  return (
    <>
      <dl class="facts tall">
        <div>
          <dt>{t.provider.backends}</dt>
          <dd>{provider.backends.join(", ")}</dd>
        </div>
        <div>
          <dt>{t.provider.endpoint}</dt>
          <dd>
            <code>{provider.endpoint}</code>
          </dd>
        </div>
      </dl>
      <div class="row">
        <label class="field">
          <span>{t.provider.rate}</span>
          <input inputMode="decimal" value={rate} onInput={(event) => setRate(event.currentTarget.value)} />
        </label>
        <label class="field">
          <span>{t.provider.slots}</span>
          <input inputMode="numeric" value={slots} onInput={(event) => setSlots(event.currentTarget.value)} />
        </label>
        <label class="field">
          <span>{t.provider.memory} (MiB)</span>
          <input inputMode="numeric" value={memory} onInput={(event) => setMemory(event.currentTarget.value)} />
        </label>
      </div>
      <p class="quietly">
        {t.network.rateUnit}
        {asked !== null && median && median !== "0" && ` · ${t.provider.ofMedian(Number((BigInt(asked) * 100n) / BigInt(median)))}`}
      </p>
      {fine ? <pre class="command">{`starling node --role provider --rate ${credits(asked)} --slots ${slots} --memory ${memory} …`}</pre> : <p role="alert">{t.provider.noSettings}</p>}
    </>
  );
}
