// What a visitor with a KEY sees of a network that runs behind the server at the URL: blocks, providers, tasks and
// payments as they happen, keys, what a wallet signs, and that the network is away once the process DEVNET has ended.
// SECRET is the key of an account with credits, in hex; KEYFILE holds it too, under PASSWORD.
import assert from "node:assert/strict";
import { Wallet } from "ethers";
import { base, browser, complaints, look, visit } from "./visitor.mjs";

const withKey = (key) => (context) => context.addInitScript((kept) => localStorage.setItem("starling.key", kept), key);
const mine = withKey(process.env.KEY);

const page = await visit();
await page.getByText("This server asks for a key.").waitFor();
await page.getByLabel("Key", { exact: true }).fill("sk-starling-wrong");
await page.getByRole("button", { name: "Use this key" }).click();
await page.getByText("Give a key to go on").waitFor();
await page.getByLabel("Key", { exact: true }).fill(process.env.KEY);
await page.getByRole("button", { name: "Use this key" }).click();
await page.getByRole("link", { name: "Network" }).click();
await page.getByRole("heading", { name: "What happens" }).waitFor();
await page.getByText("registered as a provider").first().waitFor();
await page.getByText("They add up.").waitFor();
assert.equal(await page.locator(".providers tbody tr").count(), 2);

// A video that is asked for shows, from the task to who was paid. Another page asks, so that this one sees it live.
const other = await visit({}, mine);
await other.getByText(/providers could make it/).waitFor();
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

// What a provider made is run again in this browser, and by the server.
const check = async () => {
  await other.getByRole("button", { name: "Check it" }).click();
  await other.locator(".verdict.good").getByText(/It holds: \d+ of \d+ calls were run again here/).waitFor();
};
await check();
await look(other, "network-checked");
await other.getByRole("button", { name: "Have the server check" }).click();
await other.getByText(/It holds, says the server: it ran \d+ of \d+ calls/).waitFor();

await page.getByRole("link", { name: /was paid/ }).click();
await page.getByRole("heading", { name: "Task 1" }).waitFor();
await page.locator(".state.s-paid").waitFor();
await look(page, "network-task");
await page.locator("tbody a.account").click();
await page.getByRole("link", { name: "Its page as a provider" }).click();
await page.getByText("1 done, 0 late, 0 wrong").waitFor();
assert.notEqual(await page.locator(".facts .big").first().innerText(), "0");
await page.getByRole("textbox", { name: "Rate" }).fill("0,5");
await page.getByText("starling node --role provider --rate 0.5 --slots").waitFor();
await page.getByText(/% of the median of those that could win now/).waitFor();
await page.getByRole("textbox", { name: "Slots" }).fill("65");
await page.getByText("Give a rate in credits, 1 to 64 slots").waitFor();
await page.getByRole("textbox", { name: "Slots" }).fill("3");
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

const phone = await visit({ locale: "zh-CN", colorScheme: "dark", viewport: { width: 360, height: 740 }, deviceScaleFactor: 2 }, mine);
await phone.getByRole("link", { name: "网络" }).click();
await phone.getByText(/因任务 1 收到/).waitFor();
await look(phone, "network-phone");
for (const [name, heading] of [["providers", "提供者"], ["task/1", "任务 1"], ["keys", "本页面的密钥"], ["model", "模型: bundled"]]) {
  await phone.goto(`${base}/#/${name}`);
  await phone.getByRole("heading", { name: heading, exact: true }).first().waitFor();
  await look(phone, `phone-${name.replace("/", "-")}`);
}

// Keys: one is made, used, and revoked; it manages none and sees nobody else's videos.
await page.getByRole("link", { name: "Keys" }).click();
await page.getByLabel("Name").fill("<b>guest</b>");
await page.getByLabel("Budget in credits").fill("2.5");
await page.getByLabel("Days it works").fill("30");
await page.getByRole("button", { name: "Make key" }).click();
const secret = await page.locator(".verdict code").innerText();
assert.match(secret, /^sk-starling-[0-9a-f]{64}$/);
await page.getByText("0 of 2.5").waitFor();
await page.getByText(/^until /).waitFor();
await look(page, "keys-managed");
const guest = await visit({}, withKey(secret));
await guest.getByText("Nothing here yet").waitFor();
await guest.getByRole("link", { name: "Keys" }).click();
await guest.getByText("starling key create").waitFor();
assert.equal(await guest.getByRole("button", { name: "Make key" }).count(), 0);
await page.getByRole("button", { name: "Revoke: <b>guest</b>" }).click();
await page.getByText(/^revoked/).waitFor();
await guest.reload();
await guest.getByText("This server asks for a key.").first().waitFor();

