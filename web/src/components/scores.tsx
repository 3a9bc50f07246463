import type { ModelScores } from "../api";
import { useTexts } from "../settings";

interface Score {
  name: string;
  value: number;
  low: number | null;
  high: number | null;
  floor: number | null;
  ceiling: number | null;
}

const numberIn = (value: unknown): number | null => (typeof value === "number" && Number.isFinite(value) ? value : null);
const share = (value: unknown): number | null => {
  const number = numberIn(value);
  return number === null ? null : Math.min(1, Math.max(0, number));
};

// What `starling evaluate` measured, the best first: of the first world with the model's numbers beside each score, of
// the second one with a column for each source.
export function readScores(given: ModelScores | null): Score[] {
  const found: Score[] = [];
  for (const [name, one] of Object.entries(given?.scores ?? {})) {
    if (typeof one !== "object" || one === null) continue;
    const column = (key: string) => (one[key] ?? {}) as Record<string, unknown>;
    const own = typeof one.model === "object" && one.model !== null ? column("model") : one;
    const value = share(own.value);
    if (value === null) continue;
    const beside = (key: string) => (typeof one[key] === "object" ? share(column(key).value) : share(one[key]));
    found.push({ name, value, low: share(own.low), high: share(own.high), floor: beside("floor"), ceiling: beside("ceiling") });
  }
  return found.sort((a, b) => b.value - a.value);
}

const percent = (value: number | null) => (value === null ? "–" : `${Math.round(value * 100)} %`);
const left = (value: number) => ({ left: `${value * 100}%` });

export function Scores({ scores, clips }: { scores: Score[]; clips: number | null }) {
  const t = useTexts();
  return (
    <section class="card" aria-labelledby="scores">
      <h2 id="scores">{t.models.scores}</h2>
      <p class="hint">{t.models.scoresLead(clips)}</p>
      <table class="scores">
        <thead>
          <tr>
            <th scope="col">{t.models.score}</th>
            <th scope="col" class="bar-cell">
              <span class="unseen">{t.models.bar}</span>
            </th>
            <th scope="col">{t.models.value}</th>
            <th scope="col">{t.models.floor}</th>
            <th scope="col">{t.models.ceiling}</th>
          </tr>
        </thead>
        <tbody>
          {scores.map(({ name, value, low, high, floor, ceiling }) => (
            <tr key={name}>
              <th scope="row">{t.models.scoreNames[name] ?? name}</th>
              <td class="bar-cell">
                <span class="track" aria-hidden="true">
                  {low !== null && high !== null && <i class="interval" style={{ ...left(low), width: `${(high - low) * 100}%` }} />}
                  {floor !== null && <i class="floor" style={left(floor)} />}
                  {ceiling !== null && <i class="ceiling" style={left(ceiling)} />}
                  <i class="value" style={left(value)} />
                </span>
              </td>
              <td title={low !== null && high !== null ? `${percent(low)} – ${percent(high)}` : undefined}>
                <b>{percent(value)}</b>
              </td>
              <td>{percent(floor)}</td>
              <td>{percent(ceiling)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
