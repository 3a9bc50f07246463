#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "exact/graph.h"
#include "exact/tensor.h"

namespace starling::exact {

class Packer;

// A graph made ready to run: operators fused into passes over memory, views elided, buffers placed by their lifetimes.
// None of it shows in the bits. Immutable and shareable; independent of backend and thread count.
class Plan {
 public:
  // stop, if there is one, is asked now and then: an error ends the planning with it. A graph of a million nodes takes
  // minutes.
  static base::Result<Plan> make(Graph graph, const std::function<base::Status()>& stop = {});

  const Graph& graph() const;
  // Bytes the run needs beside inputs and outputs, known before running; what each thread needs (exact/run_memory.h)
  // and constants are not counted.
  std::size_t scratch_bytes() const;
  // What is computed at the first run and kept, until it is to be forgotten.
  std::size_t constant_bytes() const;
  void forget_constants() const;

  struct Body;
  const Body& body() const { return *body_; }

 private:
  std::shared_ptr<const Body> body_;
};

struct EngineOptions {
  // Empty: STARLING_BACKEND if set, else the best this CPU has. "reference" runs the definitions, "cuda" on a GPU,
  // "cuda-emulated" the GPU's kernels on the CPU, for tests.
  std::string backend;
  int threads = 0;  // 0: one per core
  // Asked between passes, if there is one: an error (kCancelled, say) ends the run with it. The reference does not ask.
  std::function<base::Status()> stop = {};
};

// A backend and its threads. Not thread safe: one run at a time.
class Engine {
 public:
  static base::Result<Engine> create(const EngineOptions& options);
  Engine(Engine&&) noexcept;
  Engine& operator=(Engine&&) noexcept;
  ~Engine();

  int threads() const;

  // What packs weights for this engine; nullptr where it reads none packed (the definitions, a GPU).
  const Packer* packer() const;
  // Whether a run reads that input of the plan only as the tensor has it packed. Then it need not be widened.
  bool reads_packed(const Plan& plan, std::size_t input, const Tensor& tensor);

  // Outputs in the graph's order, from inputs in the graph's order: types and shapes must match, but that a bf16 or f16
  // tensor is widened where the graph takes f32. kNonFinite when an f32 output holds a NaN or an infinity, naming it.
  // The memory of `recycled`, tensors of an earlier run that nobody else holds, is used for outputs where it fits.
  base::Result<std::vector<Tensor>> run(const Plan& plan, std::span<const Tensor> inputs,
                                        std::vector<Tensor>* recycled = nullptr);

  struct State;
  State& state() { return *state_; }

 private:
  Engine();
  std::unique_ptr<State> state_;
};

// Runs the definitions, element by element: the plainest and slowest way. Gives every value of the graph (its nodes'
// outputs in order) when `all` is not null.
base::Result<std::vector<Tensor>> run_reference(const Graph& graph, std::span<const Tensor> inputs,
                                                std::vector<Tensor>* all = nullptr);

}  // namespace starling::exact
