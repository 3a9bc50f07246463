// Wallets of ethers and viem send transactions that the network at the URL takes: a transfer each, a task that no
// provider knows by ethers, and its cancellation by viem. SECRET is the key of an account with credits, in hex.
import { Wallet, ethers } from "ethers";
import { privateKeyToAccount } from "viem/accounts";

const network = process.argv[2];
const key = "0x" + process.env.SECRET.trim();
const wallet = new Wallet(key);
const account = privateKeyToAccount(key);

const get = async (path) => (await fetch(network + "/v1/" + path)).json();
const status = await get("status");
const domain = { name: "Starling", version: "1", chainId: Number(status.chain_id) };
const fields = (text) =>
  text.split(",").map((field) => ({ type: field.split(" ")[0], name: field.split(" ")[1] }));

async function send(name, types, values, sign) {
  const { nonce } = await get("accounts/" + wallet.address);
  const message = { ...values, from: wallet.address, nonce, fee: "100000" };
  const described = { [name]: fields(types + ",address from,uint64 nonce,uint64 fee") };
  const signature = await sign(described, message, name);
  const body = JSON.stringify({ domain, primaryType: name, message, signature });
  const reply = await fetch(network + "/v1/transactions", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body,
  });
  const { results } = await reply.json();
  if (results[0].code !== 0) throw new Error(name + ": " + JSON.stringify(results[0]));
  console.log(name, "is in block", results[0].height);
  return results[0];
}
const by_ethers = (types, message) => wallet.signTypedData(domain, types, message);
const by_viem = (types, message, primaryType) => account.signTypedData({ domain, types, primaryType, message });

const to = "0x000000000000000000000000000000000000dEaD";
const before = BigInt((await get("accounts/" + to)).motes);
await send("Transfer", "address to,uint64 motes", { to, motes: "1500000000" }, by_ethers);
await send("Transfer", "address to,uint64 motes", { to, motes: "500000000" }, by_viem);
const got = BigInt((await get("accounts/" + to)).motes) - before;
if (got !== 2000000000n) throw new Error("the transfers moved " + got);

const submitted = await send(
  "SubmitTask",
  "bytes32 program,bytes32 model,bytes32[] inputs,uint64 work_per_part,uint32 calls,uint64 memory_mebibytes," +
    "uint64 max_price,uint64 time_limit,uint64 deadline,string assurance",
  {
    program: ethers.id("program"),
    model: ethers.ZeroHash,
    inputs: [ethers.id("a red ball")],
    work_per_part: "3000000000000",
    calls: 7,
    memory_mebibytes: "64",
    max_price: "1000000000",
    time_limit: "60000",
    deadline: String(Date.now() + 3600_000),
    assurance: "single",
  },
  by_ethers,
);
const task = submitted.events[0].task;
await send("CancelTask", "uint64 task", { task }, by_viem);
const parts = await get("tasks/" + task + "/parts");
if (parts.parts[0].state !== "refunded") throw new Error("the task is " + JSON.stringify(parts));
console.log("all of it holds");
