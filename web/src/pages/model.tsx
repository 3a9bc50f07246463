import { useEffect, useState } from "preact/hooks";
import { type ModelCard, getModelCard } from "../api";
import { Markdown } from "../components/markdown";
import { Scores, readScores } from "../components/scores";
import { model } from "../model";
import { language, useTexts } from "../settings";

export function ModelPage() {
  const t = useTexts();
  const known = model.use();
  const [card, setCard] = useState<ModelCard | null>(null);
  useEffect(() => {
    if (known) void getModelCard(known.id).then(setCard, () => setCard(null));
  }, [known?.id]);
  if (!known) return null;
  const scores = readScores(card?.scores ?? null);
  const clips = card?.scores?.clips;
  const { starling } = known;
  const facts: [string, string][] = [
    [t.models.parameters, starling.parameters.toLocaleString(language.value)],
    [t.models.usual, t.models.usualText(starling.usual.size.replace("x", " × "), starling.usual.num_frames, starling.usual.fps, starling.usual.steps)],
    [t.models.sizes, t.models.sizesText(starling.size_stride)],
    [t.models.frames, t.models.framesText(starling.frame_stride)],
    [t.models.goesOn, starling.goes_on ? t.models.yes : t.models.no],
  ];
  return (
    <>
      <section class="card">
        <h1>
          {t.models.heading}: {known.id}
        </h1>
        <dl class="facts tall">
          {facts.map(([label, value]) => (
            <div key={label}>
              <dt>{label}</dt>
              <dd>{value}</dd>
            </div>
          ))}
          <div>
            <dt>{t.models.root}</dt>
            <dd>
              <code>{starling.root}</code>
              <br />
              <span class="quietly">{t.models.rootText}</span>
            </dd>
          </div>
        </dl>
        {starling.words.length > 0 && (
          <>
            <h2>{t.models.words}</h2>
            <ul class="words">
              {starling.words.map((word) => (
                <li key={word}>{word}</li>
              ))}
            </ul>
          </>
        )}
      </section>
      {scores.length > 0 && <Scores scores={scores} clips={typeof clips === "number" ? clips : null} />}
      {card?.text && (
        <section class="card" aria-labelledby="card">
          <h2 id="card">{t.models.card}</h2>
          <Markdown text={card.text} />
        </section>
      )}
    </>
  );
}
