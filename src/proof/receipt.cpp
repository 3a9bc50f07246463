#include "proof/receipt.h"

#include "proof/commitment.h"

namespace starling::proof {

using base::Hash;
using base::Json;

namespace {

constexpr std::string_view kFormat = "starling receipt 1";

Json hash_list(const std::vector<Hash>& hashes) {
  Json list = Json::empty_array();
  for (const Hash& hash : hashes) list.push(hash.hex());
  return list;
}

base::Result<std::vector<Hash>> read_hash_list(const Json& json, std::string_view key) {
  STARLING_ASSIGN(const Json* list, json.array(key));
  std::vector<Hash> hashes;
  hashes.reserve(list->elements().size());
  for (const Json& element : list->elements()) {
    STARLING_ASSIGN(const std::string text, element.as_text());
    STARLING_ASSIGN(const Hash hash, Hash::from_hex(text));
    hashes.push_back(hash);
  }
  return hashes;
}

base::Result<Hash> read_hash(const Json& json, std::string_view key) {
  STARLING_ASSIGN(const std::string text, json.text(key));
  return Hash::from_hex(text);
}

Json unsigned_json(const Receipt& receipt) {
  Json inputs = Json::empty_object();
  for (const auto& [name, root] : receipt.inputs) inputs.set(name, root.hex());
  Json work = Json::empty_object();
  work.set("elements", receipt.work.elements);
  work.set("f32_multiply_adds", receipt.work.f32_multiply_adds);
  work.set("i8_multiply_adds", receipt.work.i8_multiply_adds);
  Json json = Json::empty_object();
  json.set("calls", hash_list(receipt.calls));
  json.set("executor", receipt.executor.text());
  if (receipt.file) json.set("file", to_json(*receipt.file));
  json.set("format", kFormat);
  json.set("frames", hash_list(receipt.frames));
  json.set("inputs", std::move(inputs));
  json.set("model_root", receipt.model_root.hex());
  json.set("output_root", receipt.output_root.hex());
  json.set("parameters", receipt.parameters);
  json.set("program_root", receipt.program_root.hex());
  json.set("task", receipt.task);
  json.set("trace_root", receipt.trace_root.hex());
  json.set("version", receipt.version);
  json.set("work", std::move(work));
  return json;
}

base::Result<Receipt> read_receipt(const Json& json) {
  STARLING_ASSIGN(const std::string format, json.text("format"));
  if (format != kFormat) return base::corrupt("its format is \"" + format + "\", not \"" + std::string(kFormat) + "\"");
  Receipt receipt;
  STARLING_ASSIGN(receipt.version, json.text("version"));
  STARLING_ASSIGN(receipt.task, json.text("task"));
  STARLING_ASSIGN(const Json* parameters, json.object("parameters"));
  receipt.parameters = *parameters;
  STARLING_ASSIGN(receipt.model_root, read_hash(json, "model_root"));
  STARLING_ASSIGN(receipt.program_root, read_hash(json, "program_root"));
  STARLING_ASSIGN(const Json* inputs, json.object("inputs"));
  for (const base::JsonMember& member : inputs->members()) {
    STARLING_ASSIGN(receipt.inputs[member.key], read_hash(*inputs, member.key));
  }
  STARLING_ASSIGN(const Json* work, json.object("work"));
  STARLING_ASSIGN(receipt.work.elements, work->u64("elements"));
  STARLING_ASSIGN(receipt.work.f32_multiply_adds, work->u64("f32_multiply_adds"));
  STARLING_ASSIGN(receipt.work.i8_multiply_adds, work->u64("i8_multiply_adds"));
  STARLING_ASSIGN(receipt.calls, read_hash_list(json, "calls"));
  STARLING_ASSIGN(receipt.frames, read_hash_list(json, "frames"));
  STARLING_ASSIGN(receipt.trace_root, read_hash(json, "trace_root"));
  STARLING_ASSIGN(receipt.output_root, read_hash(json, "output_root"));
  if (json.has("file")) {
    STARLING_ASSIGN(const Json* file, json.object("file"));
    STARLING_ASSIGN(receipt.file, output_file_from_json(*file));
  }
  STARLING_ASSIGN(const std::string executor, json.text("executor"));
  STARLING_ASSIGN(receipt.executor, base::Address::from_text(executor));
  STARLING_ASSIGN(const std::string signature, json.text("signature"));
  STARLING_ASSIGN(receipt.signature, base::Signature::from_hex(signature));
  return receipt;
}

}  // namespace

Json to_json(const OutputFile& file) {
  Json json = Json::empty_object();
  json.set("bytes", file.bytes);
  json.set("sha256", file.sha256.hex());
  return json;
}

base::Result<OutputFile> output_file_from_json(const Json& json) {
  OutputFile file;
  STARLING_ASSIGN(file.bytes, json.u64("bytes"));
  STARLING_ASSIGN(file.sha256, read_hash(json, "sha256"));
  return file;
}

base::Status sign_receipt(Receipt& receipt, const base::SecretKey& key) {
  receipt.executor = key.address();
  receipt.trace_root = list_root(receipt.calls);
  receipt.output_root = list_root(receipt.frames);
  STARLING_ASSIGN(const std::string text, unsigned_json(receipt).canonical());
  receipt.signature = key.sign(base::personal_digest(base::as_bytes(text)));
  return {};
}

base::Result<std::string> receipt_text(const Receipt& receipt) {
  Json json = unsigned_json(receipt);
  json.set("signature", receipt.signature.hex());
  STARLING_ASSIGN(std::string text, json.canonical());
  return text + "\n";
}

base::Result<Receipt> parse_receipt(std::string_view text) {
  base::JsonLimits limits;
  limits.bytes = kMaxReceiptBytes;
  limits.depth = 8;
  STARLING_ASSIGN(const Json json, Json::parse(text, "the receipt", limits));
  base::Result<Receipt> receipt = read_receipt(json);
  if (!receipt.ok()) return base::corrupt("the receipt is damaged: " + receipt.error().message);
  const base::Result<std::string> again = receipt_text(*receipt);
  if (!again.ok() || *again != text) {
    return base::corrupt("the receipt is not in the form in which receipts are written: it was changed");
  }
  return receipt;
}

std::optional<Difference> check_receipt(const Receipt& receipt) {
  const base::Result<std::string> text = unsigned_json(receipt).canonical();
  if (!text.ok() || !base::verify(base::personal_digest(base::as_bytes(*text)), receipt.signature, receipt.executor)) {
    return Difference{"receipt: its signature is not that of " + receipt.executor.text() +
                      ": it was changed after it was signed"};
  }
  if (receipt.trace_root != list_root(receipt.calls)) return Difference{"receipt: trace_root is not that of its calls"};
  if (receipt.output_root != list_root(receipt.frames)) {
    return Difference{"receipt: output_root is not that of its frames"};
  }
  return std::nullopt;
}

std::optional<Difference> check_rebuilt(const Receipt& receipt, const Rebuilt& rebuilt) {
  if (receipt.program_root != rebuilt.program_root) {
    return Difference{"program: the receipt's parameters give " + rebuilt.program_root.hex() + ", the receipt names " +
                      receipt.program_root.hex()};
  }
  for (const auto& [name, root] : rebuilt.inputs) {
    const auto found = receipt.inputs.find(name);
    if (found == receipt.inputs.end() || found->second != root) {
      return Difference{"input " + name + ": it is not what the receipt's parameters give"};
    }
  }
  if (receipt.inputs.size() != rebuilt.inputs.size())
    return Difference{"input: the receipt names one that is not there"};
  if (receipt.work.elements != rebuilt.work.elements ||
      receipt.work.f32_multiply_adds != rebuilt.work.f32_multiply_adds ||
      receipt.work.i8_multiply_adds != rebuilt.work.i8_multiply_adds) {
    return Difference{"work: the receipt claims another amount than the program has"};
  }
  if (receipt.calls.size() != rebuilt.calls) return Difference{"program: the receipt has another number of calls"};
  if (receipt.frames.size() != rebuilt.frames) return Difference{"program: the receipt has another number of frames"};
  return std::nullopt;
}

}  // namespace starling::proof
