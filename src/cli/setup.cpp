#include "cli/setup.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <sstream>
#include <string_view>
#include <system_error>

#include "base/interrupt.h"
#include "base/utf8.h"
#include "cli/output.h"
#include "models/fast_model.h"
#include "models/packed_weights.h"

namespace starling::cli {

namespace fs = std::filesystem;

namespace {

// Folders that may hold "models/bundled" or "share/starling/models/bundled", nearest first.
std::vector<fs::path> candidates() {
  std::vector<fs::path> found;
  std::error_code error;
  fs::path folder = fs::read_symlink("/proc/self/exe", error).parent_path();
  constexpr int kLevels = 5;
  for (int level = 0; !error && level < kLevels && !folder.empty(); ++level) {
    found.push_back(folder / "models" / "bundled");
    found.push_back(folder / "share" / "starling" / "models" / "bundled");
    if (folder == folder.parent_path()) break;
    folder = folder.parent_path();
  }
  return found;
}

// A word as a remark quotes it.
std::string shortened(const std::string& word) {
  constexpr std::size_t kLongest = 40;  // bytes
  return word.size() <= kLongest ? word : std::string(base::utf8_prefix(word, kLongest)) + "...";
}

}  // namespace

base::Result<fs::path> find_model(const std::string& given) {
  if (!given.empty()) return fs::path(given);
  if (const char* named = std::getenv("STARLING_MODEL"); named != nullptr && *named != '\0') return fs::path(named);
  for (const fs::path& candidate : candidates()) {
    std::error_code error;
    if (fs::exists(candidate / "model_index.json", error)) return candidate;
  }
  return base::not_found(
      "the bundled model is not there: name a model's folder with --model or in the variable STARLING_MODEL");
}

base::Result<fs::path> find_model(const std::string& given, bool fast) {
  STARLING_ASSIGN(const fs::path folder, find_model(given));
  if (!fast) return folder;
  STARLING_ASSIGN(const models::FastModel kin, models::fast_model(folder));
  return kin.folder;
}

base::Result<Machine> start_machine(std::int64_t threads) {
  exact::EngineOptions options;
  options.threads = static_cast<int>(threads);
  options.stop = base::check_interrupt;
  STARLING_ASSIGN(exact::Engine engine, exact::Engine::create(options));
  const int count = engine.threads();
  return Machine{std::move(engine), std::make_unique<base::ThreadPool>(count)};
}

base::Status use_packed_weights(models::Checkpoint& model, const base::Hash& root, const Machine& machine) {
  models::PackingOptions options;
  options.stop = base::check_interrupt;
  options.begin = [](const fs::path& path, std::uint64_t bytes) {
    note("packing the model's weights, once: " + std::to_string(bytes >> 20U) + " MiB to " + path.string());
  };
  return models::use_packed_weights(model, root, machine.engine, options);
}

base::Status use_packed_weights(models::Checkpoint& model, const Machine& machine) {
  STARLING_ASSIGN(const base::Hash root, model.root(machine.pool.get()));
  return use_packed_weights(model, root, machine);
}

namespace {

bool is_large(const models::ModelConfig& config) {
  constexpr std::int64_t kSmallWidth = 512;
  return config.transformer.width() > kSmallWidth;
}

}  // namespace

std::int64_t default_window(const models::ModelConfig& config) {
  if (!config.pipeline.expand_timesteps || config.transformer.patch_size[0] != 1) return 0;
  constexpr std::int64_t kSmall = 17;  // frames, those that the bundled model was trained on
  constexpr std::int64_t kLarge = 121;
  return config.vae.latent_frames(is_large(config) ? kLarge : kSmall);
}

generate::TextToVideo default_request(const models::ModelConfig& config) {
  generate::TextToVideo request;
  request.shift = config.scheduler.shift;
  if (is_large(config)) {
    request.width = 832;
    request.height = 480;
    request.rate = {16, 1};
    request.steps = 50;
    request.guidance = 5.0F;
  }
  if (config.scheduler.student_steps > 0) {
    request.steps = config.scheduler.student_steps;
    request.guidance = 1.0F;
  }
  const std::int64_t stride = generate::size_stride(config);
  request.width = (request.width + stride - 1) / stride * stride;
  request.height = (request.height + stride - 1) / stride * stride;
  request.frames = generate::frames_for_seconds(config, 2.0, request.rate);
  return request;
}

std::string unknown_words_remark(const models::Checkpoint& model, const std::string& prompt) {
  if (model.known_words().empty()) return {};
  const std::vector<std::string> missing = model.known_words().missing(prompt);
  if (missing.empty()) return {};
  std::string words;
  constexpr std::size_t kMaxNamed = 20;
  for (std::size_t i = 0; i < std::min(missing.size(), kMaxNamed); ++i) {
    words += (words.empty() ? "\"" : ", \"") + shortened(missing[i]) + "\"";
  }
  if (missing.size() > kMaxNamed) words += " and " + std::to_string(missing.size() - kMaxNamed) + " more";
  // A prompt in Latin letters is answered with words in Latin letters.
  const auto is_ascii = [](std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  };
  // A few of them, from all over the alphabet.
  std::vector<std::string> known;
  std::istringstream lines(model.known_words().to_text());
  constexpr std::size_t kTellingLength = 4;
  for (std::string word; std::getline(lines, word);) {
    const bool telling = !is_ascii(word) || word.size() >= kTellingLength;
    if (telling && (is_ascii(word) || !is_ascii(prompt))) known.push_back(std::move(word));
  }
  std::string remark = "note: this model never learnt " + words + " and will draw something else for it.";
  constexpr std::size_t kExamples = 6;
  const std::size_t examples = std::min(known.size(), kExamples);
  for (std::size_t i = 0; i < examples; ++i) {
    remark += (i == 0 ? " It knows words such as " : ", ") + known[i * known.size() / examples];
  }
  if (examples > 0) remark += ".";
  return remark;
}

}  // namespace starling::cli
