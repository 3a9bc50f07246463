import { apiKey, keyWanted } from "../api";
import { KeyForm } from "../components/key_form";
import { useTexts } from "../settings";

const COMMANDS = "starling key create --name studio\nstarling key list\nstarling key revoke KEY_ID";

export function KeysPage() {
  const t = useTexts();
  const key = apiKey.use();
  const wanted = keyWanted.use();
  return (
    <section class="card">
      <h1>{t.keys.keyHeading}</h1>
      <p>{wanted ? t.keys.wanted : key ? t.keys.kept : t.keys.none}</p>
      <KeyForm />
      <p class="hint">{t.keys.lead}</p>
      <p>{t.keys.making}</p>
      <pre>{COMMANDS}</pre>
    </section>
  );
}
