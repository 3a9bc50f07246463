// The small parts of a provider: inputs, model lists, results on the disk, hours.
#include "base/file.h"
#include "node/model_store.h"
#include "node/part_input.h"
#include "node/provider.h"
#include "node/provider_part.h"
#include "temporary_folder.h"

namespace starling::node {
namespace {

PartInput example() {
  PartInput input;
  input.model.bytes[0] = 0xab;
  input.request.prompt = "a \"red\" ball\n弹跳";
  input.request.seed = 18446744073709551615U;
  return input;
}

TEST(PartInput, IsReadBackFromItsOneText) {
  const base::Bytes bytes = encode_part_input(example());
  const auto back = decode_part_input(bytes);
  ASSERT_TRUE(back.ok()) << back.error().message;
  EXPECT_EQ(back->model, example().model);
  EXPECT_EQ(encode_part_input(*back), bytes);
}

TEST(PartInput, EveryOtherTextIsRefused) {
  const base::Bytes bytes = encode_part_input(example());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(decode_part_input({bytes.data(), size}).ok()) << size;
  }
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    base::Bytes changed = bytes;
    changed[at] ^= 0x01;
    const auto read = decode_part_input(changed);
    EXPECT_TRUE(!read.ok() || encode_part_input(*read) == changed) << at;
  }
  std::string spaced(bytes.begin(), bytes.end());
  spaced.insert(1, " ");
  EXPECT_FALSE(decode_part_input(base::as_bytes(spaced)).ok());
  EXPECT_FALSE(decode_part_input(base::Bytes(kMaxPartInputBytes + 1, ' ')).ok());
}

TEST(PartInput, FramesThatAVideoGoesOnFromTravelWithIt) {
  PartInput input = example();
  video::Frames clip = *video::make_frames(64, 64, 5, {8, 1});
  clip.rgb[1000] = '\n';
  input.given = generate::give(input.request, clip, {});
  const base::Bytes bytes = encode_part_input(input);
  const auto back = decode_part_input(bytes);
  ASSERT_TRUE(back.ok()) << back.error().message;
  EXPECT_EQ(back->given->rgb, clip.rgb);
  EXPECT_EQ(encode_part_input(*back), bytes);
  const std::size_t text = bytes.size() - clip.rgb.size();
  for (const std::size_t at : {std::size_t{0}, text - 1, text, bytes.size() - 1}) {
    base::Bytes changed = bytes;
    changed[at] ^= 0x01;
    EXPECT_FALSE(decode_part_input(changed).ok()) << at;
    EXPECT_FALSE(decode_part_input({bytes.data(), at}).ok()) << at;
  }
  base::Bytes more = encode_part_input(example());
  more.push_back('\n');
  EXPECT_FALSE(decode_part_input(more).ok()) << "frames that nothing goes on from";
  PartInput other = example();
  clip.rgb[0] = 1;
  other.given = generate::give(other.request, clip, {});
  EXPECT_TRUE(same_program(input.request, other.request));
  EXPECT_FALSE(same_program(input.request, example().request));
}

TEST(PartInput, TextAndSeedShareAProgram) {
  generate::TextToVideo a;
  generate::TextToVideo b;
  b.prompt = "another";
  b.negative = "nothing";
  b.seed = 5;
  EXPECT_TRUE(same_program(a, b));
  b.steps += 1;
  EXPECT_FALSE(same_program(a, b));
}

TEST(PricedWork, StaysAtTheTop) {
  exact::Work work;
  work.f32_multiply_adds = 3;
  work.i8_multiply_adds = 4;
  work.elements = 100;
  EXPECT_EQ(priced_work(work), 7U);
  work.i8_multiply_adds = ~std::uint64_t{0};
  EXPECT_EQ(priced_work(work), ~std::uint64_t{0});
}

TEST(ModelFiles, NamesLeadNowhereElse) {
  const auto read = [](const std::string& name) {
    return model_files_from_json(model_files_json({{name, 5, base::Hash()}})).ok();
  };
  for (const char* name :
       {"model_index.json", "vae/config.json", "transformer/diffusion_pytorch_model-00001.safetensors"}) {
    EXPECT_TRUE(read(name)) << name;
  }
  for (const char* name : {"", "/etc/passwd", "../x", "vae/../x", "a/b/c", "vae/", ".hidden", "vae/.x", "a b", "a\\b",
                           "~", "a//b", "vae/x\n"}) {
    EXPECT_FALSE(read(name)) << name;
  }
  EXPECT_FALSE(model_files_from_json(model_files_json({{"a", 1, {}}, {"a", 1, {}}})).ok());
  EXPECT_FALSE(model_files_from_json(model_files_json(std::vector<ModelFile>(1001))).ok());
  EXPECT_FALSE(model_files_from_json(base::Json()).ok());
}

class PartFolderTest : public FolderTest {
 protected:
  static PartResult result() {
    PartResult result;
    result.output_root.bytes[0] = 1;
    result.receipt.bytes[1] = 2;
    result.salt.bytes[2] = 3;
    result.frames_blob = {base::sha256({}), 77};
    result.finished = 1'700'000'000;
    return result;
  }
};

TEST_F(PartFolderTest, AResultLastsAndTheJournalGoes) {
  const PartFolder folder(folder_, 7001, {12, 3});
  EXPECT_FALSE(folder.load()->has_value());
  ASSERT_TRUE(folder.make().ok());
  EXPECT_FALSE(folder.load()->has_value());
  ASSERT_TRUE(base::write_file(folder.journal(), base::as_bytes("x")).ok());
  ASSERT_TRUE(folder.save(result()).ok());
  const auto back = *folder.load();
  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(back->salt, result().salt);
  EXPECT_EQ(back->receipt, result().receipt);
  EXPECT_EQ(back->frames_blob.bytes, 77U);
  EXPECT_EQ(back->finished, result().finished);
  EXPECT_FALSE(std::filesystem::exists(folder.journal()));
  EXPECT_EQ(PartFolder::list(folder_, 7001), (std::vector<PartName>{{12, 3}}));
  EXPECT_TRUE(PartFolder::list(folder_, 700).empty());
  EXPECT_EQ(std::filesystem::status(folder.journal().parent_path() / "result.json").permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write)
      << "the salt is a secret";
  folder.remove();
  EXPECT_TRUE(PartFolder::list(folder_, 7001).empty());
}

TEST_F(PartFolderTest, ADamagedResultIsNoResult) {
  const PartFolder folder(folder_, 7001, {1, 0});
  ASSERT_TRUE(folder.make().ok());
  ASSERT_TRUE(folder.save(result()).ok());
  const auto path = folder.journal().parent_path() / "result.json";
  const base::Bytes bytes = *base::read_file(path, 1 << 20);
  for (std::size_t size = 0; size + 2 < bytes.size(); size += 53) {
    ASSERT_TRUE(base::write_file(path, {bytes.data(), size}).ok());
    EXPECT_FALSE(folder.load().ok()) << size;
  }
}

TEST(Hours, MayGoOverMidnight) {
  const Hours night{22, 6};
  EXPECT_TRUE(night.has(22) && night.has(0) && night.has(5));
  EXPECT_FALSE(night.has(6) || night.has(21));
  const Hours day{8, 18};
  EXPECT_TRUE(day.has(8) && day.has(17));
  EXPECT_FALSE(day.has(18) || day.has(7));
  EXPECT_TRUE(Hours{}.has(3));
}

}  // namespace
}  // namespace starling::node
