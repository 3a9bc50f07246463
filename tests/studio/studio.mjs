// What a visitor does with the studio of the server at the URL: from a prompt to a video that was checked, other ways to
// ask, deletion; in both languages, in light and dark, on a phone. Nothing may be asked of any other machine.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import { base, browser, complaints, look, visit } from "./visitor.mjs";

const choose = async (page, label, value) => page.getByRole("spinbutton", { name: label, exact: true }).fill(value);
const tiles = (page) => page.locator(".tile");
const made = (page, count) => page.waitForFunction((n) => document.querySelectorAll(".tile video").length >= n, count);

// The page itself: what it is served with.
const served = await fetch(base);
assert.match(served.headers.get("content-security-policy"), /default-src 'none'; script-src 'self'/);
const html = await served.text();
assert.doesNotMatch(html, /<script(?![^>]*src=)|style=|https?:/);
const [script] = html.match(/\/assets\/[^"]*\.js/);
assert.match((await fetch(base + script)).headers.get("cache-control"), /immutable/);
assert.equal((await fetch(base, { headers: { "If-None-Match": served.headers.get("etag") } })).status, 304);

// How soon it is there, of three first visits the best, since other programs run too; and how much script that takes.
const paints = [];
let scripts = [];
for (let i = 0; i < 3; ++i) {
  const guest = await visit();
  await guest.getByText("Nothing here yet").waitFor();
  paints.push(await guest.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0].startTime));
  scripts = await guest.evaluate(() => performance.getEntriesByType("resource").map((one) => one.name).filter((name) => /\.js$/.test(name)));
  await guest.context().close();
}
const packed = await Promise.all(scripts.map(async (url) => gzipSync(Buffer.from(await (await fetch(url)).arrayBuffer())).length));
const kibibytes = packed.reduce((sum, size) => sum + size, 0) / 1024;
console.log(`first paint after ${paints.map((one) => one.toFixed(0)).join(", ")} ms; ${kibibytes.toFixed(1)} KiB of script, compressed`);
assert.ok(Math.min(...paints) <= 1000, "the first paint takes longer than a second");
assert.ok(scripts.length > 0 && kibibytes <= 200, "more than 200 KiB of script");

// From a prompt to a video that was checked.
const page = await visit();
await page.getByText("Nothing here yet").waitFor();
await look(page, "empty");
await page.getByLabel("What shall the video show?").fill("a red ball bounces on green ground");
await choose(page, "Seed", "7");
await choose(page, "Videos", "3");
await choose(page, "Steps", "60");
await page.getByLabel("What it comes to").getByText(/multiply–adds in 195 calls · costs nothing/).waitFor();
await page.keyboard.press("Enter");
await page.locator(".screen img").first().waitFor(); // comes out of noise
const { frames, seen, milliseconds } = await page.evaluate(
  () =>
    new Promise((resolve) => {
      const begun = performance.now();
      let frames = 0;
      const seen = new Set();
      const step = (now) => {
        ++frames;
        for (const image of document.querySelectorAll(".screen img")) seen.add(image.src);
        if (now - begun < 3000) requestAnimationFrame(step);
        else resolve({ frames, seen: seen.size, milliseconds: now - begun });
      };
      requestAnimationFrame(step);
    }),
);
console.log(`${((1000 * frames) / milliseconds).toFixed(0)} frames/s while ${seen} previews came in ${(milliseconds / 1000).toFixed(1)} s`);
assert.ok(seen > 0);
await made(page, 3);
await look(page, "videos");
assert.equal(await page.evaluate(() => document.querySelector("video").videoWidth), 64);

await tiles(page).first().getByRole("checkbox").check();
await tiles(page).nth(1).getByRole("checkbox").check();
await page.getByRole("button", { name: "Compare 2" }).click();
await page.getByRole("button", { name: "Play together" }).click();
await look(page, "compare");
await page.getByRole("link", { name: "Create" }).click();

