// A model's folder with all that may lie in it: its kin of few steps, and what its training claims.
#include <algorithm>

#include "base/file.h"
#include "cli/command.h"
#include "generate/video_job.h"
#include "program.h"
#include "proof/receipt.h"
#include "train/step_roots.h"
#include "train/training_receipt.h"

namespace starling::cli {
namespace {

namespace fs = std::filesystem;

using ModelFamily = ProgramTest;

TEST_F(ModelFamily, AModelsKinOfFewStepsMakesTheVideo) {
  const fs::path family = model_with_kin(2);
  const auto ask = [&](const fs::path& model, std::vector<std::string> more) {
    return run(with({"generate", "a red ball", "-o", at("out.mp4").string(), "--model", model.string(), "--size",
                     "32x16", "--frames", "5", "--json"},
                    more));
  };
  const Ran made = ask(family, {"--fast"});
  ASSERT_EQ(made.code, kFine) << made.err;
  const auto receipt = proof::parse_receipt(contents(at("out.receipt.json")));
  ASSERT_TRUE(receipt.ok());
  const auto request = generate::request_of(*receipt);
  ASSERT_TRUE(request.ok());
  EXPECT_EQ(request->steps, 2);
  EXPECT_EQ(request->guidance, 1.0F);
  EXPECT_EQ(request->shift, 2.0F);
  const auto verify = [&](const fs::path& model) {
    return run({"verify", at("out.receipt.json").string(), "--model", model.string()}).code;
  };
  EXPECT_EQ(verify(family), kFine);  // which finds the kin by the receipt's root
  EXPECT_EQ(verify(family / "fast"), kFine);
  EXPECT_EQ(verify(model()), kCheckFailed);
  // What the person says counts.
  ASSERT_EQ(ask(family, {"--fast", "--steps", "3"}).code, kFine);
  EXPECT_EQ(generate::request_of(*proof::parse_receipt(contents(at("out.receipt.json"))))->steps, 3);

  const base::Json info = run({"model", "info", family.string(), "--json"}).json();
  EXPECT_EQ(*info.integer("steps"), 30);
  ASSERT_TRUE(info.object("fast").ok());
  EXPECT_EQ(*(*info.object("fast"))->integer("steps"), 2);
  EXPECT_EQ(*run({"model", "info", (family / "fast").string(), "--json"}).json().integer("steps"), 2);
  EXPECT_NE(run({"model", "info", family.string()}).out.find("fast          2 steps, in "), std::string::npos);
}

TEST_F(ModelFamily, AModelWithoutKinIsNotFast) {
  const auto refused = [&](const fs::path& model, const std::string& why) {
    for (const char* command : {"generate", "job submit"}) {
      std::vector<std::string> arguments{"a red ball", "--model", model.string(), "--fast"};
      if (std::string_view(command) == "generate") {
        arguments.insert(arguments.begin(), command);
        arguments.insert(arguments.end(), {"-o", at("out.mp4").string()});
      } else {
        arguments.insert(arguments.begin(), {"job", "submit"});
      }
      const Ran ran = run(arguments);
      EXPECT_EQ(ran.code, kFailed) << command;
      EXPECT_NE(ran.err.find(why), std::string::npos) << ran.err;
      EXPECT_NE(ran.err.find("leave out --fast"), std::string::npos) << ran.err;
      EXPECT_EQ(std::count(ran.err.begin(), ran.err.end(), '\n'), 1) << ran.err;
    }
  };
  refused(model(), "has no kin of few steps");
  refused(model_with_kin(2) / "fast", "makes videos in 2 steps itself");
  refused(model_with_kin(0), "was not distilled to few steps");
  overwrite(at("family") / "fast" / "scheduler" / "scheduler_config.json", "{");
  const Ran damaged =
      run({"generate", "a red ball", "-o", at("out.mp4").string(), "--model", at("family").string(), "--fast"});
  EXPECT_EQ(damaged.code, kFailed);
  EXPECT_NE(damaged.err.find("scheduler_config.json"), std::string::npos) << damaged.err;
}

TEST_F(ModelFamily, AKinOfFewStepsIsMeasuredBesideItsModel) {
  const std::string family = model_with_kin(2).string();
  const Ran ran = run({"evaluate", family, "--world", "2", "--fast", "--clips", "2", "--steps", "3", "--width", "32",
                       "--height", "32", "--frames", "9", "--plot", "single", "--json"});
  ASSERT_EQ(ran.code, kFine) << ran.err;
  const base::Json json = ran.json();
  EXPECT_EQ(*json.integer("steps"), 3);
  const base::Json* const colour = json.find("scores")->find("colour");
  for (const char* column : {"model", "fast", "autoencoder", "floor", "ceiling"}) EXPECT_TRUE(colour->has(column));
  EXPECT_TRUE(json.find("comparisons")->has("fast by model"));
  EXPECT_GT(*json.find("seconds_per_video")->number("fast"), 0.0);
  EXPECT_GT(*json.find("seconds_per_video")->number("model"), 0.0);
  EXPECT_EQ(json.find("splits")->find("plot")->members().size(), 1U);

  const auto refused = [&](std::vector<std::string> arguments, const std::string& why) {
    arguments.insert(arguments.begin(), "evaluate");
    const Ran failed = run(arguments);
    EXPECT_EQ(failed.code, kFailed) << why;
    EXPECT_NE(failed.err.find(why), std::string::npos) << failed.err;
  };
  refused({model().string(), "--world", "2", "--fast"}, "has no kin of few steps");
  refused({family, "--fast"}, "are for --world 2");
  refused({family, "--plot", "single"}, "are for --world 2");
  refused({family, "--world", "2", "--fast", "--source", "world"}, "leave out --source world");
  refused({family, "--world", "2", "--plot", "battle"}, "battle");
  refused({family, "--world", "2", "--frames", "10"}, "frames");
}

// What a run leaves in its model's folder is enough to check it with, wherever the folder goes.
TEST_F(ModelFamily, AModelIsShippedWithItsTrainingsReceipt) {
  const auto train = [&](const std::string& part, const std::string& recipe, const std::vector<std::string>& more) {
    overwrite(at(part + ".json"), "{\"part\": \"" + part.substr(0, part.find('-')) +
                                      "\", \"width\": 32, \"height\": 32, \"frames\": 5, \"batch\": 2, \"steps\": 4, "
                                      "\"warmup_steps\": 1, \"decay_steps\": 1, " +
                                      recipe + "}");
    return run(with({"train", part.substr(0, part.find('-')), "--out", at("run-" + part).string(), "--recipe",
                     at(part + ".json").string(), "--quiet"},
                    more));
  };
  const Ran vae = train("vae", "\"crop\": 16, \"channels\": 8", {});
  ASSERT_EQ(vae.code, kFine) << vae.err;
  const std::string transformer =
      "\"blocks\": 1, \"heads\": 1, \"vocabulary\": 300, \"first_latent_clips\": 4, "
      "\"latent_clips\": 8";
  const Ran taught = train("transformer", transformer, {"--vae", (at("run-vae") / "vae").string()});
  ASSERT_EQ(taught.code, kFine) << taught.err;
  const fs::path model = at("shipped");
  fs::copy(at("run-transformer") / "model", model, fs::copy_options::recursive);
  fs::copy(at("run-vae") / "vae", model / "vae", fs::copy_options::recursive | fs::copy_options::overwrite_existing);
  const Ran fast =
      train("transformer-fast", transformer + ", \"student_steps\": 2, \"teacher_steps\": 1, \"teacher_guidance\": 1",
            {"--vae", (model / "vae").string(), "--from", model.string()});
  ASSERT_EQ(fast.code, kFine) << fast.err;
  fs::copy(at("run-transformer-fast") / "model", model / "fast", fs::copy_options::recursive);
  for (const char* run_folder : {"run-vae", "run-transformer", "run-transformer-fast"}) fs::remove_all(at(run_folder));

  const auto check = [&](const fs::path& receipt, const std::vector<std::string>& more) {
    return run(with({"verify", receipt.string(), "--json"}, more));
  };
  for (const fs::path& receipt : {model / train::kTrainingReceiptName, model / "vae" / train::kTrainingReceiptName,
                                  model / "fast" / train::kTrainingReceiptName}) {
    const Ran files = check(receipt, {});
    ASSERT_EQ(files.code, kFine) << receipt << files.out << files.err;
    EXPECT_EQ(*files.json().integer("made_steps"), 0);
    const Ran steps = check(receipt, {"--steps", "2"});
    ASSERT_EQ(steps.code, kFine) << receipt << steps.out << steps.err;
    EXPECT_EQ(*steps.json().integer("drawn_steps"), 2);
    EXPECT_EQ(*steps.json().integer("reachable_steps"), 4);
    EXPECT_EQ(*steps.json().integer("steps"), 4);
  }
  // The student's folder is used as it is.
  const Ran made = run({"generate", "a red ball", "--fast", "--model", model.string(), "-o", at("out.mp4").string(),
                        "--size", "32x32", "--frames", "5"});
  ASSERT_EQ(made.code, kFine) << made.err;
  EXPECT_EQ(generate::request_of(*proof::parse_receipt(contents(at("out.receipt.json"))))->steps, 2);

  const fs::path receipt = model / train::kTrainingReceiptName;
  const fs::path list = model / train::kStepRootsName;
  const std::string roots = contents(list);
  std::string other = roots;
  other.back() = static_cast<char>(other.back() ^ 1);
  overwrite(list, other);
  const Ran changed = check(receipt, {});
  EXPECT_EQ(changed.code, kCheckFailed);
  EXPECT_NE(changed.out.find("is not the one that the receipt is of"), std::string::npos) << changed.out;
  fs::remove(list);
  EXPECT_EQ(check(receipt, {}).code, kFine);  // of the files alone
  const Ran missing = check(receipt, {"--steps", "2"});
  EXPECT_EQ(missing.code, kFailed);
  EXPECT_NE(missing.err.find("belongs beside the receipt"), std::string::npos) << missing.err;
  overwrite(list, roots);
  const Ran elsewhere = check(receipt, {"--steps", "2", "--checkpoints", at("nowhere").string()});
  EXPECT_EQ(elsewhere.code, kFailed);
  EXPECT_NE(elsewhere.err.find("name one with checkpoints"), std::string::npos) << elsewhere.err;
  std::string weights = contents(model / "transformer" / "diffusion_pytorch_model.safetensors");
  weights.back() = static_cast<char>(weights.back() ^ 1);
  overwrite(model / "transformer" / "diffusion_pytorch_model.safetensors", weights);
  EXPECT_EQ(check(receipt, {}).code, kCheckFailed);
  EXPECT_EQ(run({"verify", at("out.receipt.json").string(), "--checkpoints", "x"}).code, kFailed);
}

}  // namespace
}  // namespace starling::cli
