import { useEffect, useState } from "preact/hooks";
import { compact, credits } from "../amounts";
import { History } from "../components/events";
import { NetworkFrame } from "../components/network_frame";
import { ProviderTable } from "../components/providers";
import { type Supply, overview } from "../network";
import { useTexts } from "../settings";

// Where all credits are. The parts make the whole, or the page says that they do not.
function Pots({ supply }: { supply: Supply }) {
  const t = useTexts();
  const parts: ["accounts" | "escrow" | "stake", string][] = [
    ["accounts", supply.in_accounts],
    ["escrow", supply.in_escrow],
    ["stake", supply.in_stake],
  ];
  return (
    <figure class="shares">
      <figcaption>{t.network.where(credits(supply.supply))}</figcaption>
      <div class="bar" aria-hidden="true">
        {parts.map(([name, motes]) => (
          <i key={name} class={`pot-${name}`} style={{ flexGrow: Number(motes) / Number(supply.supply) }} />
        ))}
      </div>
      <ul>
        {parts.map(([name, motes]) => (
          <li key={name}>
            <i class={`dot pot-${name}`} aria-hidden="true" /> {t.network.pots[name]} {credits(motes)}
          </li>
        ))}
        <li>{supply.conserved ? t.network.conserved : t.network.notConserved}</li>
      </ul>
    </figure>
  );
}

function Ago({ time }: { time: string }) {
  const t = useTexts();
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  return <>{t.network.ago(Math.max(0, Math.round((now - Number(time)) / 1000)))}</>;
}

export function NetworkPage() {
  const t = useTexts();
  const seen = overview.use();
  return (
    <NetworkFrame title={t.network.heading}>
      {seen && (
        <>
          <section class="card">
            <h1>{t.network.heading}</h1>
            <dl class="facts">
              <div>
                <dt>{t.network.height}</dt>
                <dd class="big">{Number(seen.status.height).toLocaleString()}</dd>
                <dd class="quietly">
                  <Ago time={seen.status.time} />
                </dd>
              </div>
              <div>
                <dt>{t.network.providers}</dt>
                <dd class="big">{seen.market.providers}</dd>
                <dd class="quietly">{t.network.running(seen.providers.reduce((sum, one) => sum + one.held, 0))}</dd>
              </div>
              <div>
                <dt>{t.network.open}</dt>
                <dd class="big">{seen.openTasks.reduce((sum, task) => sum + task.open, 0)}</dd>
                <dd class="quietly">{t.network.openTasks(seen.openTasks.length)}</dd>
              </div>
              <div>
                <dt>{t.network.rate}</dt>
                <dd class="big">{seen.market.median_rate === null ? "–" : credits(seen.market.median_rate)}</dd>
                <dd class="quietly">{t.network.rateUnit}</dd>
              </div>
              <div>
                <dt>{t.network.work}</dt>
                <dd class="big">{compact(seen.providers.reduce((sum, one) => sum + Number(one.work_done), 0))}</dd>
                <dd class="quietly">{t.network.workUnit}</dd>
              </div>
            </dl>
            <Pots supply={seen.supply} />
          </section>
          <section class="card" aria-labelledby="providers">
            <h2 id="providers">{t.provider.heading}</h2>
            <ProviderTable providers={seen.providers} />
          </section>
          {seen.openTasks.length > 0 && (
            <section class="card" aria-labelledby="tasks">
              <h2 id="tasks">{t.network.openHeading}</h2>
              <ul class="words">
                {seen.openTasks.map((task) => (
                  <li key={task.task}>
                    <a href={`#/task/${encodeURIComponent(task.task)}`}>{t.network.openTask(task.task, task.open, credits(task.max_price))}</a>
                  </li>
                ))}
              </ul>
            </section>
          )}
          <History entries={seen.entries} />
        </>
      )}
    </NetworkFrame>
  );
}
