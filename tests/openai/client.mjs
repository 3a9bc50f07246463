// What programs do with OpenAI's package, against the server at the URL: create, poll, download, list with paging,
// delete, and its errors. KEY and OTHER are two keys; HOOK is the secret of what KEY's webhook is signed with, and PORT
// where it is sent.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import OpenAI, { toFile } from "openai";

const baseURL = process.argv[2];
const client = new OpenAI({ baseURL, apiKey: process.env.KEY, webhookSecret: process.env.HOOK });
const other = new OpenAI({ baseURL, apiKey: process.env.OTHER });
const small = { size: "32x32", num_frames: 9, steps: 3 };

const hooks = [];
const receiver = createServer((request, response) => {
  let body = "";
  request.on("data", (piece) => (body += piece));
  request.on("end", async () => {
    hooks.push(await client.webhooks.unwrap(body, request.headers));
    response.writeHead(hooks.length === 1 ? 500 : 200).end(); // the first is sent again
  });
}).listen(Number(process.env.PORT), "127.0.0.1");

const finished = async (id) => {
  for (;;) {
    const video = await client.videos.retrieve(id);
    if (video.status === "completed" || video.status === "failed") return video;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};
const refused = async (promise, kind, status, code, param) => {
  const error = await promise.then(
    (value) => assert.fail(JSON.stringify(value)),
    (caught) => caught,
  );
  assert.ok(error instanceof kind, String(error));
  assert.equal(error.status, status);
  assert.equal(error.code, code);
  if (param !== undefined) assert.equal(error.param, param);
  assert.ok(error.message.length > 20);
  assert.match(error.requestID, /^req_/);
};

// As it is written for Sora, in the form that the package sends.
const asked = await client.videos.create({ model: "sora-2", prompt: "a red ball bounces", seconds: "4", ...small, num_frames: undefined });
assert.equal(asked.object, "video");
assert.equal(asked.model, "sora-2");
assert.equal(asked.seconds, "4");
assert.equal(asked.size, "32x32");
assert.equal(asked.error, null);
const video = await finished(asked.id);
assert.equal(video.status, "completed");
assert.equal(video.progress, 100);
assert.ok(video.completed_at >= video.created_at && video.expires_at > video.completed_at);
assert.match(video.starling.receipt, /^[0-9a-f]{64}$/);
assert.match(video.starling.provider, /^0x/);
assert.equal(video.starling.frames, 33);

const bytes = async (variant) => {
  const response = await client.videos.downloadContent(asked.id, variant && { variant });
  return [response.headers.get("content-type"), Buffer.from(await response.arrayBuffer())];
};
const [type, mp4] = await bytes();
assert.equal(type, "video/mp4");
assert.equal(mp4.subarray(4, 8).toString(), "ftyp");
for (const variant of ["thumbnail", "spritesheet"]) {
  const [kind, picture] = await bytes(variant);
  assert.equal(kind, "image/png");
  assert.equal(picture.subarray(1, 4).toString(), "PNG");
}
const part = await client.videos.downloadContent(asked.id, {}, { headers: { Range: "bytes=4-7" } });
assert.equal(part.status, 206);
assert.equal(await part.text(), "ftyp");

// Lists, page by page, in both orders.
const ids = [asked.id];
for (let i = 0; i < 4; ++i) {
  const next = await client.videos.create({ prompt: "a <b>blue</b> box & \"more\" " + i, ...small });
  assert.equal(next.prompt, "a <b>blue</b> box & \"more\" " + i);
  ids.push(next.id);
}
for (const order of ["asc", "desc"]) {
  const seen = [];
  for await (const one of client.videos.list({ limit: 2, order })) seen.push(one.id);
  assert.deepEqual(seen, order === "asc" ? ids : ids.toReversed());
}
const page = await client.videos.list({ limit: 3, after: ids[1], order: "asc" });
assert.deepEqual(page.data.map((one) => one.id), ids.slice(2));
assert.equal(page.has_more, false);

// Whoever clears up goes on from what is gone.
for (let i = 0; i < 5; ++i) await other.videos.create({ prompt: "gone", ...small });
for await (const one of other.videos.list({ limit: 2 })) await other.videos.delete(one.id);

// Errors, as the package tells them apart.
await refused(client.videos.create({ prompt: "x", size: "100x100" }), OpenAI.BadRequestError, 400, "invalid_value", "size");
await refused(client.videos.create({ prompt: "x", size: "32x32", seconds: "0.3" }), OpenAI.BadRequestError, 400, "invalid_value", "seconds");
await refused(client.videos.create({ prompt: "" }), OpenAI.BadRequestError, 400, "invalid_value", "prompt");
await refused(client.videos.create({ prompt: "x", model: "none" }), OpenAI.BadRequestError, 400, "model_not_found", "model");
await refused(client.videos.create({ prompt: "x", colour: "red" }), OpenAI.BadRequestError, 400, "unknown_parameter", "colour");
const picture = await toFile(Buffer.from("not a picture"), "../../etc/passwd", { type: "image/png" });
await refused(client.videos.create({ prompt: "x", input_reference: picture }), OpenAI.BadRequestError, 400, "invalid_value", "input_reference");
await refused(client.videos.remix("video_none", { prompt: "x" }), OpenAI.NotFoundError, 404, "not_found");
await refused(client.videos.getCharacter("char_none"), OpenAI.BadRequestError, 400, "unsupported");
await refused(client.videos.retrieve("video_none"), OpenAI.NotFoundError, 404, "not_found");
await refused(client.videos.downloadContent(asked.id, { variant: "sound" }), OpenAI.BadRequestError, 400, "invalid_value", "variant");
await refused(client.videos.list({ limit: 1000 }), OpenAI.BadRequestError, 400, "invalid_value", "limit");
await refused(new OpenAI({ baseURL, apiKey: "sk-wrong" }).videos.list(), OpenAI.AuthenticationError, 401, "invalid_api_key");

// What belongs to another key is not there.
await refused(other.videos.retrieve(asked.id), OpenAI.NotFoundError, 404, "not_found");
await refused(other.videos.downloadContent(asked.id), OpenAI.NotFoundError, 404, "not_found");
await refused(other.videos.delete(asked.id), OpenAI.NotFoundError, 404, "not_found");
assert.deepEqual((await other.videos.list()).data, []);

// One request that is sent twice is one video.
const again = { headers: { "Idempotency-Key": "one" } };
const once = await client.videos.create({ prompt: "once", ...small }, again);
assert.equal((await client.videos.create({ prompt: "once", ...small }, again)).id, once.id);
await refused(client.videos.create({ prompt: "other", ...small }, again), OpenAI.BadRequestError, 400, "idempotency_key_in_use");

const models = await client.models.list();
assert.equal((await client.models.retrieve(models.data[0].id)).object, "model");

for (const id of [...ids, once.id]) await finished(id);
const deleted = await client.videos.delete(asked.id);
assert.deepEqual({ ...deleted, _request_id: undefined }, { id: asked.id, deleted: true, object: "video.deleted", _request_id: undefined });
await refused(client.videos.retrieve(asked.id), OpenAI.NotFoundError, 404, "not_found");

// A picture is a video of one frame.
const drawn = await client.images.generate({ model: "gpt-image-1", prompt: "a red ball", size: "32x32", quality: "high", output_format: "png", n: 2 });
assert.equal(drawn.data.length, 2);
assert.equal(Buffer.from(drawn.data[0].b64_json, "base64").subarray(1, 4).toString(), "PNG");
assert.notEqual(drawn.data[0].b64_json, drawn.data[1].b64_json);
await refused(client.images.generate({ model: "dall-e-3", prompt: "a red ball", background: "transparent" }), OpenAI.BadRequestError, 400, "invalid_value", "background");

// Videos that go on from a picture and from videos.
const still = await toFile(Buffer.from(drawn.data[0].b64_json, "base64"), "still.png", { type: "image/png" });
const begun = await finished((await client.videos.create({ prompt: "it rolls", input_reference: still, ...small })).id);
assert.equal(begun.status, "completed", JSON.stringify(begun.error));
const remixed = await finished((await client.videos.remix(begun.id, { prompt: "a green ball", steps: 3 })).id);
assert.equal(remixed.status, "completed", JSON.stringify(remixed.error));
assert.equal(remixed.remixed_from_video_id, begun.id);
assert.equal(remixed.starling.frames, begun.starling.frames);
const longer = await finished((await client.videos.extend({ prompt: "it rolls on", seconds: "4", video: { id: begun.id }, steps: 3 })).id);
assert.equal(longer.status, "completed", JSON.stringify(longer.error));
assert.equal(longer.starling.frames, begun.starling.frames + 32);
const clip = await client.videos.downloadContent(begun.id);
const file = await toFile(Buffer.from(await clip.arrayBuffer()), "clip.mp4", { type: "video/mp4" });
const edited = await finished((await client.videos.edit({ prompt: "a black ball", video: file, ...small, num_frames: undefined })).id);
assert.equal(edited.status, "completed", JSON.stringify(edited.error));
ids.push(begun.id, remixed.id, longer.id, edited.id);

// Each video that ended was told of, signed; the one that was not taken came again. Pictures were waited for.
ids.push(once.id);
const told = () => new Set(hooks.map((hook) => hook.data.id));
const deadline = Date.now() + 60000;
while ((told().size < ids.length || hooks.length === told().size) && Date.now() < deadline) {
  await new Promise((resolve) => setTimeout(resolve, 50));
}
assert.deepEqual([...told()].sort(), ids.toSorted());
for (const hook of hooks) assert.deepEqual([hook.type, hook.object], ["video.completed", "event"]);
assert.equal(hooks.filter((hook) => hook.id === hooks[0].id).length, 2);
receiver.close();
receiver.closeAllConnections();
console.log("openai's package holds:", ids.length, "videos,", hooks.length, "webhooks");
