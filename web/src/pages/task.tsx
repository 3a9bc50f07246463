import { useEffect, useState } from "preact/hooks";
import { compact, credits } from "../amounts";
import { Address } from "../components/address";
import { History } from "../components/events";
import { NetworkFrame } from "../components/network_frame";
import { type Entry, type Part, type Task, getEvents, getParts, getTask, overview } from "../network";
import { useTexts } from "../settings";

export function TaskPage({ task: number }: { task: string }) {
  const t = useTexts();
  const head = overview.use()?.status.head;
  const [task, setTask] = useState<Task | null>(null);
  const [parts, setParts] = useState<Part[]>([]);
  const [entries, setEntries] = useState<Entry[]>([]);
  const [error, setError] = useState<string | null>(null);
  useEffect(() => {
    const keep = (caught: Error) => setError(caught.message);
    void getTask(number).then(setTask, keep);
    void getParts(number).then(setParts, () => undefined);
    void getEvents(`&task=${encodeURIComponent(number)}`).then(setEntries, () => undefined);
  }, [number, head]);
  return (
    <NetworkFrame title={t.network.task(number)}>
      <p>
        <a href="#/network">← {t.network.heading}</a>
      </p>
      <section class="card">
        <h1>{t.network.task(number)}</h1>
        {!task && error && <p>{error}</p>}
        {task && (
          <>
            <dl class="facts">
              <div>
                <dt>{t.network.requester}</dt>
                <dd>
                  <Address address={task.requester} />
                </dd>
              </div>
              <div>
                <dt>{t.network.most}</dt>
                <dd>{t.receipt.credits(credits(task.max_price))}</dd>
              </div>
              <div>
                <dt>{t.receipt.work}</dt>
                <dd>{t.receipt.multiplyAdds(compact(Number(task.work_per_part)))}</dd>
              </div>
            </dl>
            <div class="wide-table" tabIndex={0} role="group" aria-label={t.network.parts}>
              <table>
                <thead>
                  <tr>
                    <th scope="col">{t.network.part}</th>
                    <th scope="col">{t.network.state}</th>
                    <th scope="col">{t.provider.one}</th>
                    <th scope="col">{t.receipt.price}</th>
                  </tr>
                </thead>
                <tbody>
                  {parts.map((part) => (
                    <tr key={part.part}>
                      <th scope="row">{part.part}</th>
                      <td>
                        <span class={`state s-${part.state}`}>{t.network.states[part.state] ?? part.state}</span>
                      </td>
                      <td>{/^0x0+$/.test(part.provider) ? "–" : <Address address={part.provider} />}</td>
                      <td>{part.price === "0" ? "–" : credits(part.price)}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          </>
        )}
      </section>
      <History entries={entries} />
    </NetworkFrame>
  );
}
