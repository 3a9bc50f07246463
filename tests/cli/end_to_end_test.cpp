// From a prompt to a video that is checked, and everything that may go wrong on the way.
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <set>
#include <thread>

#include "base/file.h"
#include "cli/command.h"
#include "exact/kernels.h"
#include "node/key_store.h"
#include "program.h"
#include "proof/receipt.h"
#include "train/training_receipt.h"
#include "video/xmp.h"

namespace starling::cli {
namespace {

namespace fs = std::filesystem;

using EndToEnd = ProgramTest;

TEST_F(EndToEnd, ALimitOfTheProcessIsKeptTo) {
  std::ifstream pages("/proc/self/statm");
  std::uint64_t mapped = 0;
  pages >> mapped;
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_AS, &before), 0);
  constexpr std::uint64_t kRoom = std::uint64_t{320} << 20U;
  const rlimit limit{mapped * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)) + kRoom, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_AS, &limit), 0);
  const Ran made = run(small("out.mp4"));
  std::vector<std::string> arguments = small("large.mp4");
  std::ranges::replace(arguments, std::string("32x16"), std::string("2048x1024"));
  const Ran large = run(arguments);
  ASSERT_EQ(::setrlimit(RLIMIT_AS, &before), 0);
  EXPECT_EQ(made.code, kFine) << made.err;
  EXPECT_EQ(large.code, kFailed);
  EXPECT_NE(large.err.find(" of memory and the limit of this process (ulimit -v) leaves 0.3 GiB: "), std::string::npos)
      << large.err;
  EXPECT_NE(large.err.find(" with 5 frames fits"), std::string::npos) << large.err;
  EXPECT_EQ(left(), (std::vector<std::string>{"out.mp4", "out.receipt.json", "out.trace"}));
}

TEST_F(EndToEnd, AVideoIsMadeAndHolds) {
  const Ran made = run(small("out.mp4"));
  ASSERT_EQ(made.code, kFine) << made.err;
  const base::Json json = made.json();
  for (const char* key : {"video", "receipt", "model_root", "program_root", "output_root", "trace_root"}) {
    EXPECT_TRUE(json.text(key).ok()) << key;
  }
  EXPECT_EQ(*json.integer("frames"), 5);
  EXPECT_EQ(*json.integer("width"), 32);
  EXPECT_EQ(*json.integer("height"), 16);
  EXPECT_EQ(*json.number("fps"), 8.0);
  EXPECT_GT(*json.number("seconds"), 0.0);
  EXPECT_GT(*json.integer("peak_bytes"), 0);
  EXPECT_TRUE(json.object("work").ok());
  EXPECT_EQ(left(), (std::vector<std::string>{"out.mp4", "out.receipt.json", "out.trace"}));

  const std::string receipt = at("out.receipt.json").string();
  const std::vector<std::string> check{"verify", receipt, "--model", model().string(), "--json"};
  for (const auto& more : std::vector<std::vector<std::string>>{{},
                                                                {"--video", at("out.mp4").string()},
                                                                {"--sample", "1"},
                                                                {"--sample", "1", "--video", at("out.mp4").string()},
                                                                {"--threads", "3"}}) {
    const Ran checked = run(with(check, more));
    EXPECT_EQ(checked.code, kFine) << checked.out << checked.err;
    const base::Json verdict = checked.json();
    EXPECT_TRUE(*verdict.boolean("valid"));
    EXPECT_GT(*verdict.integer("checked_calls"), 0);
    EXPECT_EQ(*verdict.integer("total_calls"), 7);
    EXPECT_TRUE(verdict.find("first_difference")->is_null());
    EXPECT_NE(verdict.find("psnr_db"), nullptr);
    EXPECT_TRUE(verdict.number("seconds").ok());
  }
}

TEST_F(EndToEnd, VideosGoOnFromFilesAndAreChecked) {
  ASSERT_EQ(run(small("clip.mp4")).code, kFine);
  const std::string clip = at("clip.mp4").string();
  const std::vector<std::string> base{"--size", "32x16", "--steps", "1", "--model", model().string(), "--json"};
  struct Way {
    std::vector<std::string> arguments;
    int frames;
  };
  const std::vector<Way> ways{{{"--image", clip, "--frames", "9"}, 9},
                              {{"--extend", clip, "--seconds", "1"}, 5 + 8},
                              {{"--extend", clip, "--direction", "backward", "--frames", "5"}, 5 + 4},
                              {{"--from", clip, "--to", clip, "--frames", "4"}, 5 + 4 + 4},
                              {{"--edit", clip, "--strength", "1"}, 5},
                              {{"--loop", "--seconds", "1"}, 8},
                              {{"--frames", "21", "--window", "9"}, 21}};
  const std::string video = at("way.mp4").string();
  const std::vector<std::string> check{"verify", at("way.receipt.json").string(), "--model", model().string(),
                                       "--json"};
  for (const Way& way : ways) {
    const Ran made = run(with(with({"generate", "a red ball bounces", "-o", video}, base), way.arguments));
    ASSERT_EQ(made.code, kFine) << way.arguments[0] << made.err;
    EXPECT_EQ(*made.json().integer("frames"), way.frames) << way.arguments[0];
    const Ran checked = run(with(check, {"--video", video}));
    EXPECT_EQ(checked.code, kFine) << way.arguments[0] << checked.out << checked.err;
    const bool given = way.arguments[0] != "--loop" && way.arguments[0] != "--frames";
    EXPECT_EQ(fs::exists(at("way.inputs")), given) << way.arguments[0];
    if (!given) continue;
    const std::string inputs = contents(at("way.inputs"));
    std::string changed = inputs;
    changed[changed.size() / 2] ^= 1;
    overwrite(at("way.inputs"), changed);
    const Ran found = run(check);
    EXPECT_EQ(found.code, kCheckFailed) << way.arguments[0];
    EXPECT_TRUE(found.json().text("first_difference")->starts_with("inputs:")) << found.out;
    fs::remove(at("way.inputs"));
    const Ran missing = run(check);
    EXPECT_EQ(missing.code, kFailed) << way.arguments[0];
    EXPECT_NE(missing.err.find("put it beside the receipt"), std::string::npos) << missing.err;
  }
}

