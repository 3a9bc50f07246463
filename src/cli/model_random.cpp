// starling model random
#include <filesystem>

#include "base/interrupt.h"
#include "base/progress.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/setup.h"
#include "generate/random_model.h"
#include "train/first_world/caption.h"

namespace starling::cli {

namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t kLarge = std::uint64_t{1} << 30U;  // bytes from which on it is said beforehand what they are

struct ModelRandomArguments {
  std::string folder;
  std::string like = "bundled";
  std::string text_encoder = "small";
  std::string storage;
  std::uint64_t seed = 0;
  bool json = false;
};

generate::RandomModelSize size_of(const ModelRandomArguments& arguments) {
  using enum generate::RandomModelSize;
  if (arguments.like == "bundled") return kBundled;
  if (arguments.like == "tiny") return kTiny;
  return arguments.text_encoder == "full" ? kWan21T2v1x3BWithText : kWan21T2v1x3B;
}

exact::Type storage_of(const ModelRandomArguments& arguments) {
  if (arguments.storage == "bf16") return exact::Type::kBf16;
  if (arguments.storage == "f16") return exact::Type::kF16;
  if (arguments.storage == "f32") return exact::Type::kF32;
  // As they are published.
  return arguments.like == "wan2.1-t2v-1.3b" ? exact::Type::kF32 : exact::Type::kF16;
}

base::Status write(const ModelRandomArguments& arguments, const models::NewCheckpoint& model) {
  const std::uint64_t bytes = models::stored_bytes(model);
  if (bytes >= kLarge) {
    std::string parts;
    for (const char* part : {"text_encoder", "transformer", "vae"}) {
      parts += std::string(parts.empty() ? "" : ", ") + part + " " + std::to_string(models::stored_bytes(model, part));
    }
    note("writing " + std::to_string(bytes) + " bytes of weights to " + arguments.folder + ": " + parts);
  }
  base::Progress progress("weights", bytes >> 20U, "mebibyte");
  std::uint64_t done = 0;
  STARLING_TRY(models::write_new_checkpoint(arguments.folder, model, [&](std::uint64_t written) {
    done += written;
    progress.update(done >> 20U);
    return base::check_interrupt();
  }));
  if (bytes >= kLarge) progress.finish();
  return {};
}

base::Result<int> run(const ModelRandomArguments& arguments) {
  std::error_code error;
  if (fs::exists(arguments.folder, error)) {
    return base::invalid(arguments.folder + " is there already: name a folder that is not, or remove it first");
  }
  base::catch_interrupts();
  STARLING_ASSIGN(Machine machine, start_machine(0));
  constexpr std::size_t kSentences = 2000;
  const std::vector<std::string> sentences = train::caption_corpus(kSentences, 0);
  STARLING_ASSIGN(models::NewCheckpoint model,
                  generate::random_model(size_of(arguments), sentences, arguments.seed, machine.engine));
  model.storage = storage_of(arguments);
  STARLING_TRY(write(arguments, model));
  STARLING_ASSIGN(const models::Checkpoint written, models::Checkpoint::open(arguments.folder));
  STARLING_ASSIGN(const base::Hash root, written.root(machine.pool.get()));
  if (arguments.json) {
    base::Json json = base::Json::empty_object();
    json.set("model", arguments.folder);
    json.set("root", root.hex());
    json.set("parameters", written.parameter_count());
    json.set("bytes", models::stored_bytes(model));
    print_json(json);
  } else {
    print("model  " + arguments.folder);
    print("root   " + root.hex());
  }
  return kFine;
}

}  // namespace

Action declare_model_random(Options& options) {
  auto a = std::make_shared<ModelRandomArguments>();
  options.text("FOLDER", a->folder, "Folder to make", Options::Presence::kRequired);
  options.choice("--like", a->like, {"bundled", "tiny", "wan2.1-t2v-1.3b"}, "The model whose architecture it has");
  options.choice("--text-encoder", a->text_encoder, {"small", "full"},
                 "Of wan2.1-t2v-1.3b: one small layer, or UMT5-XXL, whose f32 weights take 23 GB");
  options.choice("--storage", a->storage, {"f32", "bf16", "f16"},
                 "How weights are stored; f32 for wan2.1-t2v-1.3b, else f16");
  options.unsigned_integer("--seed", a->seed, "Seed of the weights");
  options.json(a->json);
  return [a] { return run(*a); };
}

}  // namespace starling::cli
