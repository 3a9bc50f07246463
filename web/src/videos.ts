// The videos that this page knows, kept up to date while any of them is on its way.
import { ApiError, type Video, deleteVideo, getVideo, listVideos, videoEvents } from "./api";
import { Store, remember, remembered } from "./store";


export interface Shelf {
  videos: Video[]; // the newest first
  previews: ReadonlyMap<string, string>; // addresses of pictures
  last: string | null; // of those that came in pages
  more: boolean;
  loaded: boolean;
  error: string | null;
}

// Browsers open six connections to a server, and one of them is needed to ask for anything else.
const MOST_STREAMS = 3;
const POLL_TIME = 1500; // milliseconds
const PREVIEW_TIME = 90; // milliseconds that each preview is seen, however fast they come

export const shelf = new Store<Shelf>({ videos: [], previews: new Map(), last: null, more: false, loaded: false, error: null });
// Multiply–adds a second at which videos were made lately, as seen from here; 0: none was seen from its beginning.
export const speed = new Store(Number(remembered("speed")) || 0);
const streams = new Map<string, AbortController>();
let timer: ReturnType<typeof setTimeout> | undefined;

export const isOver = (video: Video) => video.status === "completed" || video.status === "failed";

function put(changed: Video[]): void {
  const byId = new Map(shelf.value.videos.map((video) => [video.id, video]));
  for (const video of changed) byId.set(video.id, video);
  // What is as old stays in the order in which it came.
  const videos = [...byId.values()].sort((a, b) => b.created_at - a.created_at);
  shelf.set({ ...shelf.value, videos });
  follow();
}

export function addVideos(made: Video[]): void {
  shelf.set({ ...shelf.value, videos: [...[...made].reverse(), ...shelf.value.videos] });
  follow();
}

function drop(id: string): void {
  streams.get(id)?.abort();
  streams.delete(id);
  showPreview(id, null);
  shelf.set({ ...shelf.value, videos: shelf.value.videos.filter((video) => video.id !== id) });
}

function showPreview(id: string, url: string | null): void {
  const previews = new Map(shelf.value.previews);
  const old = previews.get(id);
  if (url) previews.set(id, url);
  else previews.delete(id);
  shelf.set({ ...shelf.value, previews });
  if (old) URL.revokeObjectURL(old);
}

function pngUrl(base64: string): string {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  return URL.createObjectURL(new Blob([bytes], { type: "image/png" }));
}

const pause = (time: number) => new Promise((resolve) => setTimeout(resolve, time));

function learnSpeed({ starling: { work } }: Video, milliseconds: number): void {
  if (!work || milliseconds < 20) return;
  speed.set(((work.f32_multiply_adds + work.i8_multiply_adds) / milliseconds) * 1000);
  remember("speed", String(Math.round(speed.value)));
}

async function stream(id: string): Promise<void> {
  const controller = new AbortController();
  streams.set(id, controller);
  let shown = 0;
  let queued = false;
  let begun = 0;
  try {
    for await (const event of videoEvents(id, controller.signal)) {
      if (event.name === "video.deleted") return drop(id);
      const wait = shown + PREVIEW_TIME - performance.now();
      if (event.name === "video.preview") {
        if (wait > 0) await pause(wait);
        shown = performance.now();
        showPreview(id, pngUrl((event.data as { b64_png: string }).b64_png));
        continue;
      }
      const video = event.data as Video;
      if (isOver(video) && wait > 0) await pause(wait);
      if (video.status === "queued") queued = true;
      if (video.status === "in_progress" && queued && begun === 0) begun = performance.now();
      if (video.status === "completed" && begun > 0) learnSpeed(video, performance.now() - begun);
      put([video]);
      if (isOver(video)) showPreview(id, null);
    }
  } catch {
    // Polling tells what became of it.
  } finally {
    if (streams.get(id) === controller) streams.delete(id);
    follow();
  }
}

function follow(): void {
  const waiting = shelf.value.videos.filter((video) => !isOver(video));
  const wanted = [...waiting.filter((video) => video.status === "in_progress"), ...waiting.filter((video) => video.status === "queued").reverse()];
  for (const video of wanted) {
    if (streams.size >= MOST_STREAMS) break;
    if (!streams.has(video.id)) void stream(video.id);
  }
  if (waiting.length > streams.size && timer === undefined) timer = setTimeout(poll, POLL_TIME);
}

async function poll(): Promise<void> {
  timer = undefined;
  const unwatched = shelf.value.videos.filter((video) => !isOver(video) && !streams.has(video.id)).slice(-MOST_STREAMS);
  const gone = (id: string) => (error: unknown) => {
    if (error instanceof ApiError && error.status === 404) drop(id);
    return null;
  };
  const found = await Promise.all(unwatched.map((video) => getVideo(video.id).catch(gone(video.id))));
  put(found.filter((video) => video !== null));
}

export async function loadVideos(): Promise<void> {
  try {
    const page = await listVideos();
    shelf.set({ ...shelf.value, videos: page.data, last: page.last_id, more: page.has_more, loaded: true, error: null });
    follow();
  } catch (error) {
    shelf.set({ ...shelf.value, loaded: true, error: (error as Error).message });
  }
}

export async function loadMore(): Promise<void> {
  const page = await listVideos(shelf.value.last ?? undefined);
  const known = new Set(shelf.value.videos.map((video) => video.id));
  const videos = [...shelf.value.videos, ...page.data.filter((video) => !known.has(video.id))];
  shelf.set({ ...shelf.value, videos, last: page.last_id, more: page.has_more });
  follow();
}

// A video by its id, from the server if this page does not know it.
export async function findVideo(id: string): Promise<void> {
  if (!shelf.value.videos.some((video) => video.id === id)) put([await getVideo(id)]);
}

export async function removeVideo(id: string): Promise<void> {
  await deleteVideo(id);
  drop(id);
}
