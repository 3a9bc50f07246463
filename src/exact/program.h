#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "base/result.h"
#include "exact/engine.h"
#include "exact/graph.h"
#include "exact/tensor.h"

namespace starling::exact {

// What a graph's input is bound to in a call.
struct Binding {
  enum class Kind : std::uint8_t {
    kInput = 0,    // program input `index`
    kWeight = 1,   // weight `index`
    kLiteral = 2,  // literal `index`
    kOutput = 3,   // output `output` of call `index`, which comes earlier
  };
  Kind kind;
  std::uint32_t index;
  std::uint32_t output = 0;
};

struct Call {
  std::uint32_t graph;            // index into the program's graphs
  std::vector<Binding> bindings;  // one for each input of the graph
};

struct ProgramOutput {
  std::string name;
  std::uint32_t call;
  std::uint32_t output;
};

// Bytes of a literal at most: it is meant for a number or a small table; what is larger is an input.
inline constexpr std::size_t kMaxLiteralBytes = std::size_t{64} << 10;

// A list of calls of graphs. Its root names it; with the roots of inputs and weights it has one right answer.
class Program {
 public:
  const std::vector<GraphInput>& inputs() const { return inputs_; }
  // Named as in the model; the type is the graph's (f32 takes weights stored as bf16 or f16).
  const std::vector<GraphInput>& weights() const { return weights_; }
  const std::vector<Tensor>& literals() const { return literals_; }  // each at most kMaxLiteralBytes
  const std::vector<Graph>& graphs() const { return graphs_; }
  const std::vector<Call>& calls() const { return calls_; }
  const std::vector<ProgramOutput>& outputs() const { return outputs_; }

  // The canonical encoding (docs/exact.md). decode is bounded and checks every rule that ProgramBuilder checks.
  base::Bytes encode() const;
  static base::Result<Program> decode(base::ByteView bytes);
  // The program's name: a hash over Merkle roots of inputs, weights, literals (by tensor root), graphs (by graph root),
  // calls and outputs, so that one call can be shown to belong to a program without sending the program.
  base::Hash root() const;
  // The sum over the calls.
  Work work() const;

 private:
  friend class ProgramBuilder;
  std::vector<GraphInput> inputs_;
  std::vector<GraphInput> weights_;
  std::vector<Tensor> literals_;
  std::vector<Graph> graphs_;
  std::vector<Call> calls_;
  std::vector<ProgramOutput> outputs_;
};

// Builds a program; errors are kept and reported by finish(), as Builder does.
class ProgramBuilder {
 public:
  Binding input(const std::string& name, Type type, const Shape& shape);
  Binding weight(const std::string& name, Type type, const Shape& shape);  // the same weight again if it is there
  Binding literal(const Tensor& tensor);                                   // the same literal again if it is there
  // Keeps it in canonical order; the same index for an equal graph.
  std::uint32_t graph(const Graph& built);
  // Binds the graph's inputs by name; the call's outputs follow. Every input must be bound, types and shapes must
  // match. A graph input that `bindings` does not name is bound to the weight of that name.
  std::uint32_t call(std::uint32_t graph, const std::vector<std::pair<std::string, Binding>>& bindings);
  Binding result(std::uint32_t call, const std::string& output);
  void output(const std::string& name, Binding result);
  bool ok() const { return error_.empty(); }
  // The program, or the first mistake. The builder is spent.
  base::Result<Program> finish();

 private:
  friend class Program;
  void fail(std::string message);
  // The call with a binding for each of the graph's inputs, in order.
  std::uint32_t add_call(std::uint32_t graph, const std::vector<Binding>& bindings);
  bool check_named(const char* what, const GraphInput& input);
  // What a binding stands for; nothing if it stands for nothing that is there.
  std::optional<std::pair<Type, Shape>> described(const Binding& binding) const;

  Program program_;
  std::string error_;
  std::map<std::string, std::uint32_t> input_names_;
  std::map<std::string, std::uint32_t> weight_names_;
  std::map<base::Hash, std::uint32_t> literal_roots_;
  std::map<base::Hash, std::uint32_t> graph_roots_;
};

// What a run tells and asks, after each call.
struct RunObserver {
  // Called with the call's index and outputs when it is done. An error (kCancelled, say) ends the run with it.
  std::function<base::Status(std::uint32_t call, const std::vector<Tensor>& outputs)> after_call;
};

// What planning a program asks, if there is somebody to ask; an error ends it.
struct PlanningObserver {
  std::function<base::Status()> stop;                           // now and then
  std::function<base::Status(std::size_t scratch_bytes)> plan;  // after each graph, small ones first
  // By the graph's root: plans that are taken where they are there, and added where not, so that programs which have
  // graphs in common plan them once.
  std::map<base::Hash, Plan>* plans = nullptr;
};

// A program whose graphs are planned. Runs on any engine.
class PreparedProgram {
 public:
  static base::Result<PreparedProgram> make(Program program, const PlanningObserver& observer = {});
  const Program& program() const { return program_; }
  // Bytes at the worst moment of running all calls on an engine of so many threads (0: one per core): call outputs and
  // what the engine has. Not counted are weights, their widened copies, inputs, and what run() keeps to return it.
  std::size_t peak_bytes(int threads = 0) const { return count_peak(threads).memory; }
  // And in a file: outputs that wait for long (exact/call_schedule.h).
  std::uint64_t file_bytes() const { return peak_.file; }

  using OutputOf = std::function<base::Result<Tensor>(const Binding& binding)>;

  // The program's outputs, in order. inputs and weights in the order of program().inputs() and weights(). A weight
  // given as bf16 or f16 is widened before the first call that reads it and the copy dropped after the last; so are
  // outputs of calls dropped after the last call that reads them. Outputs that wait beyond the next call may lie in a
  // file meanwhile (TMPDIR, else /var/tmp).
  base::Result<std::vector<Tensor>> run(Engine& engine, const std::vector<Tensor>& inputs,
                                        const std::vector<Tensor>& weights, const RunObserver& observer = {}) const;
  // The marked calls (one mark for each call) in order, likewise: to check some calls of a run, or a single one.
  // `missing` gives the outputs of unmarked calls.
  base::Status run_calls(Engine& engine, const std::vector<bool>& calls, const std::vector<Tensor>& inputs,
                         const std::vector<Tensor>& weights, const OutputOf& missing,
                         const RunObserver& observer) const;

 private:
  struct Peak {
    std::size_t memory = 0;
    std::uint64_t file = 0;
  };
  base::Status check_given(const std::vector<Tensor>& inputs, const std::vector<Tensor>& weights) const;
  base::Result<std::vector<Tensor>> operands_of(std::uint32_t call, const std::vector<Tensor>& inputs,
                                                const std::vector<Tensor>& weights, const OutputOf& output_of) const;
  Peak count_peak(int threads) const;

  Program program_;
  std::vector<Plan> plans_;  // one for each graph
  Peak peak_;                // on one thread
};

}  // namespace starling::exact
