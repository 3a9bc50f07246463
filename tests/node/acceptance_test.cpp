#include "node/acceptance.h"

#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "ledger/market/state.h"
#include "proof/receipt.h"
#include "store/state_view.h"
#include "store/tree.h"

namespace starling::node {
namespace {

namespace market = ledger::market;

constexpr std::uint64_t kTask = 5;
constexpr std::uint32_t kPart = 2;

base::Hash hash_of(std::string_view text) { return base::sha256(base::as_bytes(text)); }
base::SecretKey key_of(std::uint8_t number) { return *base::SecretKey::from_bytes(base::Bytes(32, number)); }

std::string signed_receipt(std::uint8_t key) {
  proof::Receipt receipt;
  receipt.version = "0.1.0";
  receipt.task = "text_to_video";
  receipt.parameters = base::Json::empty_object();
  receipt.model_root = hash_of("model");
  receipt.program_root = hash_of("program");
  receipt.inputs = {{"seed", hash_of("seed")}};
  receipt.calls = {hash_of("call")};
  receipt.frames = {hash_of("frame")};
  EXPECT_TRUE(proof::sign_receipt(receipt, key_of(key)).ok());
  return *proof::receipt_text(receipt);
}

market::Part part_of(const std::string& receipt_text, market::PartState state = market::PartState::kPaid) {
  const proof::Receipt receipt = *proof::parse_receipt(receipt_text);
  market::Part part;
  part.state = state;
  part.provider = receipt.executor;
  part.output_root = receipt.output_root;
  part.trace_root = receipt.trace_root;
  part.receipt = base::sha256(base::as_bytes(receipt_text));
  return part;
}

// As a ledger whose state has this one entry would prove it: the leaf is the root, so there are no siblings.
Acceptance accept(const market::Part& part, std::uint8_t orderer = 9) {
  Acceptance acceptance;
  acceptance.task = kTask;
  acceptance.part = kPart;
  acceptance.record = ledger::encode_record(part);
  acceptance.proof.end = store::StateProof::End::kEntry;
  consensus::BlockHeader header;
  header.chain_id = 7001;
  header.height = 12;
  header.state_root =
      store::leaf_hash({store::path_of(market::part_key(kTask, kPart)), base::sha256(acceptance.record)});
  acceptance.header = consensus::sign_header(header, key_of(orderer));
  return acceptance;
}

std::optional<proof::Difference> check(const Acceptance& acceptance, const std::string& receipt) {
  return check_acceptance(acceptance, acceptance.header, key_of(9).address(), receipt);
}

TEST(Acceptance, HoldsForTheReceiptThatTheLedgerHas) {
  const std::string receipt = signed_receipt(7);
  EXPECT_FALSE(check(accept(part_of(receipt)), receipt).has_value());
  EXPECT_FALSE(check(accept(part_of(receipt, market::PartState::kRevealed)), receipt).has_value());
}

TEST(Acceptance, RoundTripsAsJson) {
  const std::string receipt = signed_receipt(7);
  const auto read = read_acceptance(acceptance_json(accept(part_of(receipt))));
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_FALSE(check(*read, receipt).has_value());
  EXPECT_FALSE(read->file.has_value());
  EXPECT_TRUE(is_of(*read, receipt));
  EXPECT_FALSE(is_of(*read, signed_receipt(8)));
  Acceptance written = *read;
  written.file = {12, hash_of("the file")};
  const auto again = read_acceptance(acceptance_json(written));
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_EQ(again->file, written.file);
  base::Json wrong = acceptance_json(written);
  wrong.set("file", 7);
  EXPECT_FALSE(read_acceptance(wrong).ok());
}

TEST(Acceptance, NamesWhatDoesNotHold) {
  const std::string receipt = signed_receipt(7);
  const std::string other = signed_receipt(8);
  const auto message = [](const std::optional<proof::Difference>& difference) {
    return difference.has_value() ? difference->message : std::string("nothing");
  };
  EXPECT_EQ(message(check(accept(part_of(receipt)), other)), "acceptance: the ledger accepted another receipt");
  EXPECT_EQ(message(check(accept(part_of(receipt, market::PartState::kCommitted)), receipt)),
            "acceptance: the ledger has the part as committed");
  market::Part stolen = part_of(receipt);
  stolen.provider = key_of(8).address();
  EXPECT_EQ(message(check(accept(stolen), receipt)),
            "acceptance: the receipt is not signed by the provider of the part");
  market::Part roots = part_of(receipt);
  roots.trace_root = hash_of("else");
  EXPECT_EQ(message(check(accept(roots), receipt)), "acceptance: the roots in the ledger are not those of the receipt");
  // Somebody else's block.
  EXPECT_TRUE(check(accept(part_of(receipt), 8), receipt).has_value());
  // A part that the state has under another name.
  Acceptance moved = accept(part_of(receipt));
  moved.part += 1;
  EXPECT_TRUE(check(moved, receipt).has_value());
  // A header that the proof is not of.
  const Acceptance acceptance = accept(part_of(receipt));
  consensus::BlockHeader later = acceptance.header.header;
  later.height += 1;
  EXPECT_TRUE(
      check_acceptance(acceptance, consensus::sign_header(later, key_of(9)), std::nullopt, receipt).has_value());
}

TEST(Acceptance, EveryChangedByteOfTheFileIsFound) {
  const std::string receipt = signed_receipt(7);
  const Acceptance acceptance = accept(part_of(receipt));
  const std::string text = acceptance_json(acceptance).to_text();
  for (std::size_t at = 0; at < text.size(); ++at) {
    std::string changed = text;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    const auto json = base::Json::parse(changed, "the acceptance");
    if (!json.ok()) continue;
    const auto read = read_acceptance(*json);
    if (!read.ok()) continue;
    EXPECT_TRUE(check_acceptance(*read, acceptance.header, key_of(9).address(), receipt).has_value() ||
                acceptance_json(*read).to_text() == text ||
                // Its own copy of the header's signature is not what is trusted here.
                (read->header.header == acceptance.header.header && read->record == acceptance.record &&
                 read->proof == acceptance.proof))
        << at << ": " << changed;
  }
}

}  // namespace
}  // namespace starling::node
