import { useEffect, useState } from "preact/hooks";
import { credits, motesOf } from "../amounts";
import { ApiError, type ApiKey, apiKey, createKey, listKeys, revokeKey } from "../api";
import { language, useTexts } from "../settings";

const COMMANDS = "starling key create --name studio --scopes read,write,keys\nstarling key list\nstarling key set KEY_ID --budget 20\nstarling key revoke KEY_ID";
const DAY = 86400;
const SCOPES = ["read,write", "read", "write", "read,write,keys"];

// The keys of the server, for a key that may manage them; for others, how that is done on the server's machine.
export function KeyList() {
  const t = useTexts();
  const own = apiKey.use();
  const [keys, setKeys] = useState<ApiKey[] | null>(null);
  const [allowed, setAllowed] = useState(false);
  const [secret, setSecret] = useState<string | null>(null);
  const [error, setError] = useState<string | null>(null);
  const [name, setName] = useState("");
  const [scopes, setScopes] = useState(SCOPES[0]!);
  const [budget, setBudget] = useState("");
  const [perMinute, setPerMinute] = useState("");
  const [days, setDays] = useState("");

  async function load() {
    try {
      setKeys(await listKeys());
      setAllowed(true);
    } catch (caught) {
      setAllowed(false);
      if (!(caught instanceof ApiError) || (caught.status !== 403 && caught.status !== 401)) setError((caught as Error).message);
    }
  }
  useEffect(() => void load(), [own]);

  const attempt = async (work: () => Promise<void>) => {
    setError(null);
    try {
      await work();
      await load();
    } catch (caught) {
      setError((caught as Error).message);
    }
  };
  const make = () =>
    attempt(async () => {
      const motes = budget.trim() === "" ? null : motesOf(budget);
      if (budget.trim() !== "" && motes === null) throw new Error(t.wallet.noAmount);
      const expires = Number(days) > 0 ? Math.round(Date.now() / 1000 + Number(days) * DAY) : null;
      const wanted = { name: name.trim(), scopes, budget: motes, per_minute: Number(perMinute) || 0, expires_at: expires };
      setSecret((await createKey(wanted)).secret);
      setName("");
    });
  const day = (seconds: number) => new Date(seconds * 1000).toLocaleDateString(language.value === "zh" ? "zh" : undefined);

  return (
    <section class="card" aria-labelledby="all-keys">
      <h2 id="all-keys">{t.keys.all}</h2>
      {error && (
        <p class="error" role="alert">
          {t.error} {error}
        </p>
      )}
      {!allowed && (
        <>
          <p>{t.keys.making}</p>
          <pre>{COMMANDS}</pre>
        </>
      )}
      {allowed && (
        <>
          <form
            class="row"
            onSubmit={(event) => {
              event.preventDefault();
              void make();
            }}
          >
            <label class="field wide">
              <span>{t.keys.name}</span>
              <input value={name} maxLength={100} onInput={(event) => setName(event.currentTarget.value)} />
            </label>
            <label class="field wide">
              <span>{t.keys.scopes}</span>
              <select value={scopes} onChange={(event) => setScopes(event.currentTarget.value)}>
                {SCOPES.map((one) => (
                  <option key={one} value={one}>
                    {t.keys.scopeNames[one] ?? one}
                  </option>
                ))}
              </select>
            </label>
            <label class="field">
              <span>{t.keys.budget}</span>
              <input inputMode="decimal" placeholder={t.keys.any} value={budget} onInput={(event) => setBudget(event.currentTarget.value)} />
            </label>
            <label class="field">
              <span>{t.keys.perMinute}</span>
              <input type="number" min={0} max={1000000} placeholder={t.keys.any} value={perMinute} onInput={(event) => setPerMinute(event.currentTarget.value)} />
            </label>
            <label class="field">
              <span>{t.keys.days}</span>
              <input type="number" min={1} max={36500} placeholder={t.keys.any} value={days} onInput={(event) => setDays(event.currentTarget.value)} />
            </label>
            <button class="primary" type="submit">
              {t.keys.make}
            </button>
          </form>
          <div role="status">
            {secret && (
              <p class="verdict good">
                {t.keys.once} <code>{secret}</code>
              </p>
            )}
          </div>
          <div class="wide-table" tabIndex={0} role="group" aria-label={t.keys.all}>
            <table>
              <thead>
                <tr>
                  <th scope="col">{t.keys.name}</th>
                  <th scope="col">{t.keys.scopes}</th>
                  <th scope="col">{t.keys.spent}</th>
                  <th scope="col">{t.keys.made}</th>
                  <th scope="col">
                    <span class="unseen">{t.keys.revoke}</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {keys?.map((key) => (
                  <tr key={key.id}>
                    <th scope="row">
                      {key.name || "–"}
                      <br />
                      <code class="quietly">{key.id}</code>
                    </th>
                    <td>{t.keys.scopeNames[key.scopes] ?? key.scopes}</td>
                    <td>{key.budget === null ? credits(key.spent) : t.keys.spentOf(credits(key.spent), credits(key.budget))}</td>
                    <td>
                      {day(key.created_at)}
                      {key.expires_at !== null && (
                        <>
                          <br />
                          <span class="quietly">{(key.expires_at * 1000 > Date.now() ? t.keys.expires : t.keys.expired)(day(key.expires_at))}</span>
                        </>
                      )}
                    </td>
                    <td>
                      {key.revoked_at === null ? (
                        <button class="danger" aria-label={`${t.keys.revoke}: ${key.name || key.id}`} onClick={() => void attempt(() => revokeKey(key.id).then(() => undefined))}>
                          {t.keys.revoke}
                        </button>
                      ) : (
                        t.keys.revoked(day(key.revoked_at))
                      )}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </>
      )}
    </section>
  );
}
