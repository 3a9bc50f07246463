// What a visitor sees of a network that runs behind the server at the URL: blocks, providers, tasks and payments as they
// happen, and that it is away once the process DEVNET has ended.
import assert from "node:assert/strict";
import { base, browser, complaints, look, visit } from "./visitor.mjs";

const page = await visit();
await page.getByRole("link", { name: "Network" }).click();
await page.getByRole("heading", { name: "What happens" }).waitFor();
await page.getByText("registered as a provider").first().waitFor();
await page.getByText("They add up.").waitFor();
assert.equal(await page.locator(".providers tbody tr").count(), 2);

// A video that is asked for shows, from the task to who was paid. Another page asks, so that this one sees it live.
const other = await visit();
await other.getByLabel("What shall the video show?").fill("a red ball bounces on green ground");
await other.getByRole("spinbutton", { name: "Steps", exact: true }).fill("6");
await other.getByRole("button", { name: "Make video" }).click();
await page.getByText(/asked for a video: task 1/).waitFor();
await page.getByText(/was paid [0-9.]+ credits for task 1/).waitFor();
await page.locator(".flows").getByText("for work").waitFor();
await look(page, "network");
await other.waitForFunction(() => document.querySelector(".tile video"));
await other.locator("a.picture").click();
await other.getByText("a provider of the network, task 1").waitFor();
await look(other, "network-video");

await page.getByRole("link", { name: /was paid/ }).click();
await page.getByRole("heading", { name: "Task 1" }).waitFor();
await page.locator(".state.s-paid").waitFor();
await look(page, "network-task");
await page.locator("tbody a.account").click();
await page.getByRole("link", { name: "Its page as a provider" }).click();
await page.getByText("1 done, 0 late, 0 wrong").waitFor();
assert.notEqual(await page.locator(".facts .big").first().innerText(), "0");
await look(page, "network-provider");
await page.getByRole("link", { name: "Providers", exact: true }).click();
await page.getByRole("heading", { name: "Become one" }).waitFor();
await look(page, "network-providers");

// Nothing that stands in an address reaches anything but what is listed.
for (const path of ["account/..%2f..%2fstatus", "task/<img src=x onerror=alert(1)>", "providers/0x00"]) {
  await page.goto(`${base}/#/${path}`);
  await page.locator("h1").waitFor();
  await look(page, "network-strange");
}

const phone = await visit({ locale: "zh-CN", colorScheme: "dark", viewport: { width: 360, height: 740 }, deviceScaleFactor: 2 });
await phone.getByRole("link", { name: "网络" }).click();
await phone.getByText(/因任务 1 收到/).waitFor();
await look(phone, "network-phone");

process.kill(Number(process.env.DEVNET), "SIGTERM");
await page.goto(`${base}/#/network`);
await page.getByText("The network does not answer; what is shown may be old.").waitFor();
await look(page, "network-away");

await browser.close();
assert.deepEqual(complaints, []);
console.log("the network's pages hold");
