import { useEffect, useState } from "preact/hooks";
import { type Variant, type Video, contentUrl, releaseUrl } from "../api";
import { type Texts, useTexts } from "../settings";
import { isOver } from "../videos";

// The URL of a file of a video, as long as the component is there; null until it is known.
export function useContent(id: string, variant: Variant, ready: boolean): string | null {
  const [url, setUrl] = useState<string | null>(null);
  useEffect(() => {
    if (!ready) return;
    let gone = false;
    let kept: string | null = null;
    void contentUrl(id, variant).then(
      (found) => {
        kept = found;
        if (gone) releaseUrl(found);
        else setUrl(found);
      },
      () => undefined,
    );
    return () => {
      gone = true;
      if (kept) releaseUrl(kept);
    };
  }, [id, variant, ready]);
  return url;
}

const PIXELS_SHOWN = 160; // smaller sides are shown pixel by pixel

// What is being done: the bar beneath counts all work, also that behind the last step.
function stage({ status, starling: { step = 0, last_step = 0, waits_for } }: Video, t: Texts["status"]): string {
  if (waits_for) return t.waits_for[waits_for];
  if (status === "queued") return t.queued;
  if (step === 0) return t.in_progress;
  return step < last_step ? t.step(step, last_step) : t.frames;
}

interface Props {
  video: Video;
  preview?: string | undefined; // the address of a picture
  // Of a page of its own: with controls.
  large?: boolean;
  onElement?: (element: HTMLVideoElement | null) => void;
}

// The video where it is made, what it looks like until then, or why there is none.
export function Screen({ video, preview, large, onElement }: Props) {
  const t = useTexts();
  const made = video.status === "completed";
  const url = useContent(video.id, "video", made);
  const [width = 1, height = 1] = video.size.split("x").map(Number);
  const small = Math.max(width, height) <= PIXELS_SHOWN ? "pixels" : "";
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  return (
    <div class={`screen ${video.status} ${small}`} style={{ aspectRatio: `${width} / ${height}` }}>
      {made && url && (
        <video
          ref={onElement}
          src={url}
          aria-label={`${t.video.play}: ${video.prompt}`}
          loop
          muted
          playsInline
          autoplay={!still}
          controls={large || still}
        />
      )}
      {!made && preview && <img src={preview} alt="" />}
      {!isOver(video) && !preview && <div class="waiting" />}
      {!isOver(video) && (
        <div class="state">
          <span>
            <span>{stage(video, t.status)}</span>
            {video.status === "in_progress" && <span>{video.progress} %</span>}
          </span>
          <progress max={100} value={video.progress} aria-label={t.status.in_progress} />
        </div>
      )}
      {video.status === "failed" && <p class="failure">{video.error?.message ?? t.status.failed}</p>}
    </div>
  );
}