// A wallet of the browser, which signs typed data with a key that the page never sees.
const wallet = new Wallet("0x" + process.env.SECRET.trim());
const owner = await visit({}, async (context) => {
  await mine(context);
  await context.exposeFunction("askWallet", async (method, params) => {
    if (method === "eth_requestAccounts") return [wallet.address];
    if (method === "wallet_addEthereumChain") {
      // As MetaMask does: it asks the chain itself, with no key and from a page of its own.
      const [{ chainId, rpcUrls, nativeCurrency }] = params;
      assert.deepEqual([nativeCurrency.decimals, nativeCurrency.symbol.length], [18, 6]);
      const answer = await fetch(rpcUrls[0], {
        method: "POST",
        headers: { "content-type": "application/json", origin: "chrome-extension://wallet" },
        body: JSON.stringify([{ jsonrpc: "2.0", id: 1, method: "eth_chainId", params: [] }]),
      });
      assert.equal((await answer.json())[0].result, chainId);
      return null;
    }
    assert.equal(method, "eth_signTypedData_v4");
    const { domain, types, message } = JSON.parse(params[1]);
    if (message.motes === "13000000000") throw new Error("the owner says no");
    delete types.EIP712Domain;
    return wallet.signTypedData(domain, types, message);
  });
  await context.addInitScript(() => {
    window.ethereum = { request: ({ method, params }) => window.askWallet(method, params), on: () => {} };
  });
});
await owner.getByRole("link", { name: "Keys" }).click();
await owner.getByRole("button", { name: "Connect a wallet" }).click();
await owner.getByRole("button", { name: "Add this chain to the wallet" }).click();
await owner.getByText("The wallet knows this chain.").waitFor();
const balance = owner.locator(".who b");
await balance.waitFor();
const before = parseFloat(await balance.innerText());
await owner.getByLabel("Send to").fill("0x000000000000000000000000000000000000dEaD");
const send = async (amount) => {
  await owner.getByLabel("Credits", { exact: true }).fill(amount);
  await owner.getByRole("button", { name: "Sign and send" }).click();
};
await send("1.5");
await owner.getByText(/^It is in block \d+\.$/).waitFor();
await owner.waitForFunction((most) => parseFloat(document.querySelector(".who b").innerText) < most, before - 1.4);
await look(owner, "wallet");
for (const [amount, why] of [["13", /the owner says no/], ["9999999999", /balance is less/], ["much", /give an amount/]]) {
  await send(amount);
  await owner.getByText(why).waitFor();
}
await owner.getByRole("link", { name: "What it did and got" }).click();
await owner.getByText("sent 1.5 credits").waitFor();
await look(owner, "account");

// A key file, for whoever has no wallet: it is opened in the page, and signs there.
const keyed = await visit({}, mine);
await keyed.getByRole("link", { name: "Keys" }).click();
await keyed.getByText("This browser has no wallet.").waitFor();
const open = async (password) => {
  await keyed.getByLabel("Or open a key file").setInputFiles(process.env.KEYFILE);
  await keyed.getByLabel("Its password").fill(password);
  await keyed.getByRole("button", { name: "Open", exact: true }).click();
};
await open("wrong");
await keyed.getByText("the password is wrong").waitFor();
await look(keyed, "key-file");
await open(process.env.PASSWORD);
await keyed.locator(".who b").waitFor();
assert.equal(await keyed.locator(".who code").innerText(), wallet.address);
await keyed.getByLabel("Send to").fill("0x000000000000000000000000000000000000dEaD");
await keyed.getByLabel("Credits", { exact: true }).fill("0,25");
await keyed.getByRole("button", { name: "Sign and send" }).click();
await keyed.getByText(/^It is in block \d+\.$/).waitFor();

process.kill(Number(process.env.DEVNET), "SIGTERM");
await page.goto(`${base}/#/network`);
await page.getByText("The network does not answer; what is shown may be old.").waitFor();
await look(page, "network-away");
await other.reload();
await check(); // takes none of the network

await browser.close();
assert.deepEqual(complaints, []);
console.log("the network's pages hold");
