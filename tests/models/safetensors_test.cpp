#include "models/safetensors.h"

#include <algorithm>
#include <cstring>

#include "base/file.h"
#include "temporary_folder.h"

namespace starling::models {
namespace {

using base::Bytes;
using exact::Tensor;
using exact::Type;

Bytes file_of(const std::string& header, std::size_t data_bytes, std::uint64_t claimed = UINT64_MAX) {
  const std::uint64_t length = claimed == UINT64_MAX ? header.size() : claimed;
  Bytes file;
  for (unsigned shift = 0; shift < 64; shift += 8) file.push_back(static_cast<std::uint8_t>(length >> shift));
  file.insert(file.end(), header.begin(), header.end());
  file.resize(file.size() + data_bytes);
  return file;
}

std::string entry(const std::string& dtype, const std::string& shape, const std::string& offsets) {
  return R"({"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}";
}

Tensor counting(const exact::Shape& shape, float start) {
  std::vector<float> values(static_cast<std::size_t>(shape.elements()));
  for (float& value : values) value = start++;
  return Tensor::from_f32(shape, values);
}

TEST(SafetensorsHeader, ReadsEveryTypeAndMetadata) {
  const std::string header = R"({"__metadata__":{"k":"v"},"f":)" + entry("F32", "[2,1]", "[0,8]") + R"(,"b":)" +
                             entry("BF16", "[3]", "[8,14]") + R"(,"h":)" + entry("F16", "[]", "[14,16]") + R"(,"i":)" +
                             entry("I32", "[1]", "[16,20]") + R"(,"s":)" + entry("I8", "[2]", "[20,22]") + R"(,"u":)" +
                             entry("U8", "[1]", "[22,23]") + "}";
  const auto parsed = SafetensorsHeader::parse(file_of(header, 23), "x");
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  ASSERT_EQ(parsed->tensors.size(), 6U);
  EXPECT_EQ(parsed->tensors[0].name, "b");
  EXPECT_EQ(parsed->tensors[0].type, Type::kBf16);
  EXPECT_EQ(parsed->tensors[2].shape.rank(), 0);
  EXPECT_EQ(parsed->metadata.at("k"), "v");
  EXPECT_TRUE(SafetensorsHeader::parse(file_of("{}  ", 0), "x").ok()) << "an empty file, padded with spaces";
}

TEST(SafetensorsHeader, RefusesHostileFiles) {
  const std::string good = entry("F32", "[1]", "[0,4]");
  const std::string two = R"({"a":)" + good + R"(,"b":)";
  std::string deep(100000, '[');
  const struct {
    const char* why;
    Bytes file;
  } cases[] = {
      {"nothing", {}},
      {"shorter than a length", {1, 2, 3}},
      {"header beyond the file", file_of("{}", 0, 3)},
      {"a length that overflows", file_of("{}", 0, UINT64_MAX - 7)},
      {"not JSON", file_of("{\"a\":", 0)},
      {"not an object", file_of("[]", 0)},
      {"not UTF-8", file_of("{\"\xFF\":1}", 0)},
      {"deep nesting", file_of(deep, 0)},
      {"a name twice", file_of(R"({"a":)" + good + R"(,"a":)" + good + "}", 4)},
      {"no dtype", file_of(R"({"a":{"shape":[1],"data_offsets":[0,4]}})", 4)},
      {"an unknown dtype", file_of(R"({"a":)" + entry("F64", "[1]", "[0,8]") + "}", 8)},
      {"metadata that is not text", file_of(R"({"__metadata__":{"a":1}})", 0)},
      {"a negative size", file_of(R"({"a":)" + entry("F32", "[-1]", "[0,4]") + "}", 4)},
      {"a fraction", file_of(R"({"a":)" + entry("F32", "[1.0]", "[0,4]") + "}", 4)},
      {"no elements", file_of(R"({"a":)" + entry("F32", "[0]", "[0,0]") + "}", 0)},
      {"sizes that overflow", file_of(R"({"a":)" + entry("F32", "[4294967296,4294967296]", "[0,0]") + "}", 0)},
      {"too many axes", file_of(R"({"a":)" + entry("U8", "[1,1,1,1,1,1,1,1,1]", "[0,1]") + "}", 1)},
      {"offsets outside", file_of(R"({"a":)" + entry("F32", "[2]", "[0,8]") + "}", 4)},
      {"offsets backwards", file_of(R"({"a":)" + entry("F32", "[1]", "[4,0]") + "}", 4)},
      {"offsets against shape", file_of(R"({"a":)" + entry("F32", "[2]", "[0,4]") + "}", 4)},
      {"three offsets", file_of(R"({"a":)" + entry("F32", "[1]", "[0,4,8]") + "}", 8)},
      {"an overlap", file_of(two + entry("F32", "[1]", "[2,6]") + "}", 6)},
      {"the same place twice", file_of(two + good + "}", 4)},
      {"a hole", file_of(two + entry("F32", "[1]", "[5,9]") + "}", 9)},
      {"bytes at the end", file_of(R"({"a":)" + good + "}", 5)},
  };
  for (const auto& [why, file] : cases) {
    const auto parsed = SafetensorsHeader::parse(file, "x.safetensors");
    ASSERT_FALSE(parsed.ok()) << why;
    EXPECT_NE(parsed.error().message.find("x.safetensors"), std::string::npos) << why;
  }
  EXPECT_TRUE(SafetensorsHeader::parse(file_of(R"({"a":)" + good + "}", 4), "x").ok()) << "the good one is good";
}

class Safetensors : public FolderTest {};

TEST_F(Safetensors, WritesTheSameBytesInAnyOrderAndReadsThemBack) {
  const Tensor wide = counting({3, 5}, 0.5F);
  const Tensor narrow = *counting({7}, 1.0F).rounded(Type::kBf16);
  const auto write = [&](const char* name, bool reversed) {
    std::vector<TensorSource> sources{TensorSource::of("z.wide", wide), TensorSource::of("a.narrow", narrow)};
    if (reversed) std::ranges::reverse(sources);
    ASSERT_TRUE(write_safetensors(folder_ / name, sources, {{"format", "pt"}}).ok());
  };
  write("one", false);
  write("two", true);
  EXPECT_EQ(*base::read_file(folder_ / "one", 1U << 20U), *base::read_file(folder_ / "two", 1U << 20U));
  const auto files = WeightFiles::open_file(folder_ / "one");
  ASSERT_TRUE(files.ok()) << files.error().message;
  EXPECT_EQ(files->names(), (std::vector<std::string>{"a.narrow", "z.wide"}));
  const Tensor read = *files->tensor("z.wide");
  EXPECT_TRUE(std::ranges::equal(read.f32(), wide.f32()));
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(read.bytes().data()) % 64, 0U);
  EXPECT_TRUE(std::ranges::equal(files->tensor("a.narrow")->bytes(), narrow.bytes()));
  EXPECT_EQ(files->tensor("none").error().code, base::ErrorCode::kNotFound);
}

