#include "train/step_roots.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/encoding.h"
#include "base/file.h"
#include "proof/commitment.h"

namespace starling::train {
namespace {

constexpr std::uint64_t kMagic = 0x3150545352415453;  // "STARSTP1", little-endian
constexpr std::size_t kHead = 2 * sizeof(std::uint64_t) + sizeof(base::Hash);
constexpr std::size_t kMaxRootsFile = kHead + sizeof(StepRoot) * std::size_t{100'000'000};

// What the run keeps of the file that is there.
StepRoots kept_roots(const std::filesystem::path& path, std::uint64_t step, const base::Hash& root) {
  const base::Result<base::Bytes> bytes = base::read_file(path, kMaxRootsFile);
  if (bytes.ok()) {
    // A run that was killed may have left a part of an entry.
    const std::size_t whole = bytes->size() < kHead ? 0 : (bytes->size() - kHead) / sizeof(StepRoot) * sizeof(StepRoot);
    base::Result<StepRoots> list =
        decode_step_roots(base::ByteView(*bytes).first(std::min(bytes->size(), kHead + whole)));
    if (list.ok() && list->has(step, root)) {
      list->roots.resize(step - list->first);
      return *std::move(list);
    }
  }
  return {step, root, {}};
}

}  // namespace

base::Hash tensors_root(const std::vector<exact::Tensor>& tensors, base::ThreadPool* pool) {
  std::vector<base::Hash> roots;
  roots.reserve(tensors.size());
  for (const exact::Tensor& tensor : tensors) roots.push_back(exact::tensor_root(tensor, pool));
  return proof::list_root(roots);
}

StepRoot shortened(const base::Hash& root) { return base::Decoder(root.bytes).u64(); }

bool StepRoots::has(std::uint64_t step, const base::Hash& root) const {
  if (step == first) return root == start;
  return step > first && step <= last() && roots[step - first - 1] == shortened(root);
}

base::Bytes encode_step_roots(const StepRoots& list) {
  base::Encoder file;
  file.u64(kMagic);
  file.u64(list.first);
  file.hash(list.start);
  for (const StepRoot root : list.roots) file.u64(root);
  return file.data();
}

base::Result<StepRoots> decode_step_roots(base::ByteView bytes) {
  base::Decoder file(bytes);
  const bool known = file.u64() == kMagic;
  StepRoots list;
  list.first = file.u64();
  list.start = file.hash();
  if (!file.ok() || !known) return base::corrupt("it is no list of step roots");
  if (file.remaining() % sizeof(StepRoot) != 0) return base::corrupt("its last step root is cut off");
  list.roots.resize(file.remaining() / sizeof(StepRoot));
  for (StepRoot& root : list.roots) root = file.u64();
  return list;
}

base::Result<StepRootsLog> StepRootsLog::open(const std::filesystem::path& folder, std::uint64_t step,
                                              const base::Hash& root) {
  std::filesystem::path path = folder / kStepRootsName;
  STARLING_TRY(base::write_file(path, encode_step_roots(kept_roots(path, step, root))));
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  if (descriptor < 0) return base::system_error("open", path, errno);
  return StepRootsLog(std::move(path), descriptor);
}

StepRootsLog::StepRootsLog(StepRootsLog&& other) noexcept
    : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)) {}

StepRootsLog::~StepRootsLog() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

base::Status StepRootsLog::add(const base::Hash& root) {
  const base::ByteView entry = base::ByteView(root.bytes).first(sizeof(StepRoot));
  if (::write(descriptor_, entry.data(), entry.size()) != static_cast<ssize_t>(entry.size())) {
    return base::system_error("write", path_, errno);
  }
  return {};
}

base::Status StepRootsLog::sync() {
  if (::fdatasync(descriptor_) != 0) return base::system_error("write", path_, errno);
  return {};
}

}  // namespace starling::train
