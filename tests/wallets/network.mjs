// Wallets of ethers and viem send transactions that the network at the URL takes: a transfer each, a task that no
// provider knows by ethers, and its cancellation by viem. SECRET is the key of an account with credits, in hex.
import { JsonRpcProvider, Wallet, ethers, formatEther } from "ethers";
import { createPublicClient, http } from "viem";
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

// A chain as wallets see it.
const provider = new JsonRpcProvider(network + "/v1/rpc");
if ((await provider.getNetwork()).chainId !== BigInt(status.chain_id)) throw new Error("another chain by ethers");
const motes = BigInt((await get("accounts/" + to)).motes);
if ((await provider.getBalance(to)) !== motes * 10n ** 9n) throw new Error("another balance by ethers");
if (Number(formatEther(await provider.getBalance(to))) !== Number(motes) / 1e9) throw new Error("wallets show another amount");
const nonce = Number((await get("accounts/" + wallet.address)).nonce);
if ((await provider.getTransactionCount(wallet.address)) !== nonce) throw new Error("another nonce by ethers");
const latest = await provider.getBlock("latest");
const { height, head } = await get("status");
if (latest.number !== Number(height) || latest.hash !== head) throw new Error("another block by ethers");
const refused = await provider.broadcastTransaction("0x" + "00".repeat(4)).then(() => null, (error) => error);
if (refused === null) throw new Error("a transaction of Ethereum was taken");
provider.destroy();
const chain = createPublicClient({ transport: http(network + "/v1/rpc", { batch: true }) });
const [id, tip, balance] = await Promise.all([chain.getChainId(), chain.getBlockNumber(), chain.getBalance({ address: to })]);
if (id !== Number(status.chain_id) || tip !== BigInt(height) || balance !== motes * 10n ** 9n) throw new Error("another chain by viem");
if ((await chain.getBlock()).hash !== head) throw new Error("another block by viem");
const raw = await chain.request({ method: "eth_sendRawTransaction", params: ["0x02"] }).then(() => null, (error) => error);
if (!String(raw?.message).includes("EIP-712")) throw new Error("it does not say what this chain takes: " + raw);
console.log("all of it holds");
