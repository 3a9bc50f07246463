#include "consensus/block_log.h"

#include <gtest/gtest.h>

#include <fstream>

#include "base/file.h"
#include "base/log.h"
#include "temporary_folder.h"
#include "test_accounts.h"

namespace starling::consensus {
namespace {

namespace fs = std::filesystem;
using base::ErrorCode;

// Blocks cut off are as wanted here.
class Silent : public testing::Environment {
  void SetUp() override { base::set_log(base::LogLevel::kError, base::LogFormat::kText); }
};
const testing::Environment* const kSilent = testing::AddGlobalTestEnvironment(new Silent);

SignedHeader genesis_header() {
  BlockHeader header;
  header.chain_id = kChainId;
  return sign_header(header, orderer_key());
}

SignedHeader header_after(const SignedHeader& before) {
  BlockHeader header;
  header.chain_id = kChainId;
  header.height = before.header.height + 1;
  header.time = before.header.time + 1;
  header.previous = header_hash(before.header);
  return sign_header(header, orderer_key());
}

Block block_after(const SignedHeader& before) {
  Block block;
  block.header = header_after(before);
  const auto read = transfer(test_key(1), before.header.height, test_key(2).address(), 3);
  block.transactions.push_back(ledger::encode_transaction(read.transaction));
  ledger::Outcome outcome{read.id, std::nullopt, kFee, {}};
  outcome.events.push_back({"bank.transferred", {{"motes", "3"}}});
  block.outcomes.push_back(outcome);
  block.due.push_back({"market.awarded", {{"task", "7"}, {"part", "1"}}});
  return block;
}

class BlockLogTest : public FolderTest {
 protected:
  // A log of so many blocks, each in `sizes_` bytes of the one file.
  void make(std::size_t count, std::uint64_t file_bytes = 1U << 20U) {
    SignedHeader last = genesis_header();
    base_ = last;
    ASSERT_TRUE(BlockLog::begin(folder_ / "log", last).ok());
    const auto log = *BlockLog::open(folder_ / "log", file_bytes);
    ASSERT_TRUE(log->recover(last, std::nullopt, [](Block, const LogPosition&) { return base::Status(); }).ok());
    for (std::size_t i = 0; i < count; ++i) {
      blocks_.push_back(block_after(last));
      last = blocks_.back().header;
      const auto positions = log->append({&blocks_.back(), 1});
      ASSERT_TRUE(positions.ok()) << positions.error().message;
      positions_.push_back(positions->front());
    }
  }
  // The heights of the blocks that a log has after the base.
  base::Result<Height> recover(std::uint64_t file_bytes = 1U << 20U, bool go_on = true) {
    STARLING_ASSIGN(const auto log, BlockLog::open(folder_ / "log", file_bytes));
    Height height = 0;
    STARLING_TRY(log->recover(base_, std::nullopt, [&](const Block& block, const LogPosition& position) {
      EXPECT_EQ(block.header.header.height, ++height);
      EXPECT_EQ(position, positions_[height - 1]);
      EXPECT_EQ(encode_block(block), encode_block(blocks_[height - 1]));
      EXPECT_EQ(encode_block(*log->read(position)), encode_block(block));
      return base::Status();
    }));
    // And it goes on from there.
    if (!go_on) return height;
    Block next = block_after(height == 0 ? base_ : blocks_[height - 1].header);
    STARLING_TRY(log->append({&next, 1}));
    return height;
  }
  fs::path file() const { return folder_ / "log" / "00000000000000000001.blocks"; }
  base::Bytes content() const { return *base::read_file(file(), 1U << 20U); }
  void replace(const base::Bytes& bytes) const {
    std::ofstream(file(), std::ios::binary | std::ios::trunc)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  }

