// starling model quantize
#include <algorithm>
#include <filesystem>
#include <system_error>

#include "base/interrupt.h"
#include "base/progress.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/setup.h"
#include "models/quantize.h"

namespace starling::cli {

namespace fs = std::filesystem;

namespace {

struct Arguments {
  std::string folder;
  std::string model;
  std::int64_t threads = 0;
  bool check = false;
  bool json = false;
};

// Whether a stored weight is the one that was made.
bool same(const exact::Tensor& stored, const models::NewWeight& made) {
  if (stored.type() != made.type || !(stored.shape() == made.shape)) return false;
  base::ByteView left = stored.bytes();
  const base::Status compared = made.parts([&](const exact::Tensor& part) -> base::Status {
    if (part.byte_size() > left.size() || !std::ranges::equal(part.bytes(), left.first(part.byte_size()))) {
      return base::corrupt("they differ");
    }
    left = left.subspan(part.byte_size());
    return {};
  });
  return compared.ok() && left.empty();
}

// The first thing in which a folder's model is not what was made again; empty: there is none.
base::Result<std::string> difference(const models::Checkpoint& folder, const models::NewCheckpoint& made) {
  if (folder.config().transformer.quantisation != made.config.transformer.quantisation) {
    return std::string("it names another program");
  }
  for (const auto& [name, weight] : made.weights) {
    const auto stored = folder.weight(name);
    if (!stored.ok() || !same(*stored, weight)) return "the weight '" + name + "' differs";
  }
  return std::string();
}

base::Result<models::NewCheckpoint> make(const models::Checkpoint& model, const base::Hash& root, Machine& machine) {
  STARLING_ASSIGN(const exact::Program program, models::quantization_program(model.config()));
  base::Progress progress("quantise", program.calls().size(), "weight");
  exact::RunObserver observer;
  observer.after_call = [&](std::uint32_t call, const std::vector<exact::Tensor>&) {
    progress.update(call + 1);
    return base::check_interrupt();
  };
  auto made = models::quantize(model, root, machine.engine, observer);
  progress.finish();
  return made;
}

int answer(const Arguments& arguments, const base::Hash& source, const base::Hash& root, const std::string& different) {
  if (arguments.json) {
    base::Json json = base::Json::empty_object();
    json.set("model", arguments.folder);
    json.set("root", root.hex());
    json.set("source", source.hex());
    if (arguments.check) json.set("first_difference", different.empty() ? base::Json() : base::Json(different));
    print_json(json);
  } else if (different.empty()) {
    print("model   " + arguments.folder);
    print("root    " + root.hex());
    print("source  " + source.hex() + (arguments.check ? ", from which every weight was made again" : ""));
  } else {
    print("not what it says: " + different);
  }
  return different.empty() ? kFine : kCheckFailed;
}

base::Result<int> run(const Arguments& arguments) {
  std::error_code error;
  if (!arguments.check && fs::exists(arguments.folder, error)) {
    return base::invalid(arguments.folder + " is there already: name a folder that is not, or compare it with --check");
  }
  base::catch_interrupts();
  STARLING_ASSIGN(const fs::path source_folder, find_model(arguments.model));
  STARLING_ASSIGN(const models::Checkpoint model, models::Checkpoint::open(source_folder));
  STARLING_ASSIGN(Machine machine, start_machine(arguments.threads));
  STARLING_ASSIGN(const base::Hash source, model.root(machine.pool.get()));
  if (!arguments.check) {
    STARLING_ASSIGN(const models::NewCheckpoint made, make(model, source, machine));
    STARLING_TRY(
        models::write_new_checkpoint(arguments.folder, made, [](std::uint64_t) { return base::check_interrupt(); }));
  }
  STARLING_ASSIGN(const models::Checkpoint written, models::Checkpoint::open(arguments.folder));
  STARLING_ASSIGN(const base::Hash root, written.root(machine.pool.get()));
  std::string different;
  if (arguments.check) {
    const auto& quantisation = written.config().transformer.quantisation;
    if (!quantisation) return base::invalid(arguments.folder + " is not quantised; name a folder that is");
    if (quantisation->source != source) {
      return base::invalid(arguments.folder + " was made of the model " + quantisation->source.hex() + ", and " +
                           source_folder.string() + " is " + source.hex() +
                           "; name the model that it was made of with --model");
    }
    STARLING_ASSIGN(const models::NewCheckpoint made, make(model, source, machine));
    STARLING_ASSIGN(different, difference(written, made));
  }
  return answer(arguments, source, root, different);
}

}  // namespace

Action declare_model_quantize(Options& options) {
  auto a = std::make_shared<Arguments>();
  options.text("FOLDER", a->folder, "Folder to make", Options::Presence::kRequired);
  options.text("--model", a->model, "Folder of the model it is made of; the bundled one if not given");
  options.flag("--check", a->check, "FOLDER is there: make its weights again, and say whether they are the same");
  options.integer("--threads", a->threads, 0, 512, "Threads; 0: one per core");
  options.flag("--json", a->json, "Print one JSON object as the last line");
  return [a] { return run(*a); };
}

}  // namespace starling::cli