TEST_F(EndToEnd, WrongWaysInGetASentenceAndLeaveNothing) {
  overwrite(at("garbage.mp4"), std::string(1000, 'x'));
  overwrite(at("empty.png"), "");
  const std::string garbage = at("garbage.mp4").string();
  const auto before = left();
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases{
      {{"--image", garbage}, "garbage.mp4"},
      {{"--extend", at("empty.png").string()}, "empty.png"},
      {{"--edit", at("none.mp4").string()}, "none.mp4"},
      {{"--image", garbage, "--extend", garbage}, "not both"},
      {{"--strength", "0.5"}, "--edit"},
      {{"--edit", garbage, "--strength", "1.5"}, "--strength"},
      {{"--edit", garbage, "--seconds", "1"}, "keeps the clip's duration"},
      {{"--direction", "backward"}, "--extend"},
      {{"--direction", "up", "--extend", garbage}, "--direction"},
      {{"--loop", "--frames", "9"}, "the nearest are 8 and 12"},
      {{"--frames", "21", "--window", "8"}, "the nearest are 5 and 9"},
      {{"--contact-sheet", at("sheet.jpg").string()}, ".png"}};
  for (const auto& [arguments, sentence] : cases) {
    const Ran ran = run(with({"generate", "a ball", "-o", at("x.mp4").string(), "--size", "32x16", "--steps", "1",
                              "--model", model().string()},
                             arguments));
    EXPECT_EQ(ran.code, kFailed) << arguments[0];
    EXPECT_NE(ran.err.find(sentence), std::string::npos) << arguments[0] << ": " << ran.err;
    EXPECT_EQ(left(), before) << arguments[0];
  }
}

TEST_F(EndToEnd, SeveralVideosShareAProgram) {
  auto arguments = with(small("many.mp4"), {"--count", "3", "--contact-sheet", at("sheet.png").string()});
  const Ran made = run(arguments);
  ASSERT_EQ(made.code, kFine) << made.err;
  const base::Json json = made.json();
  ASSERT_EQ((*json.array("videos"))->elements().size(), 3U);
  std::set<std::string> outputs;
  for (const base::Json& one : (*json.array("videos"))->elements()) {
    outputs.insert(*one.text("output_root"));
    const Ran checked =
        run({"verify", *one.text("receipt"), "--video", *one.text("video"), "--model", model().string()});
    EXPECT_EQ(checked.code, kFine) << checked.out << checked.err;
  }
  EXPECT_EQ(outputs.size(), 3U);
  EXPECT_TRUE(fs::exists(at("sheet.png")));
  EXPECT_TRUE(outputs.contains(*run(small("alone.mp4")).json().text("output_root")));
}

TEST_F(EndToEnd, EveryKindOfFileHolds) {
  for (const char* name : {"a.mp4", "b.webm", "c.gif", "d-%03d.png", "e.mp4"}) {
    auto arguments = small(name);
    if (std::string(name) == "e.mp4") arguments.emplace_back("--lossless");
    const Ran made = run(arguments);
    ASSERT_EQ(made.code, kFine) << made.err;
    const Ran checked = run(
        {"verify", *made.json().text("receipt"), "--video", at(name).string(), "--model", model().string(), "--json"});
    EXPECT_EQ(checked.code, kFine) << name << checked.out << checked.err;
    if (std::string(name) == "e.mp4" || std::string(name) == "d-%03d.png") {
      EXPECT_EQ(*checked.json().number("psnr_db"), 100.0) << name;
    }
  }
  const Ran one = run({"generate", "a red ball", "-o", at("one.png").string(), "--model", model().string(), "--size",
                       "16x16", "--steps", "1", "--json"});
  ASSERT_EQ(one.code, kFine) << one.err;
  EXPECT_EQ(*one.json().integer("frames"), 1);
}

