#include "models/packed_weights.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>

#include "base/file.h"
#include "base/log.h"
#include "models/checkpoint.h"
#include "temporary_folder.h"
#include "tiny_model.h"

namespace starling::models {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostBytes = 1 << 24;

class PackedWeightsTest : public FolderTest {
 protected:
  void SetUp() override {
    base::set_log(base::LogLevel::kSilent, base::LogFormat::kText);
    model_folder_ = folder_ / "model";
    ASSERT_TRUE(write_checkpoint(model_folder_, tiny_model()).ok());
    root_ = *model().root();
    path_ = PackedWeights::path(model_folder_, root_, *engine_.packer());
  }
  void TearDown() override { base::set_log(base::LogLevel::kWarning, base::LogFormat::kText); }

  Checkpoint model() const { return *Checkpoint::open(model_folder_); }

  // Whether the model has panels after asking for them; made_ says whether a file was made for it.
  bool use(Checkpoint& model) {
    made_ = false;
    PackingOptions options;
    options.least_bytes = 0;
    options.begin = [&](const fs::path&, std::uint64_t) { made_ = true; };
    const base::Status status = use_packed_weights(model, root_, engine_, options);
    EXPECT_TRUE(status.ok()) << status.error().message;
    return model.packed() != nullptr;
  }
  bool use() {
    Checkpoint opened = model();
    return use(opened);
  }

  // Whether every panel of the model is intact and what packing gives.
  void expect_whole(const Checkpoint& model) const {
    const auto weights = model.product_weights();
    ASSERT_TRUE(weights.ok());
    ASSERT_GT(weights->size(), 5U);
    base::ThreadPool pool(2);
    const exact::Packer& packer = *engine_.packer();
    for (const auto& [name, weight] : *weights) {
      const auto given = model.weights(std::vector<exact::GraphInput>{{name, exact::Type::kF32, weight.shape()}});
      ASSERT_TRUE(given.ok());
      const exact::PackedOperand* packed = given->at(0).packed();
      ASSERT_NE(packed, nullptr) << name;
      EXPECT_TRUE(packed->intact(pool)) << name;
      const std::int64_t columns = weight.shape()[0];
      const auto size = static_cast<std::int64_t>(packer.bytes(weight.type(), columns, weight.shape()[1]));
      exact::Tensor panels(exact::Type::kU8, {size});
      packer.pack(weight, 0, columns, panels.mutable_bytes());
      EXPECT_TRUE(std::ranges::equal(packed->panels, panels.bytes())) << name;
    }
  }

  std::size_t files() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(path_.parent_path()), {}));
  }

  base::Bytes read() const { return *base::read_file(path_, kMostBytes); }
  void write(const base::Bytes& bytes) const { ASSERT_TRUE(base::write_file(path_, bytes).ok()); }

  exact::Engine engine_ = *exact::Engine::create({"", 1});
  fs::path model_folder_;
  base::Hash root_;
  fs::path path_;
  bool made_ = false;
};

TEST_F(PackedWeightsTest, AreMadeOnceAndReadThen) {
  Checkpoint first = model();
  EXPECT_TRUE(use(first));
  EXPECT_TRUE(made_);
  expect_whole(first);
  const base::Bytes bytes = read();
  Checkpoint second = model();
  EXPECT_TRUE(use(second));
  EXPECT_FALSE(made_);
  expect_whole(second);
  EXPECT_EQ(read(), bytes);
  EXPECT_EQ(files(), 1U);
  EXPECT_EQ(*model().root(), root_) << "they are no part of the model";
  EXPECT_EQ(second.packed()->bytes(), bytes.size());
  EXPECT_EQ(second.packed()->find("transformer/none", exact::Type::kF16, {32, 32}), nullptr);
}

