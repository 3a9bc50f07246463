#include "models/packed_weights.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <mutex>
#include <optional>
#include <system_error>
#include <vector>

#include "base/log.h"
#include "base/partial.h"
#include "models/checkpoint.h"

namespace starling::models {
namespace {

namespace fs = std::filesystem;

using exact::Packer;
using exact::Tensor;

constexpr std::string_view kFolder = ".packed";
constexpr std::string_view kPanelsExtension = ".panels";
constexpr std::size_t kNameDigits = 16;  // of a hash, in a file's name
constexpr std::size_t kPiece = std::size_t{1} << 20U;
constexpr std::size_t kWrittenAtOnce = std::size_t{8} << 20U;
constexpr std::uint64_t kSpareDisk = std::uint64_t{1} << 30U;  // left to others

std::uint64_t sum_of(base::ByteView bytes, base::ThreadPool* pool) {
  std::vector<std::uint64_t> sums((bytes.size() + kPiece - 1) / kPiece);
  const auto add = [&](std::size_t begin, std::size_t end, int) {
    for (std::size_t i = begin; i < end; ++i) {
      sums[i] = panel_sum(bytes.subspan(i * kPiece, std::min(kPiece, bytes.size() - i * kPiece)));
    }
  };
  if (pool == nullptr) {
    add(0, sums.size(), 0);
  } else {
    pool->run(sums.size(), 1, add);
  }
  return joined_sum(sums);
}

// The same of bytes that come one after another.
class RunningSum {
 public:
  void add(base::ByteView bytes) {
    while (!bytes.empty()) {
      const std::size_t count = std::min(kPiece - piece_.size(), bytes.size());
      piece_.insert(piece_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(count));
      bytes = bytes.subspan(count);
      if (piece_.size() == kPiece) finish_piece();
    }
  }
  std::uint64_t finish() {
    if (!piece_.empty()) finish_piece();
    return joined_sum(sums_);
  }

 private:
  void finish_piece() {
    sums_.push_back(panel_sum(piece_));
    piece_.clear();
  }
  base::Bytes piece_;
  std::vector<std::uint64_t> sums_;
};

// Why others than this user (and the machine's owner) can write there, if they can.
std::optional<std::string> writable_by_others(const fs::path& path, bool is_folder) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) return "cannot be read";
  if (is_folder ? !S_ISDIR(status.st_mode) : !S_ISREG(status.st_mode)) return "is not a plain file or folder";
  if (status.st_uid != ::geteuid() && status.st_uid != 0) return "belongs to somebody else";
  if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0) return "can be written by others";
  return {};
}

std::string without_layout(const std::string& name) { return name.substr(0, name.rfind('-')); }

// Removes the files of the folder that are of no use beside the one of that name.
void remove_old(const fs::path& folder, const std::string& name) {
  constexpr std::size_t kMostEntries = 10'000;
  constexpr std::string_view kPart = ".part";
  const std::size_t part_suffix = 1 + kNameDigits + kPart.size();
  std::error_code error;
  std::vector<fs::path> old;
  std::size_t seen = 0;
  for (fs::directory_iterator i(folder, error), end; !error && i != end && seen < kMostEntries;
       i.increment(error), ++seen) {
    const std::string other = i->path().filename().string();
    if (other.starts_with('.') && other.ends_with(kPart) && other.size() > part_suffix) {
      base::remove_abandoned(folder / other.substr(1, other.size() - 1 - part_suffix));
    } else if (other.ends_with(kPanelsExtension) && other != name &&
               (other.substr(0, kNameDigits) != name.substr(0, kNameDigits) ||
                without_layout(other) == without_layout(name))) {
      old.push_back(i->path());
    }
  }
  for (const fs::path& path : old) fs::remove(path, error);
}

}  // namespace

struct PackedWeights::Panels {
  exact::PackedOperand operand;
  std::uint64_t sum = 0;
  fs::path path;
  std::mutex mutex;
  std::optional<bool> intact;

  bool check(base::ThreadPool& pool) {
    const std::lock_guard lock(mutex);
    if (!intact) {
      intact = sum_of(operand.panels, &pool) == sum;
      if (!*intact) {
        base::log(base::LogLevel::kWarning, "packed weights are damaged; the model's own are used, and packed again",
                  {{"file", path.string()}});
        std::error_code error;
        fs::remove(path, error);
      }
    }
    return *intact;
  }
};

PackedWeights::PackedWeights(base::MappedFile file) : file_(std::move(file)) {}
PackedWeights::~PackedWeights() = default;

fs::path PackedWeights::path(const fs::path& folder, const base::Hash& root, const Packer& packer) {
  return folder / kFolder /
         (root.hex().substr(0, kNameDigits) + "-" + packer.name() + "-" + packer.layout().hex().substr(0, kNameDigits) +
          std::string(kPanelsExtension));
}

base::Result<std::shared_ptr<const PackedWeights>> PackedWeights::open(const fs::path& path, const base::Hash& root,
                                                                       const Packer& packer) {
  std::error_code error;
  if (!fs::exists(fs::symlink_status(path, error))) return base::not_found("there is no " + path.string());
  // The folder first: who cannot write to it cannot change what is looked at next.
  for (const bool is_folder : {true, false}) {
    const fs::path looked_at = is_folder ? path.parent_path() : path;
    if (const auto why = writable_by_others(looked_at, is_folder)) {
      return base::unsupported(looked_at.string() + " " + *why + ", so it is not trusted");
    }
  }
  STARLING_ASSIGN(base::MappedFile mapped, base::MappedFile::open(path));
  STARLING_ASSIGN(const PanelTable table, PanelTable::parse(mapped.bytes(), path.string()));
  if (table.root != root || table.layout != packer.layout()) {
    return base::corrupt(path.string() + " is of another model, or of another machine");
  }
  std::shared_ptr<PackedWeights> weights(new PackedWeights(std::move(mapped)));
  for (const PanelEntry& entry : table.entries) {
    auto panels = std::make_unique<Panels>();
    panels->sum = entry.sum;
    panels->path = path;
    panels->operand = {table.layout,
                       entry.type,
                       entry.columns,
                       entry.depth,
                       weights->file_.bytes().subspan(entry.offset, entry.bytes),
                       [p = panels.get()](base::ThreadPool& pool) { return p->check(pool); }};
    weights->panels_.emplace(entry.name, std::move(panels));
  }
  return std::shared_ptr<const PackedWeights>(std::move(weights));
}