TEST_F(EndToEnd, AnotherVideosReceiptIsKept) {
  ASSERT_EQ(run(small("out.mp4")).code, kFine);
  const std::string receipt = contents(at("out.receipt.json"));
  const std::string trace = contents(at("out.trace"));
  const Ran refused = run(small("out.gif"));
  EXPECT_EQ(refused.code, kFailed);
  EXPECT_NE(refused.err.find(at("out.mp4").string()), std::string::npos) << refused.err;
  EXPECT_EQ(left(), (std::vector<std::string>{"out.mp4", "out.receipt.json", "out.trace"}));
  EXPECT_EQ(contents(at("out.receipt.json")), receipt);
  EXPECT_EQ(contents(at("out.trace")), trace);
  // The same video may be made again, and a receipt whose video is gone belongs to nobody.
  EXPECT_EQ(run(small("out.mp4")).code, kFine);
  fs::rename(at("out.mp4"), at("moved.mp4"));
  EXPECT_EQ(run(small("out.gif")).code, kFine);
  overwrite(at("out.mp4"), contents(at("moved.mp4")));
  EXPECT_EQ(run(small("out.gif")).code, kFine) << "the receipt is of the GIF now";
  EXPECT_EQ(run(small("out.mp4")).code, kFailed);
}

TEST_F(EndToEnd, EveryBackendAndThreadCountGivesTheSameFiles) {
  std::vector<std::string> first;
  for (const exact::Kernels* kernels : exact::available_kernels()) {
    for (const char* threads : {"1", "2", "3"}) {
      ::setenv("STARLING_BACKEND", kernels->name, 1);
      const Ran made = run(with(small("out.mp4"), {"--threads", threads}));
      ::unsetenv("STARLING_BACKEND");
      ASSERT_EQ(made.code, kFine) << made.err;
      const std::vector<std::string> files{contents(at("out.receipt.json")), contents(at("out.trace")),
                                           contents(at("out.mp4"))};
      if (first.empty()) first = files;
      EXPECT_TRUE(files == first) << kernels->name << " " << threads;
    }
  }
}

// At once, by whatever would compute later, and before a key is made.
TEST_F(EndToEnd, ABackendThatIsNotThereIsRefusedFirst) {
  const std::string home = std::getenv("STARLING_HOME");
  ::setenv("STARLING_HOME", at("home").c_str(), 1);
  ::setenv("STARLING_BACKEND", "abacus", 1);
  for (const std::vector<std::string>& words :
       {small("out.mp4"),
        with(small("out.mp4"), {"--dry-run"}),
        {"serve", "--home", at("gateway").string(), "--model", model().string(), "--listen", "127.0.0.1:0"},
        {"node", "--home", at("node").string(), "--role", "validator,provider", "--model", model().string()},
        {"devnet", "--home", at("net").string(), "--model", model().string()}}) {
    const Ran refused = run(words);
    EXPECT_EQ(refused.code, kFailed) << words[0];
    EXPECT_NE(refused.err.find("no backend \"abacus\""), std::string::npos) << refused.err;
    EXPECT_NE(refused.err.find("generic, reference, "), std::string::npos) << refused.err;
#if !defined(STARLING_CUDA)
    EXPECT_EQ(refused.err.find("cuda,"), std::string::npos) << refused.err;
#endif
  }
  ::unsetenv("STARLING_BACKEND");
  // So is a place where nothing can be written.
  EXPECT_EQ(run(small("/proc/out.mp4")).code, kFailed);
  ::setenv("STARLING_HOME", home.c_str(), 1);
  EXPECT_FALSE(fs::exists(at("home"))) << "a key was made";
  EXPECT_TRUE(left().empty()) << left()[0];
}

TEST_F(EndToEnd, AChangedByteAnywhereIsFound) {
  ASSERT_EQ(run(small("out.mp4")).code, kFine);
  const fs::path own_model = at("model");
  fs::copy(model(), own_model, fs::copy_options::recursive);
  const std::vector<std::string> check{
      "verify", at("out.receipt.json").string(), "--video", at("out.mp4").string(), "--model", own_model.string(),
      "--json"};
  ASSERT_EQ(run(check).code, kFine);
  std::vector<std::pair<fs::path, int>> files{{at("out.receipt.json"), 24}, {at("out.mp4"), 24}, {at("out.trace"), 8}};
  for (const char* name : {"text_encoder", "transformer"}) {
    for (const auto& entry : fs::directory_iterator(own_model / name)) {
      if (entry.path().extension() == ".safetensors") files.emplace_back(entry.path(), 6);
    }
  }
  for (const auto& entry : fs::directory_iterator(own_model / "vae")) {
    if (entry.path().extension() == ".safetensors") files.emplace_back(entry.path(), 6);
  }
  for (const auto& [path, samples] : files) {
    const std::string whole = contents(path);
    for (int i = 0; i < samples; ++i) {
      // The first and last bytes and some between.
      const std::size_t byte = i == samples - 1
                                   ? whole.size() - 1
                                   : whole.size() * static_cast<std::size_t>(i) / static_cast<std::size_t>(samples);
      std::string changed = whole;
      changed[byte] = static_cast<char>(changed[byte] ^ (1 << (i % 8)));
      overwrite(path, changed);
      const Ran checked = run(check);
      EXPECT_EQ(checked.code, kCheckFailed) << path << " byte " << byte << checked.out << checked.err;
      const base::Json verdict = checked.json();
      EXPECT_FALSE(verdict.boolean("valid").ok() && *verdict.boolean("valid"));
      EXPECT_TRUE(verdict.text("first_difference").ok());
    }
    overwrite(path, whole);
  }
  EXPECT_EQ(run(check).code, kFine);
}

