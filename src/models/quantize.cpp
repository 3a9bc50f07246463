#include "models/quantize.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <span>
#include <utility>

namespace starling::models {

using exact::Builder;
using exact::ProgramBuilder;
using exact::Type;

namespace {

constexpr const char* kScaleSuffix = "_scale";

ModelConfig quantized(ModelConfig config, const Quantisation& quantisation) {
  config.transformer.quantisation = quantisation;
  return config;
}

// weight f32 [N, K] to "values" i8 [N, K] and "scale" f32 [N].
base::Result<exact::Graph> rows_graph(const exact::Shape& shape) {
  Builder b;
  const auto rows = b.quantize_rows(b.input("weight", Type::kF32, shape));
  b.output("values", rows.values);
  b.output("scale", b.reshape(rows.scale, {shape[0]}));
  return b.finish();
}

// The error with the name of the weight that is to blame.
base::Error not_finite(std::span<const exact::GraphInput> names, const std::vector<exact::Tensor>& weights,
                       const base::Error& error) {
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const auto wide = weights[i].widened();
    if (!wide.ok()) return wide.error();
    if (std::ranges::all_of(wide->f32(), [](float value) { return std::isfinite(value); })) continue;
    return {error.code, "weight '" + names[i].name + "' holds a number that is not finite, and cannot be quantised"};
  }
  return error;
}

}  // namespace

base::Result<exact::Program> quantization_program(const ModelConfig& source) {
  STARLING_ASSIGN(const std::vector<Parameter> parameters, model_parameters(quantized(source, {})));
  ProgramBuilder program;
  for (const Parameter& parameter : parameters) {
    if (parameter.type != Type::kI8) continue;
    STARLING_ASSIGN(const exact::Graph graph, rows_graph(parameter.shape));
    const std::uint32_t call =
        program.call(program.graph(graph), {{"weight", program.weight(parameter.name, Type::kF32, parameter.shape)}});
    program.output(parameter.name, program.result(call, "values"));
    program.output(parameter.name + kScaleSuffix, program.result(call, "scale"));
  }
  return program.finish();
}

base::Result<NewCheckpoint> quantize(const Checkpoint& source, const base::Hash& source_root, exact::Engine& engine,
                                     const exact::RunObserver& observer) {
  if (source.config().transformer.quantisation) {
    return base::unsupported("the model is quantised already: name the one that it was made of, " +
                             source.config().transformer.quantisation->source.hex());
  }
  STARLING_ASSIGN(exact::Program program, quantization_program(source.config()));
  const Quantisation quantisation{source_root, program.root()};
  STARLING_ASSIGN(const auto prepared, exact::PreparedProgram::make(std::move(program)));
  STARLING_ASSIGN(const auto weights, source.weights(prepared.program().weights()));
  auto run = prepared.run(engine, {}, weights, observer);
  if (!run.ok() && run.error().code == base::ErrorCode::kNonFinite) {
    return not_finite(prepared.program().weights(), weights, run.error());
  }
  STARLING_ASSIGN(auto outputs, std::move(run));

  NewCheckpoint made;
  made.config = quantized(source.config(), quantisation);
  made.tokenizer = source.tokenizer().model();
  made.known_words = source.known_words();
  made.storage = Type::kF32;  // scales stay as they are
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    made.weights.emplace(prepared.program().outputs()[i].name, std::move(outputs[i]));
  }
  STARLING_ASSIGN(const std::vector<Parameter> parameters, model_parameters(made.config));
  for (const Parameter& parameter : parameters) {
    if (made.weights.contains(parameter.name)) continue;
    STARLING_ASSIGN(exact::Tensor weight, source.weight(parameter.name));
    made.weights.emplace(parameter.name, std::move(weight));
  }
  return made;
}

}  // namespace starling::models
