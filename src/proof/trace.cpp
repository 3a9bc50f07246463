#include "proof/trace.h"

#include <algorithm>
#include <cstring>

#include "base/encoding.h"
#include "proof/commitment.h"

namespace starling::proof {
namespace {

constexpr std::string_view kMagic = "starling trace 1";
constexpr std::size_t kHead = 33;  // of an output: its root, and whether it is kept

base::Error damaged(const std::string& what) { return base::corrupt("trace: " + what); }

}  // namespace

OutputRoots output_roots(const std::vector<exact::Tensor>& outputs, base::ThreadPool* pool) {
  OutputRoots roots;
  roots.reserve(outputs.size());
  for (const exact::Tensor& output : outputs) roots.push_back(tensor_root(output, pool));
  return roots;
}

base::Result<TraceWriter> TraceWriter::create(const std::filesystem::path& path) {
  STARLING_ASSIGN(base::AtomicFile file, base::AtomicFile::create(path));
  STARLING_TRY(file.write(base::as_bytes(kMagic)));
  return TraceWriter(std::move(file));
}

base::Status TraceWriter::add(const OutputRoots& roots, const std::vector<exact::Tensor>& outputs,
                              const std::vector<bool>& kept) {
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    base::Encoder head;
    head.hash(roots[i]);
    head.u8(kept[i] ? 1 : 0);
    STARLING_TRY(file_.write(head.data()));
    if (kept[i]) STARLING_TRY(file_.write(outputs[i].bytes()));
  }
  return {};
}

std::uint64_t trace_bytes(const exact::Program& program, const std::function<bool(std::uint32_t call)>& kept) {
  std::uint64_t bytes = kMagic.size();
  for (std::uint32_t call = 0; call < program.calls().size(); ++call) {
    const exact::Graph& graph = program.graphs()[program.calls()[call].graph];
    for (const exact::GraphOutput& output : graph.outputs()) {
      bytes += kHead;
      if (kept(call)) {
        bytes += static_cast<std::uint64_t>(graph.shape(output.value).elements()) *
                 exact::type_size(graph.type(output.value));
      }
    }
  }
  return bytes;
}

base::Result<TraceReader> TraceReader::open(const std::filesystem::path& path, const exact::Program& program,
                                            const std::vector<base::Hash>& calls) {
  STARLING_ASSIGN(base::MappedFile file, base::MappedFile::open(path));
  TraceReader reader(std::move(file));
  const base::ByteView bytes = reader.file_.bytes();
  if (bytes.size() < kMagic.size() || std::memcmp(bytes.data(), kMagic.data(), kMagic.size()) != 0) {
    return damaged(path.string() + " is not the call outputs of a receipt");
  }
  std::size_t at = kMagic.size();
  for (std::size_t call = 0; call < program.calls().size(); ++call) {
    const exact::Graph& graph = program.graphs()[program.calls()[call].graph];
    std::vector<Entry> entries;
    OutputRoots roots;
    for (const exact::GraphOutput& output : graph.outputs()) {
      if (bytes.size() - at < kHead) return damaged(path.string() + " ends too early, at call " + std::to_string(call));
      base::Decoder head(bytes.subspan(at, kHead));
      Entry entry{head.hash(), graph.type(output.value), graph.shape(output.value)};
      const std::uint8_t kept = head.u8();
      at += kHead;
      if (kept > 1) return damaged(path.string() + " is damaged at call " + std::to_string(call));
      entry.kept = kept == 1;
      entry.at = at;
      if (entry.kept) {
        const std::size_t size = static_cast<std::size_t>(entry.shape.elements()) * exact::type_size(entry.type);
        if (bytes.size() - at < size)
          return damaged(path.string() + " ends too early, at call " + std::to_string(call));
        at += size;
      }
      roots.push_back(entry.root);
      entries.push_back(entry);
    }
    if (call >= calls.size() || list_root(roots) != calls[call]) {
      return damaged(path.string() + " is not of this receipt: call " + std::to_string(call) + " has another root");
    }
    reader.entries_.push_back(std::move(entries));
  }
  if (at != bytes.size()) return damaged(path.string() + " has bytes after its end");
  return reader;
}

bool TraceReader::has(std::uint32_t call, std::uint32_t output) const {
  return call < entries_.size() && output < entries_[call].size() && entries_[call][output].kept;
}

base::Result<exact::Tensor> TraceReader::read(std::uint32_t call, std::uint32_t output) const {
  const Entry& entry = entries_[call][output];
  STARLING_ASSIGN(exact::Tensor tensor, exact::Tensor::allocate(entry.type, entry.shape));
  std::memcpy(tensor.mutable_bytes().data(), file_.bytes().data() + entry.at, tensor.byte_size());
  if (tensor_root(tensor) != entry.root) {
    return damaged("the kept output of call " + std::to_string(call) + " is not the one in the receipt");
  }
  return tensor;
}

base::Status TraceReader::check_all() const {
  for (std::uint32_t call = 0; call < entries_.size(); ++call) {
    for (std::uint32_t output = 0; output < entries_[call].size(); ++output) {
      if (!entries_[call][output].kept) continue;
      const base::Result<exact::Tensor> tensor = read(call, output);
      if (!tensor.ok()) return tensor.error();
    }
  }
  return {};
}

}  // namespace starling::proof