TEST_F(Safetensors, ReadsTensorsThatAreNotAligned) {
  Bytes file = file_of(R"({"a":)" + entry("U8", "[1]", "[0,1]") + R"(,"b":)" + entry("F32", "[1]", "[1,5]") + "}", 5);
  const float value = 1.5F;
  std::memcpy(file.data() + file.size() - 4, &value, 4);
  ASSERT_TRUE(base::write_file(folder_ / "x.safetensors", file).ok());
  EXPECT_EQ(WeightFiles::open_file(folder_ / "x.safetensors")->tensor("b")->f32()[0], 1.5F);
}

TEST_F(Safetensors, RefusesToWriteWhatItCouldNotRead) {
  const auto twice = write_safetensors(
      folder_ / "x", {TensorSource::of("a", counting({1}, 0)), TensorSource::of("a", counting({1}, 0))}, {});
  EXPECT_FALSE(twice.ok());
  TensorSource liar = TensorSource::of("a", counting({2}, 0));
  liar.shape = {3};
  EXPECT_FALSE(write_safetensors(folder_ / "x", {liar}, {}).ok());
  EXPECT_TRUE(std::filesystem::is_empty(folder_)) << "no partial file";
}

TEST_F(Safetensors, ShardsAndTheirIndex) {
  std::vector<TensorSource> sources;
  for (const char* name : {"a", "b", "c", "d"}) sources.push_back(TensorSource::of(name, counting({10}, 0)));
  ASSERT_TRUE(write_weights(folder_, "model", sources, 80).ok());
  EXPECT_TRUE(std::filesystem::exists(folder_ / "model-00002-of-00002.safetensors"));
  auto files = WeightFiles::open(folder_, "model");
  ASSERT_TRUE(files.ok()) << files.error().message;
  EXPECT_EQ(files->names().size(), 4U);
  EXPECT_EQ(files->tensor("d")->f32()[9], 9.0F);

  ASSERT_TRUE(write_weights(folder_, "model", sources, 1U << 20U).ok());
  EXPECT_TRUE(std::filesystem::exists(folder_ / "model.safetensors"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "model-00001-of-00002.safetensors")) << "stale shards are gone";
  EXPECT_FALSE(std::filesystem::exists(folder_ / "model.safetensors.index.json"));
}

TEST_F(Safetensors, RefusesAHostileIndex) {
  ASSERT_TRUE(write_safetensors(folder_ / "part.safetensors", {TensorSource::of("a", counting({1}, 0))}, {}).ok());
  const auto opened = [&](const std::string& index) {
    EXPECT_TRUE(base::write_file(folder_ / "model.safetensors.index.json", base::as_bytes(index)).ok());
    return WeightFiles::open(folder_, "model").ok();
  };
  EXPECT_TRUE(opened(R"({"weight_map":{"a":"part.safetensors"}})"));
  EXPECT_FALSE(opened(R"({"weight_map":{"a":"../part.safetensors"}})"));
  EXPECT_FALSE(opened(R"({"weight_map":{"a":"/etc/passwd"}})"));
  EXPECT_FALSE(opened(R"({"weight_map":{"b":"part.safetensors"}})")) << "not in that file";
  EXPECT_FALSE(opened(R"({"weight_map":{"a":"none.safetensors"}})"));
  EXPECT_FALSE(opened(R"({"weight_map":[]})"));
  EXPECT_FALSE(opened("{"));
}

}  // namespace
}  // namespace starling::models
