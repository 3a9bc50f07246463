#include "ledger/transaction.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/file.h"
#include "transaction.pb.h"

namespace starling::ledger {
namespace {

using base::Bytes;

const base::SecretKey& test_key() {
  static const base::SecretKey key = *base::SecretKey::from_bytes(Bytes(32, 0x42));
  return key;
}

// Every kind of message as npm's ethers and viem sign it; see tests/wallets.
std::vector<base::Json> signed_by_wallets() {
  const auto text = base::read_file(STARLING_TEST_DATA "/signed.json", std::size_t{1} << 20);
  const auto json = base::Json::parse({reinterpret_cast<const char*>(text->data()), text->size()}, "signed.json");
  return json->elements();
}

Transaction example() {
  Transaction transaction;
  transaction.chain_id = 7001;
  transaction.nonce = 300;
  transaction.fee = 1000;
  models::RegisterModel message;
  message.model.bytes[3] = 9;
  message.name = "Star 星";
  message.royalty = 250;
  message.locations = {"http://127.0.0.1:1", ""};
  transaction.message = message;
  sign_transaction(transaction, test_key());
  return transaction;
}

std::string google_bytes(const google::protobuf::Message& message) {
  std::string out;
  {
    google::protobuf::io::StringOutputStream stream(&out);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    message.SerializeToCodedStream(&coded);
  }
  return out;
}

TEST(Transaction, WalletsSignatureIsAcceptedForEveryKind) {
  const auto fixtures = signed_by_wallets();
  ASSERT_EQ(fixtures.size(), std::variant_size_v<Message>);
  for (std::size_t i = 0; i < fixtures.size(); ++i) {
    const auto transaction = transaction_from_json(fixtures[i]);
    ASSERT_TRUE(transaction.ok()) << transaction.error().message;
    EXPECT_EQ(transaction->message.index(), i);
    EXPECT_EQ("0x" + signing_digest(*transaction).hex(), *fixtures[i].text("digest")) << i;
    EXPECT_TRUE(signature_holds(*transaction)) << i;
    EXPECT_EQ(transaction->from, test_key().address());
  }
}

TEST(Transaction, TypedDataIsWhatTheWalletWasGiven) {
  for (const base::Json& fixture : signed_by_wallets()) {
    const auto transaction = transaction_from_json(fixture);
    ASSERT_TRUE(transaction.ok());
    const base::Json ours = typed_data_json(*transaction);
    const std::string name = *fixture.text("primaryType");
    EXPECT_EQ((*ours.object("types"))->find(name)->to_text(), (*fixture.object("types"))->find(name)->to_text());
    EXPECT_EQ((*ours.object("message"))->to_text(), (*fixture.object("message"))->to_text());
    EXPECT_EQ((*ours.object("domain"))->to_text(), (*fixture.object("domain"))->to_text());
  }
}

TEST(Transaction, BytesAreThoseOfGooglesProtobuf) {
  for (const base::Json& fixture : signed_by_wallets()) {
    const auto transaction = transaction_from_json(fixture);
    ASSERT_TRUE(transaction.ok());
    const Bytes ours = encode_transaction(*transaction);
    protobuf::Transaction theirs;
    ASSERT_TRUE(theirs.ParseFromArray(ours.data(), static_cast<int>(ours.size())));
    const auto* const reflection = theirs.GetReflection();
    const auto* const set =
        reflection->GetOneofFieldDescriptor(theirs, theirs.GetDescriptor()->FindOneofByName("message"));
    ASSERT_NE(set, nullptr);
    EXPECT_EQ(set->message_type()->name(), message_name(transaction->message));
    const auto& message = reflection->GetMessage(theirs, set);
    EXPECT_TRUE(message.GetReflection()->GetUnknownFields(message).empty());
    EXPECT_TRUE(reflection->GetUnknownFields(theirs).empty());
    EXPECT_EQ(google_bytes(theirs), std::string(ours.begin(), ours.end()));
    const auto back = decode_transaction(ours);
    ASSERT_TRUE(back.ok()) << back.error().message;
    EXPECT_EQ(transaction_json(*back).to_text(), transaction_json(*transaction).to_text());
  }
}

TEST(Transaction, EveryChangedBitIsNoticed) {
  const Bytes bytes = encode_transaction(example());
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    Bytes changed = bytes;
    changed[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    const auto decoded = decode_transaction(changed);
    if (!decoded.ok()) continue;
    EXPECT_EQ(encode_transaction(*decoded), changed);
    EXPECT_FALSE(signature_holds(*decoded)) << "bit " << bit;
  }
}

TEST(Transaction, EveryTruncationAndExtensionIsRefused) {
  const Bytes bytes = encode_transaction(example());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(decode_transaction({bytes.data(), size}).ok()) << size;
  }
  for (int extra = 0; extra < 256; ++extra) {
    Bytes longer = bytes;
    longer.push_back(static_cast<std::uint8_t>(extra));
    EXPECT_FALSE(decode_transaction(longer).ok()) << extra;
  }
}

// Forms that a protobuf library reads as the same values.
TEST(Transaction, OtherFormsOfTheSameValuesAreRefused) {
  Transaction transaction;
  transaction.chain_id = 1;
  transaction.nonce = 2;
  transaction.message = bank::Transfer{.to = {}, .motes = 5};
  sign_transaction(transaction, test_key());
  const Bytes bytes = encode_transaction(transaction);
  ASSERT_TRUE(decode_transaction(bytes).ok());
  // chain_id is 08 01, then from 12 14 ..., nonce 18 02; the message 82 01 length ... ends with motes 10 05.
  Bytes longer_integer = bytes;
  longer_integer[1] = 0x81;
  longer_integer.insert(longer_integer.begin() + 2, 0x00);
  EXPECT_FALSE(decode_transaction(longer_integer).ok());
  Bytes explicit_zero = bytes;
  explicit_zero[1] = 0;
  EXPECT_FALSE(decode_transaction(explicit_zero).ok());
  Bytes out_of_order(bytes.begin() + 2, bytes.end());
  out_of_order.insert(out_of_order.end(), {0x08, 0x01});
  EXPECT_FALSE(decode_transaction(out_of_order).ok());
  Bytes twice = bytes;
  twice.insert(twice.begin(), {0x08, 0x01});
  EXPECT_FALSE(decode_transaction(twice).ok());
  Bytes unknown = bytes;
  unknown.insert(unknown.end(), {0xF8, 0x07, 0x01});  // field 127
  EXPECT_FALSE(decode_transaction(unknown).ok());
  Bytes other_kind = bytes;  // a second message
  other_kind.insert(other_kind.end(), {0x8A, 0x02, 0x02, 0x08, 0x01});
  EXPECT_FALSE(decode_transaction(other_kind).ok());
}

TEST(Transaction, HighSAndOddVAreRefused) {
  Transaction transaction = example();
  ASSERT_TRUE(signature_holds(transaction));
  for (const int v : {0, 1, 26, 29, 255}) {
    Transaction changed = transaction;
    changed.signature.bytes[64] = static_cast<std::uint8_t>(v);
    EXPECT_FALSE(signature_holds(changed)) << v;
  }
  // The order minus s, and the other v, is the same signature to plain ECDSA.
  const Bytes order = *base::from_hex("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141");
  int borrow = 0;
  for (int i = 31; i >= 0; --i) {
    const auto at = static_cast<std::size_t>(i);
    const int difference = order[at] - transaction.signature.bytes[32 + at] - borrow;
    borrow = difference < 0 ? 1 : 0;
    transaction.signature.bytes[32 + at] = static_cast<std::uint8_t>(difference + 256 * borrow);
  }
  transaction.signature.bytes[64] = transaction.signature.bytes[64] == 27 ? 28 : 27;
  EXPECT_FALSE(signature_holds(transaction));
}

TEST(Transaction, AnotherChainNeedsAnotherSignature) {
  Transaction transaction = example();
  transaction.chain_id = 7002;
  EXPECT_FALSE(signature_holds(transaction));
}

TEST(Transaction, BoundsAreKept) {
  const auto refused = [](const Message& message) {
    Transaction transaction;
    transaction.message = message;
    return !decode_transaction(encode_transaction(transaction)).ok();
  };
  models::RegisterModel model;
  model.name = std::string(models::kMaxNameBytes, 'x');
  model.locations.assign(models::kMaxLocations, std::string(models::kMaxLocationBytes, 'y'));
  EXPECT_FALSE(refused(model));
  models::RegisterModel long_name = model;
  long_name.name += "x";
  EXPECT_TRUE(refused(long_name));
  models::RegisterModel broken_name = model;
  broken_name.name = "\xFF";
  EXPECT_TRUE(refused(broken_name));
  models::RegisterModel many = model;
  many.locations.emplace_back("y");
  EXPECT_TRUE(refused(many));
  models::RegisterModel long_location = model;
  long_location.locations.back() += "y";
  EXPECT_TRUE(refused(long_location));
  market::SubmitTask task;
  task.inputs.resize(market::kMaxParts);
  EXPECT_FALSE(refused(task));
  task.inputs.resize(market::kMaxParts + 1);
  EXPECT_TRUE(refused(task));
  EXPECT_FALSE(decode_transaction(Bytes(kMaxTransactionBytes + 1, 0)).ok());
}

TEST(Transaction, JsonMustBeComplete) {
  const base::Json json = transaction_json(example());
  ASSERT_TRUE(transaction_from_json(json).ok());
  for (const base::JsonMember& member : (*json.object("message"))->members()) {
    base::Json message = base::Json::empty_object();
    for (const base::JsonMember& other : (*json.object("message"))->members()) {
      if (other.key != member.key) message.set(other.key, other.value);
    }
    base::Json shorter = json;
    shorter.set("message", message);
    EXPECT_FALSE(transaction_from_json(shorter).ok()) << member.key;
    message.set(member.key, base::Json());
    shorter.set("message", message);
    EXPECT_FALSE(transaction_from_json(shorter).ok()) << member.key;
  }
  base::Json more = **json.object("message");
  more.set("memo", "x");
  base::Json changed = json;
  changed.set("message", more);
  EXPECT_FALSE(transaction_from_json(changed).ok());
  EXPECT_FALSE(transaction_from_json(base::Json()).ok());
  changed = json;
  changed.set("primaryType", "Mint");
  EXPECT_FALSE(transaction_from_json(changed).ok());
}

}  // namespace
}  // namespace starling::ledger