TEST_F(PackedWeightsTest, OutliveTheirModel) {
  std::vector<exact::Tensor> weights;
  {
    Checkpoint opened = model();
    ASSERT_TRUE(use(opened));
    const auto all = *opened.product_weights();
    const auto& [name, weight] = *all.begin();
    weights = *opened.weights(std::vector<exact::GraphInput>{{name, exact::Type::kF32, weight.shape()}});
  }
  base::ThreadPool pool(1);
  EXPECT_TRUE(weights[0].packed()->intact(pool));
}

TEST_F(PackedWeightsTest, SmallModelsAndThoseWhoDoNotWantThemHaveNone) {
  Checkpoint opened = model();
  EXPECT_TRUE(use_packed_weights(opened, root_, engine_).ok());
  EXPECT_EQ(opened.packed(), nullptr);
  ::setenv("STARLING_WEIGHT_CACHE", "0", 1);
  EXPECT_FALSE(use());
  ::unsetenv("STARLING_WEIGHT_CACHE");
  EXPECT_FALSE(fs::exists(path_.parent_path()));
  const exact::Engine reference = *exact::Engine::create({"reference", 1});
  PackingOptions options;
  options.least_bytes = 0;
  EXPECT_TRUE(use_packed_weights(opened, root_, reference, options).ok());
  EXPECT_EQ(opened.packed(), nullptr);
}

TEST_F(PackedWeightsTest, OfOtherWeightsGoWhenNewOnesCome) {
  ASSERT_TRUE(use());
  const fs::path old = path_;
  const fs::path foreign = path_.parent_path() / "notes";
  ASSERT_TRUE(base::write_file(foreign, {}).ok());
  // The same weights by other kernels stay; by an older version of these they go.
  const std::string name = path_.filename().string();
  const fs::path other_kernels =
      path_.parent_path() / (name.substr(0, 17) + "neon.neon" + name.substr(name.rfind('-')));
  const fs::path older = path_.parent_path() / (name.substr(0, name.rfind('-')) + "-0123456789abcdef.panels");
  for (const fs::path& path : {other_kernels, older}) ASSERT_TRUE(base::write_file(path, read()).ok());
  fs::remove(path_);
  ASSERT_TRUE(use());
  EXPECT_TRUE(fs::exists(other_kernels));
  EXPECT_FALSE(fs::exists(older));
  root_.bytes[0] ^= 1;
  path_ = PackedWeights::path(model_folder_, root_, *engine_.packer());
  ASSERT_TRUE(use());
  EXPECT_TRUE(made_);
  EXPECT_FALSE(fs::exists(old));
  EXPECT_FALSE(fs::exists(other_kernels));
  EXPECT_TRUE(fs::exists(foreign));
}

TEST_F(PackedWeightsTest, ThatAreCutOffAreMadeAgain) {
  ASSERT_TRUE(use());
  const base::Bytes whole = read();
  const std::uint64_t tail = PanelTable::parse(whole, "whole")->panels_end();
  std::vector<std::size_t> sizes;
  for (std::size_t size = 0; size <= PanelTable::kFirst; ++size) sizes.push_back(size);
  for (std::size_t size = PanelTable::kFirst; size < tail; size += tail / 7) sizes.push_back(size);
  for (std::size_t size = tail; size < whole.size(); ++size) sizes.push_back(size);
  for (const std::size_t size : sizes) {
    EXPECT_FALSE(PanelTable::parse(base::ByteView(whole).first(size), "cut").ok()) << size;
  }
  for (const std::size_t size : {std::size_t{0}, sizes.back(), sizes[70], whole.size() / 2}) {
    write(base::Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)));
    EXPECT_FALSE(PackedWeights::open(path_, root_, *engine_.packer()).ok());
    EXPECT_TRUE(use());
    EXPECT_TRUE(made_);
    EXPECT_EQ(read(), whole);
  }
}

