#include "proof/trace.h"

#include "base/encoding.h"
#include "proof/commitment.h"

namespace starling::proof {

OutputRoots output_roots(const std::vector<exact::Tensor>& outputs, base::ThreadPool* pool) {
  OutputRoots roots;
  roots.reserve(outputs.size());
  for (const exact::Tensor& output : outputs) roots.push_back(tensor_root(output, pool));
  return roots;
}

base::Result<TraceWriter> TraceWriter::create(const std::filesystem::path& path) {
  STARLING_ASSIGN(base::AtomicFile file, base::AtomicFile::create(path));
  STARLING_TRY(file.write(base::as_bytes(kTraceMagic)));
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
  std::uint64_t bytes = kTraceMagic.size();
  for (std::uint32_t call = 0; call < program.calls().size(); ++call) {
    const exact::Graph& graph = program.graphs()[program.calls()[call].graph];
    for (const exact::GraphOutput& output : graph.outputs()) {
      bytes += kTraceHead;
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
  STARLING_ASSIGN(reader.entries_, read_trace_layout(reader.file_.bytes(), path.string(), program, calls));
  return reader;
}

bool TraceReader::has(std::uint32_t call, std::uint32_t output) const {
  return call < entries_.size() && output < entries_[call].size() && entries_[call][output].kept;
}

base::Result<exact::Tensor> TraceReader::read(std::uint32_t call, std::uint32_t output) const {
  return read_trace_entry(file_.bytes(), entries_[call][output], call);
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
