import { useState } from "preact/hooks";
import type { Video } from "../api";
import { Composer } from "../components/composer";
import { Screen } from "../components/screen";
import { model } from "../model";
import { go, route } from "../route";
import { useTexts } from "../settings";
import { loadMore, removeVideo, shelf } from "../videos";

interface CardProps {
  video: Video;
  chosen: boolean;
  onChoose: (chosen: boolean) => void;
}

function Card({ video, chosen, onChoose }: CardProps) {
  const t = useTexts();
  const { previews } = shelf.use();
  return (
    <li class={`tile ${chosen ? "chosen" : ""}`}>
      <a class="picture" href={`#/video/${video.id}`} aria-label={`${t.list.open}: ${video.prompt}`}>
        <Screen video={video} preview={previews.get(video.id)} />
      </a>
      <p class="prompt" title={video.prompt}>
        {video.prompt}
      </p>
      <div class="under">
        <span>
          {t.list.of} {video.starling.seed}
        </span>
        {video.status === "completed" ? (
          <label class="pick">
            <input
              type="checkbox"
              checked={chosen}
              aria-label={t.list.select(video.prompt)}
              onChange={(event) => onChoose(event.currentTarget.checked)}
            />
            <span aria-hidden="true">{t.titles.compare}</span>
          </label>
        ) : (
          <button class="link" onClick={() => void removeVideo(video.id)}>
            {t.list.delete}
          </button>
        )}
      </div>
    </li>
  );
}

export function CreatePage() {
  const t = useTexts();
  const at = route.use();
  const known = model.use();
  const { videos, more, loaded, error } = shelf.use();
  const [chosen, setChosen] = useState<string[]>([]);
  const way: "remix" | "connect" | "extend" = at.query.has("remix") ? "remix" : at.query.has("connect") ? "connect" : "extend";
  const begun = videos.find((video) => video.id === at.query.get(way));
  const to = videos.find((video) => video.id === at.query.get("to"));
  const from = !begun ? null : way !== "connect" ? { way, video: begun } : to ? { way, video: begun, to } : null;

  // In the order in which they were chosen.
  function connectChosen() {
    go(`#/?connect=${chosen[0]}&to=${chosen[1]}`);
    setChosen([]);
  }

  return (
    <>
      {known && <Composer model={known} from={from} onMade={() => begun && go("#/")} />}
      <section aria-labelledby="videos">
        <div class="heading">
          <h2 id="videos">{t.list.heading}</h2>
          {chosen.length > 0 && (
            <div class="buttons">
              <button onClick={() => setChosen([])}>{t.list.clear}</button>
              {known?.starling.goes_on && (
                <button disabled={chosen.length !== 2} onClick={() => connectChosen()}>
                  {t.list.connect}
                </button>
              )}
              <button class="primary" disabled={chosen.length < 2} onClick={() => go(`#/compare/${chosen.join(",")}`)}>
                {t.list.compare(chosen.length)}
              </button>
            </div>
          )}
        </div>
        {error && (
          <p class="error" role="alert">
            {t.error} {error}
          </p>
        )}
        {loaded && !error && videos.length === 0 && <p class="empty">{t.list.empty}</p>}
        <ul class="tiles">
          {videos.map((video) => (
            <Card
              key={video.id}
              video={video}
              chosen={chosen.includes(video.id)}
              onChoose={(is) => setChosen(is ? [...chosen, video.id] : chosen.filter((id) => id !== video.id))}
            />
          ))}
        </ul>
        {more && (
          <button class="more" onClick={() => void loadMore()}>
            {t.list.more}
          </button>
        )}
      </section>
    </>
  );
}
