import { useEffect, useState } from "preact/hooks";
import { credits } from "../amounts";
import { AddressPicture } from "../components/address";
import { History } from "../components/events";
import { NetworkFrame } from "../components/network_frame";
import { type Entry, getAccount, getEvents, overview } from "../network";
import { useTexts } from "../settings";

export function AccountPage({ address }: { address: string }) {
  const t = useTexts();
  const seen = overview.use();
  const head = seen?.status.head;
  const [motes, setMotes] = useState<string | null>(null);
  const [entries, setEntries] = useState<Entry[]>([]);
  const [error, setError] = useState<string | null>(null);
  useEffect(() => {
    void getAccount(address).then((account) => setMotes(account.motes), (caught: Error) => setError(caught.message));
    void getEvents(`&account=${encodeURIComponent(address)}`).then(setEntries, () => undefined);
  }, [address, head]);
  const provides = seen?.providers.some((one) => one.address === address);
  return (
    <NetworkFrame title={t.network.account}>
      <p>
        <a href="#/network">← {t.network.heading}</a>
      </p>
      <section class="card">
        <h1>{t.network.account}</h1>
        <div class="who">
          <AddressPicture address={address} />
          <div>
            <code>{address}</code>
            {motes !== null && <b>{t.receipt.credits(credits(motes))}</b>}
            {provides && <a href={`#/providers/${address}`}>{t.network.provides}</a>}
          </div>
        </div>
        {error && <p>{error}</p>}
      </section>
      <History entries={entries} />
    </NetworkFrame>
  );
}