await tiles(page).last().locator("a.picture").click();
await page.getByRole("heading", { name: "a red ball bounces on green ground" }).waitFor();
await page.locator(".cell").first().waitFor();
assert.equal(await page.locator(".cell").count(), 65);
await page.getByRole("button", { name: "Check it" }).click();
await page.getByText(/It holds: \d+ of 65 calls were run again here/).waitFor();
await page.getByText(/numbers came out alike, of .* multiply–adds, in [0-9.]+ s/).waitFor();
assert.ok((await page.locator(".cell.passed").count()) >= 3);
await look(page, "checked");
await page.getByRole("button", { name: "Have the server check" }).click();
await page.getByText(/It holds, says the server: it ran \d+ of 65 calls/).waitFor();

// A server that changes a bit of what it sends, anywhere, is found out: the check here says what does not match.
const changed = async (pattern, at, sentence, step = Infinity) => {
  await page.route(pattern, async (route) => {
    const response = await route.fetch();
    const body = await response.body();
    for (let place = at < 0 ? body.length + at : at; place < body.length; place += step) body[place] ^= 1;
    await route.fulfill({ response, body });
  });
  await page.getByRole("button", { name: "Check it" }).click();
  await page.locator(".verdict.bad").getByText(sentence).waitFor();
  assert.equal(await page.locator(".verdict.good").count(), 0);
  await page.unroute(pattern);
};
await changed("**/content?variant=receipt", 100, "The receipt is not the one of this video");
await changed("**/content?variant=video", -1, "The video file is not the one");
await changed("**/content?variant=program", 4000, "The program is not the one");
await changed("**/content?variant=program", -1, "The input “");
await changed("**/content?variant=trace", 30, "The kept outputs of calls are not those");
await changed("**/models/*/files/**", 5, "is not the model's", 64); // in every weight
await changed("**/*.wasm", 0, "The check could not be run");
await look(page, "not-checked");

// Stopped, and begun again.
await page.getByRole("combobox", { name: "Calls to draw" }).selectOption("all");
await page.getByRole("button", { name: "Check it" }).click();
await page.locator(".cell.passed").first().waitFor();
await page.getByRole("button", { name: "Stop" }).click();
await page.getByRole("button", { name: "Check it" }).waitFor();
const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Download MP4" }).click()]);
assert.equal((await readFile(await file.path())).subarray(4, 8).toString(), "ftyp");

// Made anew and longer.
for (const name of ["Remix", "Extend"]) {
  const own = page.url();
  await page.getByRole("button", { name }).click();
  await page.getByLabel("What shall the video show?").fill("a blue ball rolls on ice");
  await choose(page, "Steps", "4");
  const before = await tiles(page).count();
  await page.getByRole("button", { name: "Make video" }).click();
  await page.waitForFunction((n) => document.querySelectorAll(".tile").length > n, before);
  await made(page, before + 1);
  await page.goto(own);
}

// Two videos are connected by what happens between them.
await page.goto(`${base}/#/`);
await tiles(page).first().getByRole("checkbox").check();
await tiles(page).nth(1).getByRole("checkbox").check();
await page.getByRole("button", { name: "Connect" }).click();
await page.getByText("Makes what happens between these two videos").waitFor();
await choose(page, "Steps", "4");
await choose(page, "Seconds", "1");
await page.getByText(/about [0-9.]+ s/).waitFor();
await look(page, "connect");
const apart = await tiles(page).count();
await page.getByRole("button", { name: "Make video" }).click();
await page.waitForFunction((n) => document.querySelectorAll(".tile").length > n, apart);
await made(page, apart + 1);
await tiles(page).first().locator("a.picture").click();
await page.getByText("another video").waitFor();

// Deleted, after a question.
for (let i = 0; i < 2; ++i) {
  const before = await tiles(page).count();
  if (before > 0) await tiles(page).first().locator("a.picture").click();
  await page.getByRole("button", { name: "Delete" }).click();
  await page.getByRole("button", { name: "Yes, delete" }).click();
  await tiles(page).first().waitFor();
}
await made(page, 4);
assert.equal(await tiles(page).count(), 4);

