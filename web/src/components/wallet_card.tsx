import { useEffect, useState } from "preact/hooks";
import { credits, motesOf } from "../amounts";
import { getAccount, overview } from "../network";
import { useTexts } from "../settings";
import { type MessageName, account, addChain, connect, disconnect, hasWallet, openFile, send } from "../wallet";
import { AddressPicture } from "./address";

const ADDRESS = /^0x[0-9a-fA-F]{40}$/;

// An account of the visitor's own, whose key a wallet of the browser holds, or this page until it is closed: what it has,
// and what it signs.
export function WalletCard() {
  const t = useTexts();
  const address = account.use();
  const seen = overview.use();
  const [motes, setMotes] = useState<string | null>(null);
  const [to, setTo] = useState("");
  const [amount, setAmount] = useState("");
  const [stake, setStake] = useState("");
  const [file, setFile] = useState<File | null>(null);
  const [password, setPassword] = useState("");
  const [busy, setBusy] = useState(false);
  const [said, setSaid] = useState<{ good: boolean; text: string } | null>(null);
  const provider = address ? seen?.providers.find((one) => one.address.toLowerCase() === address.toLowerCase()) : undefined;

  useEffect(() => {
    if (!address) return setMotes(null);
    void getAccount(address).then((found) => setMotes(found.motes), () => setMotes(null));
  }, [address, seen?.status.head]);

  async function attempt(work: () => Promise<string | null>) {
    setBusy(true);
    setSaid(null);
    try {
      const text = await work();
      if (text !== null) setSaid({ good: true, text });
    } catch (caught) {
      setSaid({ good: false, text: `${t.error} ${(caught as Error).message}` });
    }
    setBusy(false);
  }
  const sign = (name: MessageName, values: Record<string, string>, amountText: string) =>
    attempt(async () => {
      const given = motesOf(amountText);
      if (given === null || given === "0") throw new Error(t.wallet.noAmount);
      if (values.to !== undefined && !ADDRESS.test(values.to)) throw new Error(t.wallet.noAddress);
      const { height } = await send(name, { ...values, motes: given });
      return t.wallet.done(height);
    });

  return (
    <section class="card" aria-labelledby="wallet">
      <h2 id="wallet">{t.wallet.heading}</h2>
      <p class="hint">{t.wallet.lead}</p>
      {!address && !hasWallet() && <p>{t.wallet.none}</p>}
      {!address && hasWallet() && (
        <button class="primary" disabled={busy} onClick={() => void attempt(() => connect().then(() => null))}>
          {t.wallet.connect}
        </button>
      )}
      {hasWallet() && (
        <button disabled={busy} onClick={() => void attempt(() => addChain().then(() => t.wallet.chainAdded))}>
          {t.wallet.addChain}
        </button>
      )}
      {!address && (
        <form
          class="row stake"
          onSubmit={(event) => {
            event.preventDefault();
            if (file) void attempt(() => openFile(file, password).then(() => null));
            setPassword("");
          }}
        >
          <label class="field wide">
            <span>{t.wallet.file}</span>
            <input type="file" required onChange={(event) => setFile(event.currentTarget.files?.[0] ?? null)} />
          </label>
          <label class="field">
            <span>{t.wallet.password}</span>
            <input type="password" autocomplete="off" value={password} onInput={(event) => setPassword(event.currentTarget.value)} />
          </label>
          <button type="submit" disabled={busy}>
            {t.wallet.open}
          </button>
        </form>
      )}
      {address && (
        <>
          <div class="who">
            <AddressPicture address={address} />
            <div>
              <code>{address}</code>
              {motes !== null && <b>{t.receipt.credits(credits(motes))}</b>}
              <a href={`#/account/${encodeURIComponent(address)}`}>{t.wallet.history}</a>
            </div>
            <button onClick={disconnect}>{t.wallet.disconnect}</button>
          </div>
          <form
            class="row"
            onSubmit={(event) => {
              event.preventDefault();
              void sign("Transfer", { to: to.trim() }, amount);
            }}
          >
            <label class="field wide">
              <span>{t.wallet.to}</span>
              <input required spellcheck={false} autocomplete="off" placeholder="0x…" value={to} onInput={(event) => setTo(event.currentTarget.value)} />
            </label>
            <label class="field">
              <span>{t.wallet.amount}</span>
              <input required inputMode="decimal" value={amount} onInput={(event) => setAmount(event.currentTarget.value)} />
            </label>
            <button class="primary" type="submit" disabled={busy}>
              {t.wallet.send}
            </button>
          </form>
          {provider && (
            <form class="row stake" onSubmit={(event) => event.preventDefault()}>
              <label class="field">
                <span>{t.wallet.stake(credits(provider.stake), credits(provider.locked))}</span>
                <input inputMode="decimal" value={stake} onInput={(event) => setStake(event.currentTarget.value)} />
              </label>
              <button type="button" disabled={busy} onClick={() => void sign("AddStake", {}, stake)}>
                {t.wallet.addStake}
              </button>
              <button type="button" disabled={busy} onClick={() => void sign("WithdrawStake", {}, stake)}>
                {t.wallet.withdrawStake}
              </button>
            </form>
          )}
        </>
      )}
      <div role="status">
        {busy && <p>{address ? t.wallet.asking : t.wallet.opening}</p>}
        {said && <p class={`verdict ${said.good ? "good" : "bad"}`}>{said.text}</p>}
      </div>
    </section>
  );
}
