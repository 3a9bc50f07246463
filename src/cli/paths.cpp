#include "cli/paths.h"

#include <string>

#include "base/file.h"
#include "generate/video_check.h"
#include "node/acceptance.h"

namespace starling::cli {

namespace fs = std::filesystem;

fs::path receipt_path(const fs::path& video) {
  // A path that ends in a slash names a folder: its last part is empty.
  const fs::path named = video.has_filename() ? video : video.parent_path();
  return named.parent_path() / (named.stem().string() + ".receipt.json");
}

std::optional<fs::path> other_video_of_receipt(const fs::path& video) {
  const fs::path receipt_file = receipt_path(video);
  const auto text = base::read_text_file(receipt_file, proof::kMaxReceiptBytes);
  if (!text.ok()) return {};
  const auto receipt = proof::parse_receipt(*text);
  if (!receipt.ok()) return {};
  const std::optional<proof::OutputFile> written = written_file(receipt_file, *receipt, *text);
  if (!written.has_value()) return {};
  std::string stem = receipt_file.filename().string();
  stem.resize(stem.size() - std::string_view(".receipt.json").size());
  for (const char* extension : {".mp4", ".webm", ".gif", ".png"}) {
    fs::path other = receipt_file.parent_path() / (stem + extension);
    std::error_code ignored;
    if (other == video || fs::file_size(other, ignored) != written->bytes) continue;
    const auto file = generate::describe_file(other);
    if (file.ok() && file->sha256 == written->sha256) return other;
  }
  return {};
}

namespace {

// out.ENDING for out.receipt.json.
fs::path beside(const fs::path& receipt, const char* ending) {
  std::string name = receipt.filename().string();
  for (const std::string part : {".json", ".receipt"}) {
    if (name.ends_with(part)) name.resize(name.size() - part.size());
  }
  return receipt.parent_path() / (name + ending);
}

}  // namespace

std::optional<proof::OutputFile> written_file(const fs::path& receipt_file, const proof::Receipt& receipt,
                                              const std::string& text) {
  if (receipt.file.has_value()) return receipt.file;
  const fs::path file = acceptance_path(receipt_file);
  const auto acceptance_text = base::read_text_file(file, node::kMaxAcceptanceBytes);
  if (!acceptance_text.ok()) return {};
  const auto json = base::Json::parse(*acceptance_text, file.string());
  if (!json.ok()) return {};
  const auto acceptance = node::read_acceptance(*json);
  if (!acceptance.ok() || !node::is_of(*acceptance, text)) return {};
  return acceptance->file;
}

fs::path trace_path(const fs::path& receipt) { return beside(receipt, ".trace"); }

fs::path inputs_path(const fs::path& receipt) { return beside(receipt, ".inputs"); }

fs::path acceptance_path(const fs::path& receipt) { return beside(receipt, ".acceptance.json"); }

}  // namespace starling::cli
