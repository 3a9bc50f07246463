#include "proof/trace_layout.h"

#include <cstring>

#include "base/encoding.h"
#include "proof/commitment.h"

namespace starling::proof {
namespace {

base::Error damaged(const std::string& what) { return base::corrupt("trace: " + what); }

}  // namespace

base::Result<std::vector<std::vector<TraceEntry>>> read_trace_layout(base::ByteView file, const std::string& name,
                                                                     const exact::Program& program,
                                                                     const std::vector<base::Hash>& calls) {
  if (file.size() < kTraceMagic.size() || std::memcmp(file.data(), kTraceMagic.data(), kTraceMagic.size()) != 0) {
    return damaged(name + " is not the call outputs of a receipt");
  }
  std::vector<std::vector<TraceEntry>> layout;
  std::size_t at = kTraceMagic.size();
  for (std::size_t call = 0; call < program.calls().size(); ++call) {
    const exact::Graph& graph = program.graphs()[program.calls()[call].graph];
    std::vector<TraceEntry>& entries = layout.emplace_back();
    std::vector<base::Hash> roots;
    for (const exact::GraphOutput& output : graph.outputs()) {
      if (file.size() - at < kTraceHead) return damaged(name + " ends too early, at call " + std::to_string(call));
      base::Decoder head(file.subspan(at, kTraceHead));
      TraceEntry entry{head.hash(), graph.type(output.value), graph.shape(output.value)};
      const std::uint8_t kept = head.u8();
      at += kTraceHead;
      if (kept > 1) return damaged(name + " is damaged at call " + std::to_string(call));
      entry.kept = kept == 1;
      entry.at = at;
      if (entry.kept) {
        const std::uint64_t size = static_cast<std::uint64_t>(entry.shape.elements()) * exact::type_size(entry.type);
        if (file.size() - at < size) return damaged(name + " ends too early, at call " + std::to_string(call));
        at += static_cast<std::size_t>(size);
      }
      roots.push_back(entry.root);
      entries.push_back(entry);
    }
    if (call >= calls.size() || list_root(roots) != calls[call]) {
      return damaged(name + " is not of this receipt: call " + std::to_string(call) + " has another root");
    }
  }
  if (at != file.size()) return damaged(name + " has bytes after its end");
  return layout;
}

base::Result<exact::Tensor> read_trace_entry(base::ByteView file, const TraceEntry& entry, std::size_t call) {
  STARLING_ASSIGN(exact::Tensor tensor, exact::Tensor::allocate(entry.type, entry.shape));
  std::memcpy(tensor.mutable_bytes().data(), file.data() + entry.at, tensor.byte_size());
  if (tensor_root(tensor) != entry.root) {
    return damaged("the kept output of call " + std::to_string(call) + " is not the one in the receipt");
  }
  return tensor;
}

}  // namespace starling::proof
