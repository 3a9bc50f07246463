import { useEffect, useRef, useState } from "preact/hooks";
import { compact } from "../amounts";
import { type Call, type CheckDone, type Video, checkEvents } from "../api";
import { type Said, browserCheck } from "../check/browser_check";
import { model } from "../model";
import { useTexts } from "../settings";

const CHOICES = [1, 3, 10];
const CALL_TIME = 140; // milliseconds that each call is seen, however fast they come

interface Props {
  video: Video;
  calls: Call[] | null;
  passed: ReadonlySet<number>;
  onPassed: (calls: ReadonlySet<number>) => void;
}

const pause = (time: number) => new Promise((resolve) => setTimeout(resolve, time));

// Runs calls of a video again, in this browser or on the server, and says how each came out.
export function Check({ video, calls, passed, onPassed }: Props) {
  const t = useTexts();
  const known = model.use();
  const [wanted, setWanted] = useState(3);
  const [running, setRunning] = useState<AbortController | null>(null);
  const [said, setSaid] = useState<Said | null>(null);
  const [done, setDone] = useState<CheckDone | null>(null);
  const [error, setError] = useState<string | null>(null);
  const present = useRef<AbortController | null>(null);
  useEffect(() => () => present.current?.abort(), []);

  async function here(signal: AbortSignal, seen: (calls: number[]) => void) {
    const order = { id: video.id, receipt: video.starling.receipt, model: known?.id ?? video.model, calls: wanted };
    for await (const one of browserCheck(order, signal)) {
      if (one.kind === "passed") seen(one.calls);
      else if (one.kind === "error") setError(one.message);
      else setSaid(one);
    }
  }

  async function there(signal: AbortSignal, seen: (calls: number[]) => void) {
    for await (const event of checkEvents(video.id, wanted, signal)) {
      if (event.name === "check.call") {
        seen([(event.data as { call: number }).call]);
        await pause(CALL_TIME);
      } else if (event.name === "check.done") {
        setDone(event.data as CheckDone);
      }
    }
  }

  async function run(way: typeof here) {
    const controller = new AbortController();
    present.current = controller;
    setRunning(controller);
    setSaid(null);
    setDone(null);
    setError(null);
    const all = new Set<number>();
    onPassed(new Set());
    try {
      await way(controller.signal, (some) => {
        some.forEach((call) => all.add(call));
        onPassed(new Set(all));
      });
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

  function mismatch(part: keyof typeof t.check.parts, name: string): string {
    return t.check.parts[part](part === "output" ? nameOf(Number(name)) : name);
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
          <>
            <button class="primary" onClick={() => void run(here)}>
              {t.check.start}
            </button>
            <button onClick={() => void run(there)}>{t.check.server}</button>
          </>
        )}
      </div>
      <ol class="log">
        {[...passed].map((call) => (
          <li key={call}>
            <span aria-hidden="true">✓</span> {t.check.passed(nameOf(call))}
          </li>
        ))}
      </ol>
      {running && said?.kind === "running" && (
        <label class="field">
          <span>{t.check.call(nameOf(said.call))}</span>
          <progress value={said.done} max={said.total} />
        </label>
      )}
      <div role="status">
        {running && (said?.kind === "fetching" ? <p>{t.check.fetching((said.bytes / 1e6).toFixed(1))}</p> : <p>{t.check.running}</p>)}
        {said?.kind === "holds" && (
          <>
            <p class="verdict good">{t.check.valid(said.checked, said.total)}</p>
            <p class="hint">{t.check.counted(compact(said.numbers), compact(said.multiplyAdds), said.seconds.toFixed(1), (said.fetched / 1e6).toFixed(1))}</p>
          </>
        )}
        {said?.kind === "mismatch" && (
          <p class="verdict bad">
            {t.check.invalid} {mismatch(said.part as keyof typeof t.check.parts, said.name)}
          </p>
        )}
        {done?.valid && <p class="verdict good">{t.check.serverValid(done.checked_calls, done.total_calls)}</p>}
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
