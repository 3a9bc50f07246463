#include "generate/benchmark.h"

#include <array>

#include "base/encoding.h"
#include "proof/commitment.h"

namespace starling::generate {

using exact::Tensor;

base::Result<exact::Program> benchmark_program() {
  exact::Builder b;
  const auto seed = b.input("seed", exact::Type::kI32, {2});
  const exact::Shape shape{kBenchmarkSize, kBenchmarkSize};
  auto x = b.normal(seed, 0, shape);
  const auto w = b.normal(seed, 1, shape);
  // 1 / √1024: the elements stay near 1.
  for (int i = 0; i < kBenchmarkProducts; ++i) x = b.mul(b.dot(x, w), 1.0F / 32.0F);
  b.output("product", x);
  STARLING_ASSIGN(const exact::Graph graph, b.finish());
  exact::ProgramBuilder program;
  const std::uint32_t call =
      program.call(program.graph(graph), {{"seed", program.input("seed", exact::Type::kI32, {2})}});
  program.output("product", program.result(call, "product"));
  return program.finish();
}

base::Result<base::Hash> run_benchmark(const base::Hash& seed, exact::Engine& engine) {
  STARLING_ASSIGN(exact::Program program, benchmark_program());
  STARLING_ASSIGN(const exact::PreparedProgram prepared, exact::PreparedProgram::make(std::move(program)));
  base::Decoder decoder(seed.bytes);
  const std::array<std::int32_t, 2> halves{static_cast<std::int32_t>(decoder.u32()),
                                           static_cast<std::int32_t>(decoder.u32())};
  STARLING_ASSIGN(const std::vector<Tensor> outputs, prepared.run(engine, {Tensor::from_i32({2}, halves)}, {}));
  return proof::tensor_root(outputs[0]);
}

}  // namespace starling::generate
