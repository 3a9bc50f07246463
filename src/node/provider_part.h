#pragma once

#include <compare>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/hash.h"
#include "base/json.h"
#include "base/result.h"
#include "ledger/market/messages.h"
#include "store/blobs.h"

namespace starling::node {

struct PartName {
  std::uint64_t task = 0;
  std::uint32_t part = 0;

  auto operator<=>(const PartName&) const = default;  // NOLINT(modernize-use-nullptr)
  std::string text() const { return std::to_string(task) + "-" + std::to_string(part); }
};

struct StoredBlob {
  base::Hash name;
  std::uint64_t bytes = 0;
};

// What a provider made of a part, and the salt that binds it: without the salt nothing is paid, so it is on the disk
// before the ledger hears of the commitment.
struct PartResult {
  base::Hash input;
  base::Hash output_root;
  base::Hash trace_root;
  base::Hash receipt;  // SHA-256 of the receipt's text
  base::Hash salt;
  StoredBlob receipt_blob;
  StoredBlob frames_blob;  // pixels of all frames, one after another
  StoredBlob trace_blob;
  std::int64_t finished = 0;  // Unix seconds

  ledger::market::RevealResult reveal(const PartName& name) const;
  // What peers ask for: {"frames": {"blob", "bytes"}, "receipt": …, "trace": …}.
  base::Json files_json() const;
};
struct ResultFiles {
  StoredBlob receipt;
  StoredBlob frames;
  StoredBlob trace;
};
base::Result<ResultFiles> result_files_from_json(const base::Json& json);

// The folder of one part: its journal while it runs, its result when it is done. home/parts/CHAIN-TASK-PART.
class PartFolder {
 public:
  PartFolder(const std::filesystem::path& home, std::uint64_t chain_id, const PartName& name);

  std::filesystem::path journal() const { return folder_ / "journal"; }
  std::filesystem::path trace() const { return folder_ / "trace"; }
  base::Status make() const;
  // Durable when this returns; the journal is gone.
  base::Status save(const PartResult& result) const;
  // Nothing if there is none; kCorrupt if it cannot be read.
  base::Result<std::optional<PartResult>> load() const;
  void remove() const;

  // All parts of a chain that have a folder; those of other chains are left alone.
  static std::vector<PartName> list(const std::filesystem::path& home, std::uint64_t chain_id);

 private:
  std::filesystem::path result() const { return folder_ / "result.json"; }
  std::filesystem::path folder_;
};

}  // namespace starling::node
