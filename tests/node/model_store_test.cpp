#include "node/model_store.h"

#include <gtest/gtest.h>

#include <vector>

#include "exact/engine.h"
#include "models/packed_weights.h"
#include "temporary_folder.h"
#include "test_network.h"

namespace starling::node {
namespace {

namespace fs = std::filesystem;

base::Status pack(models::Checkpoint& model, const base::Hash& root) {
  STARLING_ASSIGN(const exact::Engine engine, exact::Engine::create({.backend = {}, .threads = 1}));
  models::PackingOptions options;
  options.least_bytes = 0;
  return models::use_packed_weights(model, root, engine, options);
}

class ModelStoreTest : public FolderTest {
 protected:
  void SetUp() override {
    fs::copy(test_model().folder, folder_ / "model", fs::copy_options::recursive);
    blobs_ = *store::Blobs::open(folder_ / "blobs");
  }
  std::unique_ptr<ModelStore> open(ModelStore::Prepare prepare) {
    return *ModelStore::open(folder_ / "models", *blobs_, std::move(prepare));
  }
  std::unique_ptr<store::Blobs> blobs_;
};

TEST_F(ModelStoreTest, ModelsArePreparedBeforeTheyAreThere) {
  std::vector<base::Hash> prepared;
  const auto store = open([&](models::Checkpoint& model, const base::Hash& root) {
    prepared.push_back(root);
    return pack(model, root);
  });
  const auto root = store->add(folder_ / "model");
  ASSERT_TRUE(root.ok()) << root.error().message;
  EXPECT_EQ(*root, test_model().root);
  EXPECT_EQ(prepared, std::vector<base::Hash>{*root});
  EXPECT_NE(store->find(*root)->packed(), nullptr);
  // What peers fetch is the model alone.
  const auto files = store->files(*root, 0);
  ASSERT_TRUE(files.ok());
  for (const ModelFile& file : *files) EXPECT_EQ(file.name.find(".packed"), std::string::npos) << file.name;
}

TEST_F(ModelStoreTest, OneThatCannotBePreparedIsNotThere) {
  const auto store = open([](models::Checkpoint&, const base::Hash&) { return base::cancelled("not now"); });
  const auto root = store->add(folder_ / "model");
  ASSERT_FALSE(root.ok());
  EXPECT_EQ(root.error().code, base::ErrorCode::kCancelled);
  EXPECT_TRUE(store->roots().empty());
}

}  // namespace
}  // namespace starling::node
