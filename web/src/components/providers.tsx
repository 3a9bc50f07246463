import { compact, credits } from "../amounts";
import type { Provider } from "../network";
import { useTexts } from "../settings";
import { AddressPicture } from "./address";

export function Load({ provider }: { provider: Provider }) {
  const t = useTexts();
  const shown = Math.min(provider.slots, 16);
  return (
    <span class="load" role="img" aria-label={t.provider.loadText(provider.held, provider.slots)} title={t.provider.loadText(provider.held, provider.slots)}>
      {Array.from({ length: shown }, (_, i) => (
        <i key={i} class={i < provider.held ? "busy" : ""} />
      ))}
    </span>
  );
}

// Multiply–adds a second, as its record says; null while it has none.
export function speedOf(provider: Provider): number | null {
  const time = Number(provider.busy_time);
  return time > 0 ? (Number(provider.work_done) / time) * 1000 : null;
}

export function ProviderTable({ providers }: { providers: Provider[] }) {
  const t = useTexts();
  if (providers.length === 0) return <p class="empty">{t.provider.none}</p>;
  return (
    <div class="wide-table" tabIndex={0} role="group" aria-label={t.provider.heading}>
      <table class="providers">
        <thead>
          <tr>
            <th scope="col">{t.provider.one}</th>
            <th scope="col">{t.provider.load}</th>
            <th scope="col">{t.provider.rate}</th>
            <th scope="col">{t.provider.earned}</th>
            <th scope="col">{t.provider.record}</th>
            <th scope="col">{t.provider.speed}</th>
          </tr>
        </thead>
        <tbody>
          {providers.map((provider) => {
            const speed = speedOf(provider);
            return (
              <tr key={provider.address}>
                <th scope="row">
                  <a class="account" href={`#/providers/${provider.address}`} title={provider.address}>
                    <AddressPicture address={provider.address} size={20} />
                    <code>{`${provider.address.slice(0, 6)}…${provider.address.slice(-4)}`}</code>
                  </a>
                </th>
                <td>
                  <Load provider={provider} />
                </td>
                <td>{credits(provider.rate)}</td>
                <td>{credits(provider.earned)}</td>
                <td>{t.provider.recordText(provider.done, provider.late, provider.wrong)}</td>
                <td>{speed === null ? "–" : `${compact(speed)}/s`}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
