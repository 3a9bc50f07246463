#pragma once

#include <cstdint>
#include <functional>
#include <string>
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

// A list of calls of graphs. Its root names it; with the roots of inputs and weights it has one right answer.
class Program {
 public:
  const std::vector<GraphInput>& inputs() const { return inputs_; }
  // Named as in the model; the type is the graph's (f32 takes weights stored as bf16 or f16).
  const std::vector<GraphInput>& weights() const { return weights_; }
  const std::vector<Tensor>& literals() const { return literals_; }  // each at most 64 KiB
  const std::vector<Graph>& graphs() const { return graphs_; }
  const std::vector<Call>& calls() const { return calls_; }
  const std::vector<ProgramOutput>& outputs() const { return outputs_; }

  base::Bytes encode() const;
  static base::Result<Program> decode(base::ByteView bytes);
  base::Hash root() const;
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
  Binding literal(const Tensor& tensor);
  std::uint32_t graph(Graph graph);  // the same index for an equal graph
  // Binds the graph's inputs by name; the call's outputs follow. Every input must be bound, types and shapes must
  // match. A graph input that `bindings` does not name is bound to the weight of that name.
  std::uint32_t call(std::uint32_t graph, const std::vector<std::pair<std::string, Binding>>& bindings);
  Binding result(std::uint32_t call, const std::string& output) const;
  void output(const std::string& name, Binding result);
  base::Result<Program> finish();

 private:
  void fail(std::string message);
  const GraphInput* described(const Binding& binding, GraphInput& room) const;
  Program program_;
  std::string error_;
};

// What a run tells and asks, after each call.
struct RunObserver {
  // Called with the call's index and outputs when it is done. An error (kCancelled, say) ends the run with it.
  std::function<base::Status(std::uint32_t call, const std::vector<Tensor>& outputs)> after_call;
};

// A program whose graphs are planned. Runs on any engine.
class PreparedProgram {
 public:
  static base::Result<PreparedProgram> make(Program program);
  const Program& program() const { return program_; }
  // Bytes at the worst moment: live call outputs and scratch; weights and inputs not counted.
  std::size_t peak_bytes() const { return peak_bytes_; }

  // The program's outputs, in order. weights in the order of program().weights(), widened or not.
  base::Result<std::vector<Tensor>> run(Engine& engine, const std::vector<Tensor>& inputs,
                                        const std::vector<Tensor>& weights, const RunObserver& observer = {}) const;
  // One call alone, from what it is bound to: `outputs_of(call)` gives the outputs of an earlier call.
  base::Result<std::vector<Tensor>> run_call(
      Engine& engine, std::uint32_t call, const std::vector<Tensor>& inputs, const std::vector<Tensor>& weights,
      const std::function<base::Result<std::vector<Tensor>>(std::uint32_t call)>& outputs_of) const;

 private:
  Program program_;
  std::vector<Plan> plans_;              // one for each graph
  std::vector<std::uint32_t> last_use_;  // by call: the last call that reads its outputs
  std::size_t peak_bytes_ = 0;
};

}  // namespace starling::exact
