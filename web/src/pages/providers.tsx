import { useEffect, useState } from "preact/hooks";
import { compact, credits, percent } from "../amounts";
import { AddressPicture } from "../components/address";
import { History } from "../components/events";
import { NetworkFrame } from "../components/network_frame";
import { ProviderSettings } from "../components/provider_settings";
import { Load, ProviderTable, speedOf } from "../components/providers";
import { type Entry, type Part, type Provider, getEvents, getProvider, getProviderParts, overview } from "../network";
import { useTexts } from "../settings";

export function ProvidersPage() {
  const t = useTexts();
  const seen = overview.use();
  const earned = [...(seen?.providers ?? [])].sort((a, b) => Number(BigInt(b.earned) - BigInt(a.earned)));
  return (
    <NetworkFrame title={t.provider.heading}>
      {seen && (
        <>
          <section class="card">
            <h1>{t.provider.heading}</h1>
            <p class="hint">{t.provider.lead}</p>
            <ProviderTable providers={earned} />
          </section>
          <section class="card" aria-labelledby="become">
            <h2 id="become">{t.provider.become}</h2>
            <p>{t.provider.becomeText(credits(seen.market.parameters.minimum_stake))}</p>
            <pre>starling node --home ~/provider --role provider --ledger URL --listen ADDRESS:PORT --url http://ADDRESS:PORT --rate 1 --stake 10</pre>
          </section>
        </>
      )}
    </NetworkFrame>
  );
}

export function ProviderPage({ address }: { address: string }) {
  const t = useTexts();
  const head = overview.use()?.status.head;
  const [provider, setProvider] = useState<Provider | null>(null);
  const [parts, setParts] = useState<Part[]>([]);
  const [entries, setEntries] = useState<Entry[]>([]);
  const [error, setError] = useState<string | null>(null);
  useEffect(() => {
    void getProvider(address).then(setProvider, (caught: Error) => setError(caught.message));
    void getProviderParts(address).then(setParts, () => undefined);
    void getEvents(`&account=${encodeURIComponent(address)}`).then(setEntries, () => undefined);
  }, [address, head]);
  const speed = provider && speedOf(provider);
  const tried = provider ? Number(provider.done) + Number(provider.late) : 0;
  return (
    <NetworkFrame title={t.provider.one}>
      <p>
        <a href="#/providers">← {t.provider.heading}</a>
      </p>
      <section class="card">
        <h1>{t.provider.one}</h1>
        <div class="who">
          <AddressPicture address={address} />
          <div>
            <code>{address}</code>
            <a href={`#/account/${encodeURIComponent(address)}`}>{t.network.account}</a>
          </div>
        </div>
        {!provider && error && <p>{error}</p>}
        {provider && (
          <dl class="facts">
            <div>
              <dt>{t.provider.earned}</dt>
              <dd class="big">{credits(provider.earned)}</dd>
            </div>
            <div>
              <dt>{t.provider.load}</dt>
              <dd>
                <Load provider={provider} />
              </dd>
              <dd class="quietly">{t.provider.loadText(provider.held, provider.slots)}</dd>
            </div>
            <div>
              <dt>{t.provider.speed}</dt>
              <dd class="big">{speed === null ? "–" : compact(speed)}</dd>
              <dd class="quietly">{t.provider.speedUnit}</dd>
            </div>
            <div>
              <dt>{t.provider.record}</dt>
              <dd class="big">{tried === 0 ? "–" : percent(Number(provider.done) / tried)}</dd>
              <dd class="quietly">{t.provider.recordText(provider.done, provider.late, provider.wrong)}</dd>
            </div>
            <div>
              <dt>{t.network.pots.stake}</dt>
              <dd class="big">{credits(provider.stake)}</dd>
              <dd class="quietly">{t.provider.locked(credits(provider.locked))}</dd>
            </div>
          </dl>
        )}
      </section>
      {provider && (
        <div class="columns halves">
          <section class="card" aria-labelledby="settings">
            <h2 id="settings">{t.provider.settings}</h2>
            <p class="hint">{t.provider.settingsLead}</p>
            <ProviderSettings key={provider.address} provider={provider} />
          </section>
          <section class="card" aria-labelledby="parts">
            <h2 id="parts">{t.provider.parts}</h2>
            {parts.length === 0 && <p class="empty">{t.provider.noParts}</p>}
            <ul class="flows">
              {parts.map((part) => (
                <li key={`${part.task}-${part.part}`}>
                  <a href={`#/task/${encodeURIComponent(part.task)}`}>{t.provider.partOf(part.part, part.task)}</a>
                  <b>{t.receipt.credits(credits(part.price))}</b>
                  <span class="quietly">{t.network.states[part.state] ?? part.state}</span>
                </li>
              ))}
            </ul>
          </section>
        </div>
      )}
      <History entries={entries} />
    </NetworkFrame>
  );
}
