#include "node/provider_part.h"

#include <algorithm>
#include <charconv>
#include <system_error>

#include "base/file.h"
#include "ledger/json_fields.h"

namespace starling::node {

namespace fs = std::filesystem;

namespace {

constexpr const char* kResultFormat = "starling result 1";
constexpr std::size_t kMaxResultBytes = std::size_t{64} << 10;

base::Json blob_json(const StoredBlob& blob) {
  base::Json json = base::Json::empty_object();
  json.set("blob", "0x" + blob.name.hex());
  json.set("bytes", std::to_string(blob.bytes));
  return json;
}

base::Result<StoredBlob> blob_from_json(const base::Json& json, const char* name) {
  STARLING_ASSIGN(const base::Json* const member, json.object(name));
  StoredBlob blob;
  STARLING_ASSIGN(const std::string text, member->text("blob"));
  STARLING_ASSIGN(blob.name, base::Hash::from_hex(text));
  const base::Json* const bytes = member->find("bytes");
  if (bytes == nullptr) return base::corrupt(std::string(name) + ": its size is missing");
  STARLING_ASSIGN(blob.bytes, ledger::json_u64(*bytes));
  return blob;
}

base::Result<base::Hash> hash_member(const base::Json& json, const char* name) {
  STARLING_ASSIGN(const std::string text, json.text(name));
  return base::Hash::from_hex(text);
}

base::Result<PartResult> result_from_json(const base::Json& json) {
  STARLING_ASSIGN(const std::string format, json.text("format"));
  if (format != kResultFormat) return base::unsupported("the format \"" + format + "\" is not known");
  PartResult result;
  STARLING_ASSIGN(result.input, hash_member(json, "input"));
  STARLING_ASSIGN(result.output_root, hash_member(json, "output_root"));
  STARLING_ASSIGN(result.trace_root, hash_member(json, "trace_root"));
  STARLING_ASSIGN(result.receipt, hash_member(json, "receipt"));
  STARLING_ASSIGN(result.salt, hash_member(json, "salt"));
  STARLING_ASSIGN(const base::Json* const files, json.object("files"));
  STARLING_ASSIGN(const ResultFiles blobs, result_files_from_json(*files));
  result.receipt_blob = blobs.receipt;
  result.frames_blob = blobs.frames;
  result.trace_blob = blobs.trace;
  STARLING_ASSIGN(result.finished, json.integer("finished"));
  return result;
}

}  // namespace

ledger::market::RevealResult PartResult::reveal(const PartName& name) const {
  return {name.task, name.part, output_root, trace_root, receipt, salt};
}

base::Json PartResult::files_json() const {
  base::Json json = base::Json::empty_object();
  json.set("frames", blob_json(frames_blob));
  json.set("receipt", blob_json(receipt_blob));
  json.set("trace", blob_json(trace_blob));
  return json;
}

base::Result<ResultFiles> result_files_from_json(const base::Json& json) {
  ResultFiles files;
  STARLING_ASSIGN(files.receipt, blob_from_json(json, "receipt"));
  STARLING_ASSIGN(files.frames, blob_from_json(json, "frames"));
  STARLING_ASSIGN(files.trace, blob_from_json(json, "trace"));
  return files;
}

PartFolder::PartFolder(const fs::path& home, std::uint64_t chain_id, const PartName& name)
    : folder_(home / "parts" / (std::to_string(chain_id) + "-" + name.text())) {}

base::Status PartFolder::make() const { return base::make_directories(folder_); }

base::Status PartFolder::save(const PartResult& part) const {
  base::Json json = base::Json::empty_object();
  json.set("format", kResultFormat);
  json.set("input", part.input.hex());
  json.set("output_root", part.output_root.hex());
  json.set("trace_root", part.trace_root.hex());
  json.set("receipt", part.receipt.hex());
  json.set("salt", part.salt.hex());
  json.set("files", part.files_json());
  json.set("finished", part.finished);
  STARLING_TRY(base::write_file(result(), base::as_bytes(json.to_text() + "\n"), base::FileMode::kPrivate));
  STARLING_TRY(base::sync_directory(folder_.parent_path()));
  std::error_code ignored;
  fs::remove(journal(), ignored);
  fs::remove(trace(), ignored);
  return {};
}

base::Result<std::optional<PartResult>> PartFolder::load() const {
  const auto text = base::read_text_file(result(), kMaxResultBytes);
  if (!text.ok() && text.error().code == base::ErrorCode::kNotFound) return std::optional<PartResult>();
  if (!text.ok()) return text.error();
  STARLING_ASSIGN(const base::Json json, base::Json::parse(*text, result().string()));
  const auto found = result_from_json(json);
  if (!found.ok()) return base::corrupt(result().string() + ": " + found.error().message);
  return std::optional(*found);
}

void PartFolder::remove() const {
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

std::vector<PartName> PartFolder::list(const fs::path& home, std::uint64_t chain_id) {
  std::vector<PartName> names;
  std::error_code error;
  const std::string prefix = std::to_string(chain_id) + "-";
  for (fs::directory_iterator it(home / "parts", error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (!name.starts_with(prefix)) continue;
    PartName part;
    const char* const last = name.data() + name.size();
    const auto task = std::from_chars(name.data() + prefix.size(), last, part.task);
    if (task.ec != std::errc() || task.ptr == last || *task.ptr != '-') continue;
    const auto index = std::from_chars(task.ptr + 1, last, part.part);
    if (index.ec == std::errc() && index.ptr == last) names.push_back(part);
  }
  std::ranges::sort(names);
  return names;
}

}  // namespace starling::node
