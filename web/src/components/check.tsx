import { useEffect, useRef, useState } from "preact/hooks";
import { type Call, type CheckDone, checkEvents } from "../api";
import { useTexts } from "../settings";

const CHOICES = [1, 3, 10];
const CALL_TIME = 140; // milliseconds that each call is seen, however fast they come

interface Props {
  id: string;
  calls: Call[] | null;
  passed: ReadonlySet<number>;
  onPassed: (calls: ReadonlySet<number>) => void;
}

const pause = (time: number) => new Promise((resolve) => setTimeout(resolve, time));

// Runs calls of a video again, and says how each came out.
export function Check({ id, calls, passed, onPassed }: Props) {
  const t = useTexts();
  const [wanted, setWanted] = useState(3);
  const [running, setRunning] = useState<AbortController | null>(null);
  const [done, setDone] = useState<CheckDone | null>(null);
  const [error, setError] = useState<string | null>(null);
  const present = useRef<AbortController | null>(null);
  useEffect(() => () => present.current?.abort(), []);

  async function run() {
    const controller = new AbortController();
    present.current = controller;
    setRunning(controller);
    setDone(null);
    setError(null);
    const seen = new Set<number>();
    onPassed(new Set());
    try {
      for await (const event of checkEvents(id, wanted, controller.signal)) {
        if (event.name === "check.call") {
          seen.add((event.data as { call: number }).call);
          onPassed(new Set(seen));
          await pause(CALL_TIME);
        } else if (event.name === "check.done") {
          setDone(event.data as CheckDone);
        }
      }
    } catch (caught) {
      if (!controller.signal.aborted) setError((caught as Error).message);
    }
    setRunning(null);
  }

  function nameOf(index: number): string {
    const call = calls?.[index];
    if (!call) return String(index);
    const alike = calls!.filter((one) => one.kind === call.kind);
    const place = alike.length > 1 ? ` ${alike.indexOf(call) + 1}/${alike.length}` : "";
    return t.receipt.kinds[call.kind] + place;
  }

  return (
    <section class="card check" aria-labelledby="check">
      <h2 id="check">{t.check.heading}</h2>
      <p class="hint">{t.check.lead}</p>
      <div class="row">
        <label class="field">
          <span>{t.check.calls}</span>
          <select value={wanted} onChange={(event) => setWanted(Number(event.currentTarget.value))}>
            {CHOICES.map((count) => (
              <option key={count} value={count}>
                {count}
              </option>
            ))}
            {calls && <option value={calls.length}>{t.check.all}</option>}
          </select>
        </label>
        {running ? (
          <button onClick={() => running.abort()}>{t.check.stop}</button>
        ) : (
          <button class="primary" onClick={() => void run()}>
            {t.check.start}
          </button>
        )}
      </div>
      <ol class="log">
        {[...passed].map((call) => (
          <li key={call}>
            <span aria-hidden="true">✓</span> {t.check.passed(nameOf(call))}
          </li>
        ))}
      </ol>
      <div role="status">
        {running && <p>{t.check.running}</p>}
        {done?.valid && <p class="verdict good">{t.check.valid(done.checked_calls, done.total_calls)}</p>}
        {done?.valid === false && (
          <p class="verdict bad">
            {t.check.invalid} {done.first_difference}
          </p>
        )}
        {(error ?? done?.error) && (
          <p class="verdict bad">
            {t.check.unsaid} {error ?? done?.error}
          </p>
        )}
      </div>
      <p class="hint">
        {t.check.where} <code>starling verify video.receipt.json</code>
      </p>
    </section>
  );
}
