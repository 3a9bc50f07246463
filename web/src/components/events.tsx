import { credits, timeOf } from "../amounts";
import { type Entry, type Event, flowsOf } from "../network";
import { type Texts, useTexts } from "../settings";
import { Address } from "./address";

const isAddress = (text: string | undefined): text is string => text !== undefined && /^0x[0-9a-fA-F]{40}$/.test(text);

// What an event says. Of kinds that this page does not know, all that it has.
function sentence(t: Texts, event: Event): string {
  const known = t.network.events[event.event];
  if (known) return known(event, credits);
  const rest = Object.entries(event).flatMap(([name, value]) => (name === "event" ? [] : [`${name} ${value}`]));
  return [event.event, ...rest].join(" · ");
}

function Activity({ entries }: { entries: Entry[] }) {
  const t = useTexts();
  const rows = entries.flatMap((entry, i) => {
    const actor = (event: Event) => [event.provider, event.from, event.requester, entry.from].find(isAddress);
    const lines = entry.events.map((event, j) => ({ key: `${entry.height}-${entry.id ?? i}-${j}`, who: actor(event), text: sentence(t, event), task: event.task, bad: false }));
    if (entry.fault) {
      const text = t.network.refused(entry.message ?? "", t.network.faults[entry.fault] ?? entry.fault.toLowerCase().replaceAll("_", " "));
      lines.push({ key: `${entry.height}-${entry.id ?? i}-fault`, who: isAddress(entry.from) ? entry.from : undefined, text, task: undefined, bad: true });
    }
    return lines.map((line) => ({ ...line, time: entry.time }));
  });
  if (rows.length === 0) return <p class="empty">{t.network.nothing}</p>;
  return (
    <ol class="activity">
      {rows.map(({ key, who, text, task, time, bad }) => (
        <li key={key} class={bad ? "failure" : undefined}>
          <time dateTime={new Date(Number(time)).toISOString()}>{timeOf(time)}</time>
          <span class="who-did">{who ? <Address address={who} /> : t.network.ledger}</span>
          <span class="did">{task !== undefined ? <a href={`#/task/${encodeURIComponent(task)}`}>{text}</a> : text}</span>
        </li>
      ))}
    </ol>
  );
}

function Flows({ entries }: { entries: Entry[] }) {
  const t = useTexts();
  const end = (name: string) => (isAddress(name) ? <Address address={name} /> : (t.network.pots[name as "escrow" | "stake"] ?? name));
  const rows = entries.flatMap((entry, i) =>
    entry.events.flatMap((event, j) => flowsOf(event).map((flow, k) => ({ ...flow, key: `${entry.height}-${entry.id ?? i}-${j}-${k}` }))),
  );
  if (rows.length === 0) return <p class="empty">{t.network.noFlows}</p>;
  return (
    <ul class="flows">
      {rows.map(({ key, from, to, motes, why, task }) => (
        <li key={key}>
          <span class="ends">
            {end(from)} <span aria-label={t.network.to}>→</span> {end(to)}
          </span>
          <b>{t.receipt.credits(credits(motes))}</b>
          <span class="quietly">
            {t.network.why[why]}
            {task !== undefined && (
              <>
                {", "}
                <a href={`#/task/${encodeURIComponent(task)}`}>{t.network.task(task)}</a>
              </>
            )}
          </span>
        </li>
      ))}
    </ul>
  );
}

export function History({ entries }: { entries: Entry[] }) {
  const t = useTexts();
  return (
    <div class="columns halves">
      <section class="card" aria-labelledby="activity">
        <h2 id="activity">{t.network.activity}</h2>
        <Activity entries={entries} />
      </section>
      <section class="card" aria-labelledby="flows">
        <h2 id="flows">{t.network.flows}</h2>
        <Flows entries={entries} />
      </section>
    </div>
  );
}