TEST_F(PackedWeightsTest, WithAnyByteChangedAreNotRead) {
  ASSERT_TRUE(use());
  base::Bytes bytes = read();
  const std::uint64_t tail = PanelTable::parse(bytes, "whole")->panels_end();
  for (std::size_t at = 0; at < bytes.size(); at = at + 1 == PanelTable::kFirst ? tail : at + 1) {
    for (const std::uint8_t change : {0x01, 0x80}) {
      bytes[at] ^= change;
      EXPECT_FALSE(PanelTable::parse(bytes, "changed").ok()) << at;
      bytes[at] ^= change;
    }
  }
  bytes.push_back(0);
  EXPECT_FALSE(PanelTable::parse(bytes, "longer").ok());
}

TEST_F(PackedWeightsTest, WithDamagedPanelsFallBackAndAreMadeAgain) {
  ASSERT_TRUE(use());
  const base::Bytes whole = read();
  const PanelTable table = *PanelTable::parse(whole, "whole");
  base::ThreadPool pool(2);
  for (const std::size_t index : {std::size_t{0}, table.entries.size() / 2, table.entries.size() - 1}) {
    const PanelEntry& entry = table.entries[index];
    for (const std::uint64_t place : {std::uint64_t{0}, entry.bytes / 2, entry.bytes - 1}) {
      base::Bytes bytes = whole;
      bytes[entry.offset + place] ^= 0x10;
      write(bytes);
      Checkpoint opened = model();
      ASSERT_TRUE(use(opened)) << "the table is whole";
      EXPECT_FALSE(made_);
      for (const PanelEntry& each : table.entries) {
        const auto found = opened.packed()->find(each.name, each.type, {each.columns, each.depth});
        ASSERT_NE(found, nullptr);
        EXPECT_EQ(found->intact(pool), each.name != entry.name);
      }
      EXPECT_FALSE(fs::exists(path_));
      EXPECT_TRUE(use());
      EXPECT_TRUE(made_);
      EXPECT_EQ(read(), whole);
    }
  }
}

TEST_F(PackedWeightsTest, OfOtherMachinesAreNotRead) {
  ASSERT_TRUE(use());
  const base::Bytes ours = read();
  const exact::Engine generic = *exact::Engine::create({"generic", 1});
  const fs::path theirs = PackedWeights::path(model_folder_, root_, *generic.packer());
  if (theirs == path_) GTEST_SKIP() << "this machine has no other kernels";
  ASSERT_TRUE(base::write_file(theirs, ours).ok());
  const auto opened = PackedWeights::open(theirs, root_, *generic.packer());
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code, base::ErrorCode::kCorrupt);
  PackingOptions options;
  options.least_bytes = 0;
  Checkpoint used = model();
  ASSERT_TRUE(use_packed_weights(used, root_, generic, options).ok());
  EXPECT_NE(used.packed(), nullptr);
  EXPECT_NE(*base::read_file(theirs, kMostBytes), ours);
  EXPECT_EQ(read(), ours);
  base::Hash other = root_;
  other.bytes[31] ^= 1;  // beyond what the name says
  EXPECT_FALSE(PackedWeights::open(path_, other, *engine_.packer()).ok());
}

TEST_F(PackedWeightsTest, WhereNoFileCanBeTheModelStaysAsItIs) {
  const fs::path folder = path_.parent_path();
  ASSERT_TRUE(base::write_file(folder, {}).ok());
  EXPECT_FALSE(use());
  fs::remove(folder);
  fs::create_directory_symlink(folder_, folder);
  EXPECT_FALSE(use());
  fs::remove(folder);
  fs::create_directories(path_);
  EXPECT_FALSE(use()) << "a folder has the file's name";
  fs::remove_all(folder);
  if (::geteuid() != 0) {
    fs::permissions(model_folder_, fs::perms::owner_read | fs::perms::owner_exec);
    EXPECT_FALSE(use());
    fs::permissions(model_folder_, fs::perms::owner_all);
  }
  EXPECT_TRUE(use());
}

