// starling model quantize
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

struct ModelQuantizeArguments {
  std::string folder;
  std::string model;
  std::int64_t threads = 0;
  bool check = false;
  bool json = false;
};

// What to do about a source that cannot be quantised.
base::Error with_advice(const base::Error& error, const fs::path& source) {
  if (error.code != base::ErrorCode::kNonFinite) return error;
  return models::with_remedy(error, "fetch the model " + source.string() + " again, or use another");
}

base::Result<models::NewCheckpoint> make(const models::Checkpoint& model, const fs::path& folder,
                                         const base::Hash& root, Machine& machine) {
  STARLING_ASSIGN(const exact::Program program, models::quantization_program(model.config()));
  base::Progress progress("quantise", program.calls().size(), "weight");
  exact::RunObserver observer;
  observer.after_call = [&](std::uint32_t call, const std::vector<exact::Tensor>&) {
    progress.update(call + 1);
    return base::check_interrupt();
  };
  auto made = models::quantize(model, root, machine.engine, observer);
  if (!made.ok()) return with_advice(made.error(), folder);
  progress.finish();
  return made;
}

int answer(const ModelQuantizeArguments& arguments, const base::Hash& source, const base::Hash& root,
           const std::string& different) {
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
    print("source  " + source.hex() + (arguments.check ? ", from which every file was made again" : ""));
  } else {
    print("not what it says: " + different);
  }
  return different.empty() ? kFine : kCheckFailed;
}

base::Result<int> run(const ModelQuantizeArguments& arguments) {
  std::error_code error;
  if (!arguments.check && fs::exists(arguments.folder, error)) {
    return base::invalid(arguments.folder + " is there already: name a folder that is not, or compare it with --check");
  }
  base::catch_interrupts();
  if (!arguments.check) STARLING_TRY(models::check_new_checkpoint(arguments.folder));
  STARLING_ASSIGN(const fs::path source_folder, find_model(arguments.model));
  STARLING_ASSIGN(const models::Checkpoint model, models::Checkpoint::open(source_folder));
  if (const auto& already = model.config().transformer.quantisation) {
    return base::unsupported(source_folder.string() + " is quantised already: name the model that it was made of, " +
                             already->source.hex() + ", with --model");
  }
  STARLING_ASSIGN(Machine machine, start_machine(arguments.threads));
  STARLING_ASSIGN(const base::Hash source, model.root(machine.pool.get()));
  if (!arguments.check) {
    STARLING_ASSIGN(const models::NewCheckpoint made, make(model, source_folder, source, machine));
    const base::Status wrote =
        models::write_new_checkpoint(arguments.folder, made, [](std::uint64_t) { return base::check_interrupt(); });
    if (!wrote.ok()) return with_advice(wrote.error(), source_folder);
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
    STARLING_ASSIGN(const models::NewCheckpoint made, make(model, source_folder, source, machine));
    STARLING_ASSIGN(different, models::first_difference(written, made));
  }
  return answer(arguments, source, root, different);
}

}  // namespace

Action declare_model_quantize(Options& options) {
  auto a = std::make_shared<ModelQuantizeArguments>();
  options.text("FOLDER", a->folder, "Folder to make", Options::Presence::kRequired);
  options.text("--model", a->model, "Folder of the model it is made of; the bundled one if not given");
  options.flag("--check", a->check, "FOLDER is there: make it again, and say whether every byte is the same");
  options.integer("--threads", a->threads, 0, 512, "Threads; 0: one per core");
  options.json(a->json);
  return [a] { return run(*a); };
}

}  // namespace starling::cli