TEST_F(EndToEnd, TheFirstDifferenceIsNamed) {
  ASSERT_EQ(run(small("out.mp4")).code, kFine);
  std::vector<std::string> other = small("other.mp4");
  *(std::find(other.begin(), other.end(), "--seed") + 1) = "6";
  ASSERT_EQ(run(other).code, kFine);
  const std::string receipt = at("out.receipt.json").string();
  const auto difference = [&](const char* video) {
    const Ran ran = run({"verify", receipt, "--video", at(video).string(), "--model", model().string(), "--json"});
    EXPECT_EQ(ran.code, kCheckFailed);
    return *ran.json().text("first_difference");
  };
  EXPECT_EQ(difference("other.mp4").rfind("video: the file says that its TraceRoot is ", 0), 0U);
  // One that says nothing is found out by its frames.
  const std::string other_video = contents(at("other.mp4"));
  overwrite(at("silent.mp4"), other_video.substr(0, other_video.find("uuid") - 4));
  EXPECT_EQ(difference("silent.mp4").rfind("frame 0", 0), 0U);
  overwrite(at("noise.receipt.json"), "not a receipt");
  const Ran noise = run({"verify", at("noise.receipt.json").string(), "--json"});
  EXPECT_EQ(noise.code, kCheckFailed);
  EXPECT_EQ(noise.json().text("first_difference")->rfind("receipt:", 0), 0U);
  // What cannot be checked is no failed check.
  EXPECT_EQ(run({"verify", at("none.receipt.json").string()}).code, kFailed);
  EXPECT_EQ(run({"verify", receipt, "--model", at("none").string()}).code, kFailed);
  EXPECT_EQ(run({"verify", receipt, "--video", at("none.mp4").string(), "--model", model().string()}).code, kFailed);
}

TEST_F(EndToEnd, AVideoFindsItsReceipt) {
  ASSERT_EQ(run(small("out.mp4")).code, kFine);
  const std::vector<std::string> check{"verify", at("out.mp4").string(), "--model", model().string(), "--json"};
  const Ran found = run(check);
  EXPECT_EQ(found.code, kFine) << found.err;
  const proof::Receipt receipt = *proof::parse_receipt(contents(at("out.receipt.json")));
  const base::Json verdict = found.json();
  const base::Json* const said = verdict.find("provenance");
  ASSERT_NE(said, nullptr);
  EXPECT_EQ(*said->text("output_root"), receipt.output_root.hex());
  EXPECT_EQ(*said->text("trace_root"), receipt.trace_root.hex());
  EXPECT_TRUE(verdict.number("psnr_db").ok());
  // Renamed, cut short, and with a second word on its origin after the first.
  fs::copy_file(at("out.mp4"), at("renamed.mp4"));
  EXPECT_EQ(run({"verify", at("out.receipt.json").string(), "--video", at("renamed.mp4").string(), "--model",
                 model().string(), "--sample", "1"})
                .code,
            kFine);
  const std::string whole = contents(at("out.mp4"));
  std::ofstream(at("out.mp4"), std::ios::binary) << whole.substr(0, whole.size() - 100);
  EXPECT_NE(run(check).out.find("does not end where it says"), std::string::npos);
  const base::Bytes box = video::xmp_box("of elsewhere");
  std::ofstream(at("out.mp4"), std::ios::binary) << whole << std::string(box.begin(), box.end());
  EXPECT_NE(run(check).out.find("two XMP packets"), std::string::npos);
  std::ofstream(at("out.mp4"), std::ios::binary) << whole;
  fs::rename(at("out.receipt.json"), at("kept"));
  const Ran alone = run({"verify", at("out.mp4").string(), "--model", model().string()});
  EXPECT_EQ(alone.code, kFailed);
  EXPECT_NE(alone.err.find(receipt.output_root.hex()), std::string::npos) << alone.err;
}

