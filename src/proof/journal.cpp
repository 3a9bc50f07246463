#include "proof/journal.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "base/encoding.h"
#include "base/file.h"
#include "proof/commitment.h"

namespace starling::proof {
namespace {

constexpr std::string_view kJournalMagic = "starling journal 1";
constexpr std::size_t kHead = 33;  // of an output: root and whether it is kept
constexpr std::size_t kHashSize = 32;

const exact::Graph& graph_of(const exact::Program& program, std::uint32_t call) {
  return program.graphs()[program.calls()[call].graph];
}

std::uint64_t bytes_of(const exact::Graph& graph, std::size_t output) {
  const exact::ValueId value = graph.outputs()[output].value;
  return static_cast<std::uint64_t>(graph.shape(value).elements()) * exact::type_size(graph.type(value));
}

base::Bytes head_of(const base::Hash& root, bool kept) {
  base::Encoder head;
  head.hash(root);
  head.u8(kept ? 1 : 0);
  return head.data();
}

}  // namespace

Journal::Journal(Journal&& other) noexcept
    : path_(std::move(other.path_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      program_(other.program_),
      check_(other.check_),
      end_(other.end_),
      entries_(std::move(other.entries_)) {}

Journal& Journal::operator=(Journal&& other) noexcept {
  if (this == &other) return *this;
  if (descriptor_ >= 0) ::close(descriptor_);
  path_ = std::move(other.path_);
  descriptor_ = std::exchange(other.descriptor_, -1);
  program_ = other.program_;
  check_ = other.check_;
  end_ = other.end_;
  entries_ = std::move(other.entries_);
  return *this;
}

Journal::~Journal() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

base::Result<Journal> Journal::open(const std::filesystem::path& path, const exact::Program& program,
                                    const base::Hash& run) {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (descriptor < 0) return base::system_error("open", path, errno);
  Journal journal(path, descriptor, program, run);
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) return base::system_error("examine", path, errno);
  if (!S_ISREG(status.st_mode)) return base::invalid(path.string() + " is not a regular file");
  const auto size = static_cast<std::uint64_t>(status.st_size);
  constexpr std::size_t kBegin = kJournalMagic.size() + kHashSize;
  std::array<std::uint8_t, kBegin> begin{};
  if (size >= kBegin) STARLING_TRY(journal.read_at(0, begin));
  const bool is_same = std::equal(kJournalMagic.begin(), kJournalMagic.end(), begin.begin()) &&
                       std::equal(run.bytes.begin(), run.bytes.end(), begin.begin() + kJournalMagic.size());
  if (!is_same) {
    STARLING_TRY(journal.begin());
    return journal;
  }
  journal.end_ = kBegin;
  while (journal.calls() < program.calls().size()) {
    STARLING_ASSIGN(const bool found, journal.find_call(size));
    if (!found) break;
  }
  if (::ftruncate(descriptor, static_cast<off_t>(journal.end_)) != 0) return base::system_error("write", path, errno);
  return journal;
}

base::Status Journal::begin() {
  if (::ftruncate(descriptor_, 0) != 0) return base::system_error("write", path_, errno);
  base::Bytes bytes(kJournalMagic.begin(), kJournalMagic.end());
  bytes.insert(bytes.end(), check_.bytes.begin(), check_.bytes.end());
  return append(bytes);
}

base::Result<bool> Journal::find_call(std::uint64_t size) {
  const exact::Graph& graph = graph_of(*program_, calls());
  base::Sha256 sha;
  sha.update(check_.bytes);
  std::vector<Entry> entries;
  std::uint64_t at = end_;
  base::Bytes buffer;
  for (std::size_t output = 0; output < graph.outputs().size(); ++output) {
    std::array<std::uint8_t, kHead> head{};
    if (size - at < kHead) return false;
    STARLING_TRY(read_at(at, head));
    sha.update(head);
    base::Decoder decoder(head);
    Entry entry;
    entry.root = decoder.hash();
    const std::uint8_t kept = decoder.u8();
    at += kHead;
    if (kept > 1) return false;
    entry.kept = kept == 1;
    entry.at = at;
    const std::uint64_t bytes = entry.kept ? bytes_of(graph, output) : 0;
    if (size - at < bytes) return false;
    for (const std::uint64_t end = at + bytes; at < end;) {
      buffer.resize(std::min<std::uint64_t>(end - at, std::uint64_t{1} << 20));
      STARLING_TRY(read_at(at, buffer));
      sha.update(buffer);
      at += buffer.size();
    }
    entries.push_back(entry);
  }
  base::Hash written;
  if (size - at < kHashSize) return false;
  STARLING_TRY(read_at(at, written.bytes));
  const base::Hash check = sha.finish();
  if (check != written) return false;
  check_ = check;
  end_ = at + kHashSize;
  entries_.push_back(std::move(entries));
  return true;
}

OutputRoots Journal::roots(std::uint32_t call) const {
  OutputRoots roots;
  for (const Entry& entry : entries_[call]) roots.push_back(entry.root);
  return roots;
}

bool Journal::has(std::uint32_t call, std::uint32_t output) const {
  return call < entries_.size() && output < entries_[call].size() && entries_[call][output].kept;
}

base::Result<exact::Tensor> Journal::read(std::uint32_t call, std::uint32_t output) const {
  const exact::Graph& graph = graph_of(*program_, call);
  const exact::ValueId value = graph.outputs()[output].value;
  STARLING_ASSIGN(exact::Tensor tensor, exact::Tensor::allocate(graph.type(value), graph.shape(value)));
  STARLING_TRY(read_at(entries_[call][output].at, tensor.mutable_bytes()));
  if (tensor_root(tensor) != entries_[call][output].root) {
    return base::corrupt(path_.string() + " changed while it was in use: the output of call " + std::to_string(call) +
                         " is not the one that was written");
  }
  return tensor;
}

base::Status Journal::add(const OutputRoots& roots, const std::vector<exact::Tensor>& outputs,
                          const std::vector<bool>& kept) {
  base::Sha256 sha;
  sha.update(check_.bytes);
  std::vector<Entry> entries;
  for (std::size_t output = 0; output < outputs.size(); ++output) {
    const base::Bytes head = head_of(roots[output], kept[output]);
    sha.update(head);
    STARLING_TRY(append(head));
    entries.push_back({roots[output], kept[output], end_});
    if (!kept[output]) continue;
    sha.update(outputs[output].bytes());
    STARLING_TRY(append(outputs[output].bytes()));
  }
  check_ = sha.finish();
  STARLING_TRY(append(check_.bytes));
  entries_.push_back(std::move(entries));
  return {};
}

base::Status Journal::read_at(std::uint64_t offset, std::span<std::uint8_t> buffer) const {
  while (!buffer.empty()) {
    const ssize_t got = ::pread(descriptor_, buffer.data(), buffer.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return base::system_error("read", path_, errno);
    if (got == 0) return base::corrupt(path_.string() + " was cut off while it was in use");
    buffer = buffer.subspan(static_cast<std::size_t>(got));
    offset += static_cast<std::uint64_t>(got);
  }
  return {};
}

base::Status Journal::append(base::ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(end_));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return base::system_error("write", path_, errno);
    bytes = bytes.subspan(static_cast<std::size_t>(put));
    end_ += static_cast<std::uint64_t>(put);
  }
  return {};
}

}  // namespace starling::proof