std::shared_ptr<const exact::PackedOperand> PackedWeights::find(std::string_view name, exact::Type type,
                                                                const exact::Shape& shape) const {
  const auto found = panels_.find(name);
  if (found == panels_.end()) return nullptr;
  const exact::PackedOperand& operand = found->second->operand;
  if (operand.type != type || shape != exact::Shape{operand.columns, operand.depth}) return nullptr;
  return {shared_from_this(), &operand};
}

base::Status write_packed_weights(const fs::path& path, const base::Hash& root, const Packer& packer,
                                  const std::map<std::string, Tensor>& weights,
                                  const std::function<base::Status()>& stop) {
  const fs::path folder = path.parent_path();
  STARLING_TRY(base::make_directories(folder, base::FileMode::kPrivate));
  if (const auto why = writable_by_others(folder, true)) {
    return base::unsupported(folder.string() + " " + *why + ", so nothing is kept there");
  }
  // First: they may hold the room that this needs.
  remove_old(folder, path.filename().string());
  std::uint64_t bytes = 0;
  for (const auto& [name, weight] : weights) bytes += packer.bytes(weight.type(), weight.shape()[0], weight.shape()[1]);
  STARLING_ASSIGN(const std::uint64_t free, base::free_bytes(folder));
  if (free < bytes + kSpareDisk) {
    return base::limit_error("there is no room for " + std::to_string(bytes >> 20U) + " MiB in " + folder.string());
  }
  STARLING_ASSIGN(base::AtomicFile file, base::AtomicFile::create(path));
  STARLING_TRY(file.write(PanelTable::head()));
  PanelTable table;
  table.root = root;
  table.layout = packer.layout();
  for (const auto& [name, weight] : weights) {
    const std::int64_t columns = weight.shape()[0];
    const std::int64_t depth = weight.shape()[1];
    const std::int64_t width = packer.panel_columns(weight.type());
    const auto fitting = static_cast<std::int64_t>(kWrittenAtOnce / packer.bytes(weight.type(), width, depth));
    const std::int64_t step = std::max<std::int64_t>(1, fitting) * width;
    PanelEntry entry{name, weight.type(), columns, depth, table.panels_end(), 0, 0};
    RunningSum sum;
    for (std::int64_t first = 0; first < columns; first += step) {
      if (stop) STARLING_TRY(stop());
      const std::int64_t count = std::min(step, columns - first);
      const auto size = static_cast<std::int64_t>(packer.bytes(weight.type(), count, depth));
      STARLING_ASSIGN(Tensor memory, Tensor::uninitialized(exact::Type::kU8, {size}));
      packer.pack(weight, first, count, memory.mutable_bytes());
      sum.add(memory.bytes());
      entry.bytes += memory.byte_size();
      STARLING_TRY(file.write(memory.bytes()));
    }
    entry.sum = sum.finish();
    const std::uint64_t end = entry.offset + entry.bytes;
    table.entries.push_back(std::move(entry));
    STARLING_TRY(file.write(base::Bytes(table.panels_end() - end)));
  }
  STARLING_TRY(file.write(table.tail()));
  return file.commit(base::Durability::kWhole);
}

base::Status use_packed_weights(Checkpoint& model, const base::Hash& root, const exact::Engine& engine,
                                const PackingOptions& options) {
  const char* wanted = std::getenv("STARLING_WEIGHT_CACHE");
  if (engine.packer() == nullptr || (wanted != nullptr && std::string_view(wanted) == "0")) return {};
  const Packer& packer = *engine.packer();
  STARLING_ASSIGN(const auto weights, model.product_weights());
  std::uint64_t bytes = 0;
  for (const auto& [name, weight] : weights) bytes += packer.bytes(weight.type(), weight.shape()[0], weight.shape()[1]);
  if (weights.empty() || bytes < options.least_bytes) return {};
  const fs::path path = PackedWeights::path(model.folder(), root, packer);
  const auto without = [&](const base::Error& why) {
    base::log(base::LogLevel::kWarning, "weights are packed anew for each product",
              {{"why", why.message}, {"file", path.string()}});
    return base::Status();
  };
  const auto fits = [&](const PackedWeights& packed) {
    return std::ranges::all_of(weights, [&](const auto& weight) {
      return packed.find(weight.first, weight.second.type(), weight.second.shape()) != nullptr;
    });
  };
  auto packed = PackedWeights::open(path, root, packer);
  if (!packed.ok() && packed.error().code == base::ErrorCode::kUnsupported) return without(packed.error());
  if (!packed.ok() || !fits(**packed)) {
    if (options.begin) options.begin(path, bytes);
    base::Status written = write_packed_weights(path, root, packer, weights, options.stop);
    if (!written.ok() && written.error().code == base::ErrorCode::kCancelled) return written;
    if (!written.ok()) return without(written.error());
    packed = PackedWeights::open(path, root, packer);
    if (!packed.ok()) return without(packed.error());
  }
  model.take_packed(*packed);
  return {};
}

}  // namespace starling::models