// Signed, so that nothing but the parameters is wrong.
TEST_F(EndToEnd, AReceiptOfNoVideoFails) {
  ASSERT_EQ(run(small("out.mp4")).code, kFine);
  const proof::Receipt receipt = *proof::parse_receipt(contents(at("out.receipt.json")));
  const base::SecretKey key = *node::default_key(*node::KeyHome::from_environment());
  const auto says = [&](const std::string& field, const base::Json& value, const std::string& expected) {
    proof::Receipt changed = receipt;
    changed.parameters.set(field, value);
    ASSERT_TRUE(proof::sign_receipt(changed, key).ok()) << field;
    overwrite(at("changed.receipt.json"), *proof::receipt_text(changed));
    const Ran ran = run({"verify", at("changed.receipt.json").string(), "--model", model().string(), "--json"});
    EXPECT_EQ(ran.code, kCheckFailed) << field << ran.err;
    const std::string difference = *ran.json().text("first_difference");
    EXPECT_NE(difference.find(expected), std::string::npos) << difference;
    EXPECT_LT(difference.size(), 300U) << difference;
  };
  const std::uint64_t huge = ~std::uint64_t{0};
  for (const char* field : {"guidance", "shift"}) {
    for (const char* value : {"3.0", "inf", "nan", "1e999", "", "3 ", "0x3"}) {
      says(field, value, std::string("receipt: the field \"") + field + "\"");
    }
    says(field, 3, std::string("receipt: the field \"") + field + "\"");
    says(field, "1e+38", "program: ");
  }
  for (const char* value : {"16/2", "08", "0", "8/0", "", "8/1"}) says("rate", value, "receipt: the field \"rate\"");
  for (const char* field : {"steps", "width", "height", "frames"}) {
    for (const base::Json& value : {base::Json(0), base::Json(-64), base::Json(100'001), base::Json(huge)}) {
      says(field, value, std::string("receipt: the field \"") + field + "\"");
    }
  }
  says("width", 33, "program: ");
  says("more", 1, "receipt: the field \"more\"");
  says(std::string(5000, 'm'), "x", "receipt: the field \"mmm");
  says("prompt", 7, "receipt: the field \"prompt\"");
  overwrite(at("large.receipt.json"), std::string(std::size_t{17} << 20U, ' '));
  EXPECT_EQ(run({"verify", at("large.receipt.json").string(), "--model", model().string()}).code, kCheckFailed);
}

TEST_F(EndToEnd, WrongRequestsGetASentenceAndLeaveNothing) {
  const auto refused = [&](const std::string& prompt, const std::vector<std::string>& more,
                           const std::string& expected) {
    std::vector<std::string> arguments = small("out.mp4");
    arguments[1] = prompt;
    const Ran ran = run(with(arguments, more));
    EXPECT_EQ(ran.code, kFailed) << prompt.substr(0, 20);
    EXPECT_NE(ran.err.find(expected), std::string::npos) << ran.err;
    EXPECT_TRUE(ran.json().has("error"));
    EXPECT_EQ(left(), std::vector<std::string>()) << prompt.substr(0, 20);
  };
  refused("", {}, "empty");
  refused(" \n", {}, "empty");
  refused(std::string(10'000, 'x'), {}, "shorten");
  std::string words;
  while (words.size() < 10'000) words += "ball ";
  refused(words, {}, "shorten");
  refused("a \xc3\x28 ball", {}, "UTF-8");
  const auto option = [&](const std::string& name, const std::string& value, const std::string& expected) {
    std::vector<std::string> arguments = small("out.mp4");
    const auto place = std::find(arguments.begin(), arguments.end(), name);
    if (place != arguments.end()) {
      *(place + 1) = value;
    } else {
      arguments.push_back(name);
      arguments.push_back(value);
    }
    const Ran ran = run(arguments);
    EXPECT_EQ(ran.code, kFailed) << name << " " << value;
    EXPECT_NE(ran.err.find(expected), std::string::npos) << ran.err;
    EXPECT_EQ(left(), std::vector<std::string>()) << name;
  };
  option("--size", "33x16", "the nearest are 32 and 48");
  option("--size", "9223372036854775807x16", "the nearest is 8192");
  option("--size", "3x16", "the nearest is 16");
  option("--size", "big", "WIDTHxHEIGHT");
  option("--size", "32x99999999", "8192");
  option("--frames", "6", "5 and 9");
  option("--fps", "0", "frame rate");
  option("--steps", "0", "1 to 1000");
  option("--guidance", "-1", "0 to 100");
  option("--seed", "minus", "--seed");
  option("--seed", "-1", "18446744073709551615");
  option("--seed", "18446744073709551616", "18446744073709551615");
  option("--negative", "\xff", "UTF-8");
  option("--model", at("none").string(), "none");
  option("-o", at("out.avi").string(), ".mp4");
  for (const char* name : {".", "..", "./", "a/..", "/"}) option("-o", name, "has no name");
  const auto no_folder = [&](const std::string& output, const std::string& problem) {
    option("-o", output, "cannot write " + output + ": " + problem);
  };
  no_folder(at("none/out.mp4").string(), "there is no folder " + at("none").string() + ": make it");
  no_folder(at("none/frames/").string(), "there is no folder " + at("none").string() + ": make it");
  no_folder(at("none/frame-%d.png").string(), "there is no folder " + at("none").string() + ": make it");
  no_folder((model() / "model_index.json" / "out.mp4").string(),
            (model() / "model_index.json").string() + " is not a folder");
  option("-o", at("five.png").string(), "one frame");
  option("--steps", "3.5", "\"3.5\" is not a whole number from 1 to 1000");
  option("--size", "33x17", "height 17 does not work");
  option("--size", "33x17", "width 33 does not work");
  const Ran dir = run(with(small("out.mp4"), {"--seconds", "1"}));
  EXPECT_EQ(dir.code, kFailed);
}

TEST_F(EndToEnd, AFolderIsNoVideo) {
  fs::create_directory(at("folder.mp4"));
  const Ran ran = run(small("folder.mp4"));
  EXPECT_EQ(ran.code, kFailed);
  EXPECT_NE(ran.err.find("is a folder"), std::string::npos) << ran.err;
  EXPECT_EQ(left(), std::vector<std::string>{"folder.mp4"});
  EXPECT_EQ(run(small("folder.mp4/")).code, kFine);
}

TEST_F(EndToEnd, TheAdviceRuns) {
  std::vector<std::string> arguments = small("out.mp4");
  *(std::find(arguments.begin(), arguments.end(), "-o") + 1) = "-my video's.mp4";
  arguments.pop_back();  // --json
  const Ran made = wait(start(arguments));
  ASSERT_EQ(made.code, kFine) << made.err;
  EXPECT_NE(made.out.find("starling verify './-my video'\\''s.receipt.json' --video './-my video'\\''s.mp4'"),
            std::string::npos)
      << made.out;
}

TEST_F(EndToEnd, WhatFilesSayCannotSteerATerminal) {
  const Ran ran = run({"verify", at("\x1b[31mred\nline\xc2\x9b.receipt.json").string()});
  EXPECT_EQ(ran.code, kFailed);
  EXPECT_NE(ran.err.find("?[31mred?line?.receipt"), std::string::npos) << ran.err;
  EXPECT_EQ(ran.err.find('\x1b'), std::string::npos);
  EXPECT_EQ(std::count(ran.err.begin(), ran.err.end(), '\n'), 1) << ran.err;
}

TEST_F(EndToEnd, ALongPromptIsRefusedBeforeItsWordsAreNamed) {
  std::vector<std::string> arguments = small("out.mp4");
  arguments[1] = std::string(10'000, 'x');
  EXPECT_LT(run(arguments).err.size(), 400U);
}

TEST_F(EndToEnd, UnknownWordsAreNamed) {
  std::vector<std::string> arguments = small("out.mp4");
  arguments[1] = "a red dragon bounces";
  const Ran made = run(arguments);
  EXPECT_EQ(made.code, kFine);
  EXPECT_NE(made.err.find("\"dragon\""), std::string::npos) << made.err;
  EXPECT_EQ(made.err.find("\"red\""), std::string::npos) << made.err;
  EXPECT_NE(made.err.find("It knows words such as "), std::string::npos) << made.err;
  EXPECT_LT(made.err.find('\n', made.err.find("note: ")), made.err.find("note: ") + 200) << made.err;
}

TEST_F(EndToEnd, APromptIsToldAsTheModelsTrainingDid) {
  const auto ask = [&](const fs::path& model, const std::string& prompt) {
    return run({"generate", prompt, "-o", at("out.mp4").string(), "--model", model.string(), "--size", "32x16",
                "--seconds", "1", "--steps", "1", "--expand", "--json"});
  };
  const Ran silent = ask(model(), "a red ball");
  EXPECT_EQ(silent.code, kFailed);
  EXPECT_NE(silent.err.find("has no training.receipt.json"), std::string::npos) << silent.err;

  const fs::path trained = at("trained");
  fs::copy(model(), trained, fs::copy_options::recursive);
  train::TrainingReceipt receipt;
  receipt.recipe = train::default_recipe(train::ModelPart::kTransformer);
  receipt.recipe.world = 2;
  overwrite(trained / train::kTrainingReceiptName, train::write_training_receipt(receipt));
  const Ran made = ask(trained, "please a RED ball");
  ASSERT_EQ(made.code, kFine) << made.err;
  const std::string told = *made.json().text("prompt");
  EXPECT_NE(told.find("a red ball bounces"), std::string::npos) << told;
  EXPECT_NE(made.err.find("prompt: " + told), std::string::npos) << made.err;
  const auto signed_text = proof::parse_receipt(contents(at("out.receipt.json")));
  ASSERT_TRUE(signed_text.ok());
  EXPECT_NE(contents(at("out.receipt.json")).find(told), std::string::npos);
  EXPECT_EQ(run({"verify", at("out.receipt.json").string(), "--model", trained.string()}).code, kFine);

  const Ran nothing = ask(trained, "a sunset over the ocean");
  EXPECT_EQ(nothing.code, kFailed);
  EXPECT_NE(nothing.err.find("nothing that this model knows"), std::string::npos) << nothing.err;
  receipt.recipe.source = "clips";
  overwrite(trained / train::kTrainingReceiptName, train::write_training_receipt(receipt));
  EXPECT_NE(ask(trained, "a red ball").err.find("on other captions"), std::string::npos);
  overwrite(trained / train::kTrainingReceiptName, "{");
  EXPECT_EQ(ask(trained, "a red ball").code, kFailed);
}

TEST_F(EndToEnd, AnInterruptLeavesNothing) {
  std::vector<std::string> arguments = small("out.mp4");
  *(std::find(arguments.begin(), arguments.end(), "--steps") + 1) = "1000";
  *(std::find(arguments.begin(), arguments.end(), "--size") + 1) = "256x256";
  for (const int number : {SIGINT, SIGHUP}) {
    const pid_t child = start(arguments);
    // The hidden files it writes to show that it has begun.
    for (int i = 0; i < 2000 && left().size() < 2; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    EXPECT_GE(left().size(), 2U);
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    ::kill(child, number);
    const Ran ran = wait(child);
    EXPECT_EQ(ran.code, kFailed) << ran.err;
    EXPECT_NE(ran.err.find("starling: "), std::string::npos);
    EXPECT_EQ(left(), std::vector<std::string>());
  }
}

TEST_F(EndToEnd, WhatAKilledRunLeftGoesWithTheNext) {
  std::vector<std::string> arguments = small("out.mp4");
  *(std::find(arguments.begin(), arguments.end(), "--steps") + 1) = "1000";
  *(std::find(arguments.begin(), arguments.end(), "--size") + 1) = "256x256";
  const pid_t child = start(arguments);
  // The video, the receipt and the call outputs.
  for (int i = 0; i < 2000 && left().size() < 3; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  // What a living run writes is not touched by another.
  ASSERT_EQ(run(small("out.mp4")).code, kFine);
  EXPECT_EQ(left().size(), 6U);
  ::kill(child, SIGKILL);
  wait(child);
  EXPECT_EQ(left().size(), 6U);
  ASSERT_EQ(run(small("out.mp4")).code, kFine);
  EXPECT_EQ(left(), (std::vector<std::string>{"out.mp4", "out.receipt.json", "out.trace"}));
}

TEST_F(EndToEnd, AFullDiskLeavesNothing) {
  ASSERT_EQ(run({"wallet", "new"}).code, kFine);
  for (const std::size_t limit : {std::size_t{100}, std::size_t{3000}, std::size_t{9000}}) {
    const Ran ran = wait(start(small("out.mp4"), "/dev/null", limit));
    EXPECT_EQ(ran.code, kFailed) << limit << ran.err;
    EXPECT_EQ(left(), std::vector<std::string>()) << limit;
  }
  const Ran unheard = wait(start({"version"}, "/dev/full"));
  EXPECT_EQ(unheard.code, kFailed);
  EXPECT_NE(unheard.err.find("No space left"), std::string::npos) << unheard.err;
}

TEST_F(EndToEnd, TheProgramItselfRuns) {
  const Ran made = wait(start(small("out.webm")));
  EXPECT_EQ(made.code, kFine) << made.err;
  const Ran checked = wait(start({"verify", "out.receipt.json", "--video", "out.webm", "--model", model().string()}));
  EXPECT_EQ(checked.code, kFine) << checked.out << checked.err;
  EXPECT_NE(checked.out.find("The receipt holds"), std::string::npos);
}

TEST_F(EndToEnd, ModelsAreDescribed) {
  const Ran info = run({"model", "info", model().string(), "--json"});
  ASSERT_EQ(info.code, kFine) << info.err;
  const base::Json json = info.json();
  for (const char* key : {"root", "architecture", "parameters", "work_per_step", "peak_bytes", "files"}) {
    EXPECT_TRUE(json.has(key)) << key;
  }
  EXPECT_TRUE(json.find("packed_file")->is_null()) << "a model as small as this has no packed weights";
  const Ran list = run({"model", "list", model().parent_path().string(), "--json"});
  EXPECT_EQ(list.json().find("models")->elements().size(), 1U);
  const Ran written = run({"model", "random", at("random").string(), "--like", "tiny", "--json"});
  EXPECT_EQ(written.code, kFine) << written.err;
  EXPECT_EQ(run({"model", "info", at("random").string()}).code, kFine);
  EXPECT_EQ(run({"model", "random", at("random").string()}).code, kFailed) << "it is there already";
}

TEST_F(EndToEnd, AQuantisedModelMakesVideosAndIsChecked) {
  const std::string made = at("w8a8").string();
  const std::string source = model().string();
  const Ran quantised = run({"model", "quantize", made, "--model", source, "--json"});
  ASSERT_EQ(quantised.code, kFine) << quantised.err;
  EXPECT_EQ(*quantised.json().text("source"), *run({"model", "info", source, "--json"}).json().text("root"));
  EXPECT_EQ(*quantised.json().text("root"), *run({"model", "info", made, "--json"}).json().text("root"));
  EXPECT_EQ(run({"model", "quantize", made, "--model", source}).code, kFailed) << "it is there already";
  EXPECT_EQ(run({"model", "quantize", made, "--model", source, "--check"}).code, kFine);
  const Ran again = run({"model", "quantize", at("again").string(), "--model", made});
  EXPECT_EQ(again.code, kFailed);
  EXPECT_NE(again.err.find("with --model"), std::string::npos) << again.err;
  // What cannot be written is refused before the work.
  for (const std::string& folder : {at("nodir/sub/q").string(), std::string("/proc/q"), std::string()}) {
    const Ran refused = run({"model", "quantize", folder, "--model", source});
    EXPECT_EQ(refused.code, kFailed) << folder;
    EXPECT_EQ(refused.err.find("quantise "), std::string::npos) << refused.err;
  }

  std::vector<std::string> words = small("w8a8.mp4");
  *std::next(std::find(words.begin(), words.end(), "--model")) = made;
  ASSERT_EQ(wait(start(words)).code, kFine);
  EXPECT_EQ(wait(start({"verify", at("w8a8.receipt.json").string(), "--model", made})).code, kFine);
  EXPECT_EQ(wait(start({"verify", at("w8a8.receipt.json").string(), "--model", source})).code, kCheckFailed);

  ASSERT_EQ(run({"model", "random", at("other").string(), "--like", "tiny", "--seed", "9"}).code, kFine);
  const Ran other = run({"model", "quantize", made, "--model", at("other").string(), "--check"});
  EXPECT_EQ(other.code, kFailed);
  EXPECT_NE(other.err.find("was made of the model"), std::string::npos) << other.err;
  const Ran compared = run({"evaluate", made, "--against", at("other").string(), "--clips", "1"});
  EXPECT_EQ(compared.code, kFailed);
  EXPECT_NE(compared.err.find("was made of the model"), std::string::npos) << compared.err;
  // Its sums bound what is made at a time, not the video.
  const std::vector<std::string> large{"generate", "a red ball", "-o",       at("l.mp4").string(),
                                       "--model",  made,         "--size",   "1024x1024",
                                       "--frames", "129",        "--dry-run"};
  const Ran windows = run(large);
  EXPECT_EQ(windows.code, kFine) << windows.err;
  const Ran whole = run(with(large, {"--window", "0"}));
  EXPECT_EQ(whole.code, kFailed);
  EXPECT_NE(whole.err.find("129 frames at a time"), std::string::npos) << whole.err;
  const fs::path scheduler = fs::path(made) / "scheduler/scheduler_config.json";
  const std::string before = contents(scheduler);
  overwrite(scheduler, before + " ");
  const Ran edited = run({"model", "quantize", made, "--model", source, "--check", "--json"});
  EXPECT_EQ(edited.code, kCheckFailed) << edited.err;
  EXPECT_EQ(*edited.json().text("first_difference"), "the file 'scheduler/scheduler_config.json' differs");
  overwrite(scheduler, before);
  const fs::path weights = fs::path(made) / "transformer/diffusion_pytorch_model.safetensors";
  std::string bytes = contents(weights);
  bytes.back() ^= 1;
  overwrite(weights, bytes);
  const Ran changed = run({"model", "quantize", made, "--model", source, "--check"});
  EXPECT_EQ(changed.code, kCheckFailed) << changed.err;
  EXPECT_NE(changed.out.find("differs"), std::string::npos) << changed.out;
}

TEST_F(EndToEnd, KeysAreMadeListedAndMoved) {
  const Ran made = run({"wallet", "new", "--json"});
  ASSERT_EQ(made.code, kFine) << made.err;
  const std::string address = *made.json().text("address");
  EXPECT_NE(run({"wallet", "list"}).out.find(address), std::string::npos);
  const Ran secret = run({"wallet", "export", address});
  ASSERT_EQ(secret.code, kFine) << secret.err;
  overwrite(at("secret"), secret.out);
  const std::string home = std::getenv("STARLING_HOME");
  ::setenv("STARLING_HOME", at("home").c_str(), 1);
  const Ran imported = run({"wallet", "import", at("secret").string(), "--json"});
  EXPECT_EQ(imported.code, kFine) << imported.err;
  EXPECT_EQ(*imported.json().text("address"), address);
  EXPECT_TRUE(*imported.json().boolean("default"));
  overwrite(at("home") / "keystore" / "foreign.json", "{}");
  const Ran list = run({"wallet", "list", "--json"});
  EXPECT_EQ(list.json().find("keys")->elements().size(), 1U) << list.out;
  ASSERT_EQ(list.json().find("unreadable")->elements().size(), 1U) << list.out;
  EXPECT_NE(list.json().find("unreadable")->elements()[0].as_text()->find("foreign.json"), std::string::npos);
  overwrite(at("secret"), "12");
  EXPECT_EQ(run({"wallet", "import", at("secret").string()}).code, kFailed);
  EXPECT_EQ(run({"wallet", "export", "0x0000000000000000000000000000000000000001"}).code, kFailed);
  ::setenv("STARLING_HOME", home.c_str(), 1);
}

TEST_F(EndToEnd, TheWorldItselfIsEvaluated) {
  const Ran ran = run(
      {"evaluate", "--world", "2", "--source", "world", "--clips", "2", "--html", at("page.html").string(), "--json"});
  ASSERT_EQ(ran.code, kFine) << ran.err;
  const base::Json json = ran.json();
  const base::Json* colour = json.find("scores")->find("colour");
  ASSERT_NE(colour, nullptr);
  EXPECT_TRUE(colour->find("ceiling")->has("value"));
  EXPECT_EQ(left(), std::vector<std::string>{"page.html"});
  EXPECT_EQ(run({"evaluate", "--source", "world"}).code, kFailed);
  EXPECT_EQ(run({"evaluate", "--world", "2", "--source", "world", "--width", "36"}).code, kFailed);
  EXPECT_EQ(run({"evaluate", "--world", "2", "--source", "world", "--vae", "nothing"}).code, kFailed);
}

TEST_F(EndToEnd, ModelsAreScored) {
  const Ran ran = run({"evaluate", model().string(), "--clips", "2", "--steps", "1", "--json"});
  ASSERT_EQ(ran.code, kFine) << ran.err;
  const base::Json json = ran.json();
  EXPECT_EQ(*json.integer("clips"), 2);
  const base::Json* colour = json.find("scores")->find("colour");
  ASSERT_NE(colour, nullptr) << ran.out;
  for (const char* key : {"value", "low", "high", "floor", "ceiling"}) EXPECT_TRUE(colour->number(key).ok()) << key;
}

}  // namespace
}  // namespace starling::cli
