import { useEffect } from "preact/hooks";
import { apiKey, keyWanted } from "../api";
import { KeyForm } from "../components/key_form";
import { KeyList } from "../components/key_list";
import { WalletCard } from "../components/wallet_card";
import { model } from "../model";
import { watchNetwork } from "../network";
import { useTexts } from "../settings";

export function KeysPage() {
  const t = useTexts();
  const key = apiKey.use();
  const wanted = keyWanted.use();
  const network = model.use()?.starling.network === true;
  useEffect(() => (network ? watchNetwork() : undefined), [network]);
  return (
    <>
      <section class="card">
        <h1>{t.keys.keyHeading}</h1>
        <p>{wanted ? t.keys.wanted : key ? t.keys.kept : t.keys.none}</p>
        <KeyForm />
        <p class="hint">{t.keys.lead}</p>
      </section>
      <KeyList />
      {network && <WalletCard />}
    </>
  );
}
