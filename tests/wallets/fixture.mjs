// Writes tests/ledger/data/signed.json: one transaction of every kind, signed by ethers and viem, in turn.
import { Wallet, TypedDataEncoder, ethers } from "ethers";
import { privateKeyToAccount } from "viem/accounts";

const key = "0x" + "42".repeat(32);
const wallet = new Wallet(key);
const account = privateKeyToAccount(key);
const domain = { name: "Starling", version: "1", chainId: 7001 };
const hash = (text) => ethers.id(text);
const max = (2n ** 64n - 1n).toString();

// Written down here a second time, so that a change of a type on either side shows.
const messages = {
  Transfer: ["address to,uint64 motes", { to: "0x000000000000000000000000000000000000dEaD", motes: "1500000000" }],
  RegisterModel: [
    "bytes32 model,string name,uint32 royalty,string[] locations",
    { model: hash("model"), name: "Star 星", royalty: 250, locations: ["http://127.0.0.1:1/blobs", ""] },
  ],
  UpdateModel: [
    "bytes32 model,address owner,string name,uint32 royalty,string[] locations",
    { model: hash("model"), owner: "0x000000000000000000000000000000000000bEEF", name: "", royalty: 0, locations: [] },
  ],
  RegisterProvider: [
    "string[] backends,uint64 memory_mebibytes,uint32 slots,uint64 rate,string endpoint",
    { backends: ["avx2", "avx512"], memory_mebibytes: "16384", slots: 2, rate: "2500", endpoint: "http://127.0.0.1:2" },
  ],
  AddStake: ["uint64 motes", { motes: max }],
  WithdrawStake: ["uint64 motes", { motes: "0" }],
  SubmitTask: [
    "bytes32 program,bytes32 model,bytes32[] inputs,uint64 work_per_part,uint32 calls,uint64 memory_mebibytes," +
      "uint64 max_price,uint64 time_limit,uint64 deadline,string assurance",
    {
      program: hash("program"),
      model: hash("model"),
      inputs: [hash("a red ball"), hash("a blue ball")],
      work_per_part: "3000000000000",
      calls: 30,
      memory_mebibytes: "900",
      max_price: "9000000",
      time_limit: "60000",
      deadline: "1790000000000",
      assurance: "single",
    },
  ],
  ClaimTask: ["uint64 task,uint32 parts,uint64 rate", { task: "1", parts: 2, rate: "2400" }],
  ReportProgress: [
    "uint64 task,uint32 part,uint32 calls,bytes32 calls_root",
    { task: "1", part: 1, calls: 12, calls_root: hash("calls") },
  ],
  CommitResult: ["uint64 task,uint32 part,bytes32 commitment", { task: "1", part: 0, commitment: hash("commitment") }],
  RevealResult: [
    "uint64 task,uint32 part,bytes32 output_root,bytes32 trace_root,bytes32 receipt,bytes32 salt",
    { task: "1", part: 0, output_root: hash("o"), trace_root: hash("t"), receipt: hash("r"), salt: hash("s") },
  ],
  CancelTask: ["uint64 task", { task: max }],
  StartBenchmark: ["", {}],
  ReportBenchmark: ["bytes32 output_root", { output_root: hash("output") }],
};

const fixture = [];
let nonce = 0;
for (const [primaryType, [fields, values]] of Object.entries(messages)) {
  const list = (fields + ",address from,uint64 nonce,uint64 fee").split(",").filter(Boolean).map((field) => {
    const [type, name] = field.split(" ");
    return { name, type };
  });
  const types = { [primaryType]: list };
  const message = { ...values, from: wallet.address, nonce: String(nonce), fee: "1000" };
  const signature =
    nonce % 2 === 0
      ? await wallet.signTypedData(domain, types, message)
      : await account.signTypedData({ domain, types, primaryType, message });
  const digest = TypedDataEncoder.hash(domain, types, message);
  fixture.push({ domain, primaryType, types, message, signature, digest });
  nonce += 1;
}
console.log(JSON.stringify(fixture, null, 1));