TEST_F(PackedWeightsTest, ThatOthersCanWriteAreNotTrusted) {
  ASSERT_TRUE(use());
  fs::permissions(path_, fs::perms::group_write, fs::perm_options::add);
  EXPECT_FALSE(use());
  fs::permissions(path_, fs::perms::group_write, fs::perm_options::remove);
  EXPECT_TRUE(use());
  fs::permissions(path_.parent_path(), fs::perms::others_write, fs::perm_options::add);
  EXPECT_FALSE(use());
  fs::permissions(path_.parent_path(), fs::perms::others_write, fs::perm_options::remove);
  const fs::path elsewhere = folder_ / "elsewhere";
  fs::rename(path_, elsewhere);
  fs::create_symlink(elsewhere, path_);
  EXPECT_FALSE(use());
}

TEST_F(PackedWeightsTest, AnInterruptEndsTheWritingAndLeavesNothing) {
  Checkpoint opened = model();
  PackingOptions options;
  options.least_bytes = 0;
  int asked = 0;
  options.stop = [&]() -> base::Status {
    if (++asked < 5) return {};
    return base::Error{base::ErrorCode::kCancelled, "interrupted"};
  };
  const base::Status status = use_packed_weights(opened, root_, engine_, options);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, base::ErrorCode::kCancelled);
  EXPECT_EQ(files(), 0U);
}

// The exit status of a process that uses the packed weights, and is killed when it asks for the fifth time.
int use_in_process(const fs::path& folder, const base::Hash& root, bool is_killed) {
  const pid_t child = ::fork();
  if (child == 0) {
    auto engine = exact::Engine::create({"", 1});
    auto model = Checkpoint::open(folder);
    PackingOptions options;
    options.least_bytes = 0;
    int asked = 0;
    options.stop = [&]() -> base::Status {
      if (is_killed && ++asked == 5) ::raise(SIGKILL);
      return {};
    };
    const bool used =
        model.ok() && use_packed_weights(*model, root, *engine, options).ok() && model->packed() != nullptr;
    ::_exit(used ? 0 : 1);
  }
  return child;
}

bool ends_well(pid_t child) {
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

TEST_F(PackedWeightsTest, OfAKilledProcessGoWithTheNext) {
  EXPECT_FALSE(ends_well(use_in_process(model_folder_, root_, true)));
  EXPECT_EQ(files(), 1U) << "a temporary file";
  EXPECT_FALSE(fs::exists(path_));
  Checkpoint opened = model();
  EXPECT_TRUE(use(opened));
  expect_whole(opened);
  EXPECT_EQ(files(), 1U);
  EXPECT_TRUE(fs::exists(path_));
}

TEST_F(PackedWeightsTest, ProcessesMayMakeThemAtOnce) {
  std::vector<pid_t> children;
  for (int i = 0; i < 4; ++i) children.push_back(use_in_process(model_folder_, root_, false));
  for (const pid_t child : children) EXPECT_TRUE(ends_well(child));
  Checkpoint opened = model();
  EXPECT_TRUE(use(opened));
  EXPECT_FALSE(made_);
  expect_whole(opened);
  EXPECT_EQ(files(), 1U);
}

TEST(PanelSum, SeesEveryBitAndTheOrder) {
  base::Bytes bytes(1000);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i * 37);
  const std::uint64_t sum = panel_sum(bytes);
  for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    bytes[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    EXPECT_NE(panel_sum(bytes), sum) << bit;
    bytes[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
  }
  EXPECT_EQ(panel_sum(bytes), sum);
  std::swap_ranges(bytes.begin(), bytes.begin() + 64, bytes.begin() + 64);
  EXPECT_NE(panel_sum(bytes), sum);
  EXPECT_NE(panel_sum(base::Bytes(8)), panel_sum(base::Bytes(16)));
}

}  // namespace
}  // namespace starling::models
