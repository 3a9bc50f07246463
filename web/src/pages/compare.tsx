import { useEffect, useRef } from "preact/hooks";
import { Screen } from "../components/screen";
import { useTexts } from "../settings";
import { findVideo, shelf } from "../videos";

const MOST = 12;

export function ComparePage({ ids }: { ids: string[] }) {
  const t = useTexts();
  const { videos, previews } = shelf.use();
  const elements = useRef(new Map<string, HTMLVideoElement>());
  const shown = ids.slice(0, MOST);
  useEffect(() => {
    for (const id of shown) void findVideo(id).catch(() => undefined);
  }, []);
  const found = shown.flatMap((id) => videos.find((video) => video.id === id) ?? []);

  function playTogether() {
    for (const element of elements.current.values()) {
      element.currentTime = 0;
      void element.play();
    }
  }

  return (
    <section>
      <div class="heading">
        <h1>{t.compare.heading}</h1>
        {found.length > 0 && (
          <button class="primary" onClick={playTogether}>
            {t.compare.play}
          </button>
        )}
      </div>
      {found.length === 0 && <p class="empty">{t.compare.none}</p>}
      <ul class="tiles large">
        {found.map((video) => (
          <li key={video.id} class="tile">
            <Screen
              video={video}
              preview={previews.get(video.id)}
              large
              onElement={(element) => {
                if (element) elements.current.set(video.id, element);
                else elements.current.delete(video.id);
              }}
            />
            <p class="prompt">
              <a href={`#/video/${video.id}`}>{video.prompt}</a>
            </p>
            <div class="under">
              <span>
                {t.compare.seed} {video.starling.seed}
              </span>
              <span>{video.size.replace("x", " × ")}</span>
            </div>
          </li>
        ))}
      </ul>
    </section>
  );
}