  SignedHeader base_;
  std::vector<Block> blocks_;
  std::vector<LogPosition> positions_;
};

TEST_F(BlockLogTest, KeepsBlocksInFiles) {
  make(9, 1500);
  EXPECT_GT(positions_.back().file, 3U);
  EXPECT_EQ(*recover(1500), 9U);
}

TEST_F(BlockLogTest, AMissingFileIsAnError) {
  make(9, 1500);
  const auto name = [](Height first) { return "0000000000000000000" + std::to_string(first) + ".blocks"; };
  fs::remove(folder_ / "log" / name(positions_[4].file));
  const auto height = recover(1500);
  ASSERT_FALSE(height.ok());
  EXPECT_EQ(height.error().code, ErrorCode::kCorrupt);
}

TEST_F(BlockLogTest, ALogCutAnywhereInItsLastBlockLosesThatOnly) {
  make(3);
  const base::Bytes whole = content();
  for (std::size_t size = positions_[2].offset; size < whole.size(); ++size) {
    replace({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)});
    const auto height = recover(1U << 20U, size % 16 == 0);
    ASSERT_TRUE(height.ok()) << height.error().message;
    ASSERT_EQ(*height, 2U) << size;
  }
}

TEST_F(BlockLogTest, DamageInTheLastBlockLosesThatOnly) {
  make(3);
  const base::Bytes whole = content();
  for (std::size_t at = positions_[2].offset; at < whole.size(); ++at) {
    base::Bytes damaged = whole;
    damaged[at] ^= static_cast<std::uint8_t>(1U << (at % 8));
    replace(damaged);
    const auto height = recover(1U << 20U, at % 16 == 0);
    ASSERT_TRUE(height.ok()) << height.error().message;
    ASSERT_EQ(*height, 2U) << at;
  }
}

TEST_F(BlockLogTest, DamageBeforeTheLastBlockIsAnError) {
  make(3);
  const base::Bytes whole = content();
  for (std::size_t at = 0; at < positions_[2].offset; ++at) {
    base::Bytes damaged = whole;
    damaged[at] ^= static_cast<std::uint8_t>(1U << (at % 8));
    replace(damaged);
    const auto height = recover();
    ASSERT_FALSE(height.ok()) << at;
    // A byte of the format's number reads as another format.
    EXPECT_TRUE(height.error().code == ErrorCode::kCorrupt || height.error().code == ErrorCode::kUnsupported);
    EXPECT_EQ(content(), damaged) << "a damaged log is left as it is";
  }
}

TEST_F(BlockLogTest, ZerosBehindTheLastBlockAreCutOff) {
  make(3);
  base::Bytes bytes = content();
  bytes.resize(bytes.size() + 5000);
  replace(bytes);
  EXPECT_EQ(*recover(), 3U);
}

TEST(BlockTest, HasOneEncoding) {
  const Block block = block_after(genesis_header());
  const base::Bytes bytes = encode_block(block);
  ASSERT_TRUE(decode_block(bytes).ok());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(decode_block(base::ByteView(bytes).first(size)).ok()) << size;
  }
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    base::Bytes other = bytes;
    other[at] ^= 1;
    const auto decoded = decode_block(other);
    if (decoded.ok()) {
      EXPECT_EQ(encode_block(*decoded), other) << at;
    }
  }
}

TEST(HeaderTest, JsonReadsBackAndHasNothingElse) {
  const SignedHeader header = header_after(genesis_header());
  base::Json json = header_json(header);
  EXPECT_EQ(*read_header_json(*base::Json::parse(json.to_text(2), "header")), header);
  EXPECT_EQ(*decode_header(encode_header(header)), header);
  json.set("more", 1);
  EXPECT_FALSE(read_header_json(json).ok());
  EXPECT_FALSE(read_header_json(base::Json()).ok());
  EXPECT_FALSE(read_header_json(*base::Json::parse(R"({"header": {}, "signature": "0x00"})", "header")).ok());
  SignedHeader forged = header;
  ++forged.header.time;
  const auto signer = orderer_of(forged);
  EXPECT_TRUE(!signer.ok() || *signer != orderer_key().address());
}

}  // namespace
}  // namespace starling::consensus