// A picture that is dropped is the first frame; words that the model does not know are named; what cannot be made is said.
const still = await page.evaluate(async () => {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 64;
  const pen = canvas.getContext("2d");
  pen.fillStyle = "#3a8f3a";
  pen.fillRect(0, 0, 64, 64);
  pen.fillStyle = "#c22";
  pen.fillRect(20, 20, 24, 24);
  return canvas.toDataURL("image/png").split(",")[1];
});
await page.locator("input[type=file]").setInputFiles({ name: "still.png", mimeType: "image/png", buffer: Buffer.from(still, "base64") });
await page.getByText("Begins with still.png").waitFor();
const markup = "<img src=x onerror=alert(1)> <b>red</b> dragon";
await page.getByLabel("What shall the video show?").fill(markup);
await page.getByText(/This model never learnt .*“dragon”/).waitFor();
await choose(page, "Steps", "4");
await page.getByRole("button", { name: "Make video" }).click();
await made(page, 5);
assert.equal(await tiles(page).first().locator(".prompt").innerText(), markup);
await tiles(page).first().locator("a.picture").click();
await page.getByRole("heading", { name: markup }).waitFor();
await page.goto(`${base}/#/`);
await page.getByRole("combobox", { name: "Size" }).selectOption("Other");
await choose(page, "Width", "8192");
await choose(page, "Height", "8192");
await page.getByLabel("What shall the video show?").fill("a red ball");
await page.getByRole("button", { name: "Make video" }).click();
await page.getByRole("alert").getByText("more than this server can make").waitFor();

for (const [name, path] of [["model", "model"], ["keys", "keys"], ["missing", "nowhere"], ["gone", "video/video_none"]]) {
  await page.goto(`${base}/#/${path}`);
  await page.locator("h1").waitFor();
  await look(page, name);
}

// What the model is, can do, and scores: as its folder says.
await page.goto(`${base}/#/model`);
await page.locator("#scores").waitFor();
assert.match(await page.locator(".scores tbody tr").first().innerText(), /\d+ %/);
await page.getByRole("heading", { name: "How it was trained" }).waitFor();
await look(page, "model-card");

// By keyboard alone: to the content, a prompt, and the video.
await page.goto(`${base}/#/`);
await page.reload();
await page.locator("#prompt").waitFor();
await page.keyboard.press("Tab");
assert.equal(await page.evaluate(() => document.activeElement.className), "skip");
await page.keyboard.press("Enter");
await page.keyboard.press("Tab");
assert.equal(await page.evaluate(() => document.activeElement.id), "prompt");

// Dark, as the visitor's system is; Chinese, as the browser is; a phone.
const dark = await visit({ colorScheme: "dark" });
await made(dark, 5);
await look(dark, "dark");
await tiles(dark).last().locator("a.picture").click();
await dark.locator(".cell").first().waitFor();
await look(dark, "dark-video");
await dark.getByRole("button", { name: "Light colours" }).click();
assert.equal(await dark.evaluate(() => document.documentElement.dataset.theme), "light");

const phone = await visit({ locale: "zh-CN", viewport: { width: 360, height: 740 }, deviceScaleFactor: 2, hasTouch: true });
await made(phone, 5);
assert.equal(await phone.evaluate(() => document.documentElement.lang), "zh-Hans");
await phone.getByLabel("想看什么样的视频？").fill("一个红色的球在草地上弹跳");
await phone.getByRole("button", { name: "生成视频" }).click();
await made(phone, 6);
await look(phone, "phone");
await tiles(phone).first().locator("a.picture").click();
await phone.getByRole("button", { name: "核对", exact: true }).click();
await phone.getByText(/核对通过：本浏览器/).waitFor();
await look(phone, "phone-video");
await phone.getByRole("button", { name: "English, switch to English" }).click();
await phone.getByRole("heading", { name: "How it was made" }).waitFor();

await browser.close();
assert.deepEqual(complaints, []);
console.log("the studio holds");
